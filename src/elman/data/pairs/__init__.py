"""Pairs of sentences: files to pairs, pairs to batches."""

"""Rows with labels: texts, words or numbers, from the files that people have."""

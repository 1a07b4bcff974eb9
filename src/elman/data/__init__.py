"""Text on disk to batches of ids."""

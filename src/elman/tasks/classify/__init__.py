"""The tasks `classify` and `sentiment`."""

"""Rows with labels, out of each kind of file that people keep them in."""

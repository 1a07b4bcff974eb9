"""Cells side by side on the classic tests of memory."""

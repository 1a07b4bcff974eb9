"""Recurrent layers, cells and their state."""

"""Faults put in on purpose, counted: hostile inputs, kills, damaged files, mutants."""

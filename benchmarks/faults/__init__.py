"""Faults put in on purpose: hostile inputs, kills, damaged files, mutants. Counted, in RESULTS.md."""

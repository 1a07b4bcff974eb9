"""The task `memory`: one network, one classic test of memory, one lag."""

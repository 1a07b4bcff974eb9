"""Running a network step by step, in constant memory, with its state as a value."""

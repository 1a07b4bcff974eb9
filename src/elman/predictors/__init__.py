"""A trained network as a value: weights, and what turns raw input into steps and answers."""

"""A trained network as a value: weights with what turns raw input into steps and outputs into answers."""

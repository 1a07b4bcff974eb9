"""A network one step at a time, for ever, with its state a value."""

"""Training: one visible loop, truncated backpropagation through time, checkpoints."""

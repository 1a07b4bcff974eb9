"""The tasks `classify` and `sentiment`, their baselines and explanations."""

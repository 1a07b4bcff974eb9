"""From distributions to choices: drawing tokens from a model."""

"""The task `language-model`: the probability of each token given all before it."""

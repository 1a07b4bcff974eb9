"""Looking into a network: what it does at each step, and how far back its memory reaches."""

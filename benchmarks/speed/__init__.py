"""Speed: elman beside the systems that people use, each in its own process, turn by turn."""

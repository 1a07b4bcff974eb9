"""The task `speech`: from recordings and their transcripts to a recognizer."""

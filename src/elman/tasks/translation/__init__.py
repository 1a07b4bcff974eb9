"""The task `translation`, its scores and its alignments."""

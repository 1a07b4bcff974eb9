"""The task `video`."""

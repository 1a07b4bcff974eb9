"""What trains in order to learn something: the study of memory, remedies, speed, the first run."""

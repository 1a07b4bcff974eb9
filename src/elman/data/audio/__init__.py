"""Speech and sounds: files and arrays in, samples and filter banks out."""

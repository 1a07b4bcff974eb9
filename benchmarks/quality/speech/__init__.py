"""Speech: digits of FSDD, sentences spoken by espeak-ng, streams and their speed and memory."""

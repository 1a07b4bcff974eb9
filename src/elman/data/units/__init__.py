"""The units a text is cut into: characters, byte-level BPE tokens, words."""

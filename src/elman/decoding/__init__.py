"""From distributions over tokens to outputs: sampling, beam search, teacher forcing."""

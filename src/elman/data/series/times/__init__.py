"""How times are written: dates and clocks, words, numbers; the one way that a whole column fits."""

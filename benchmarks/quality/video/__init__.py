"""Video: actions of UTD-MHAD, digits that move, and the speed and memory of it."""

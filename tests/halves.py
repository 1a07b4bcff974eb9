"""Sequences of numbers with a label that is easily learned: which half of channel 0 is high.

Lengths differ, and the channels are far from zero.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

ROWS, CHANNELS = 200, 2


def write(folder: Path) -> tuple[Path, npt.NDArray[np.int64]]:
    """The file of the rows, and the label of each."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(4, 12, ROWS)
    values = rng.normal(500, 1, (ROWS, 12, CHANNELS)).astype(np.float32)
    labels = rng.integers(0, 2, ROWS)
    for row, (length, label) in enumerate(zip(lengths, labels, strict=True)):
        half = length // 2
        values[row, :half, 0] += 3 * (1 - label)
        values[row, half:length, 0] += 3 * label
    path = folder / "data.npz"
    np.savez(path, values=values, labels=labels, lengths=lengths)
    return path, labels

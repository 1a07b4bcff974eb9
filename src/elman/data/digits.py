"""scikit-learn's own handwritten digits: 1,797 images of 8 × 8 pixels, nothing to fetch."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from elman.errors import InputError

PIXELS = 64
CLASSES = 10
FIFTHS = {"train": (0, 1, 2), "valid": (3,), "test": (4,)}


@cache
def images(split: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Pixels (N, 64) in [0, 1], row by row, and labels (N).

    Args:
        split: "train", three images of five; "valid" or "test", others, one of five each. The k-th
            image of its digit is in the fifth k mod 5, so that the digits are as many in each.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise InputError(
            'digits needs the package scikit-learn; install it with pip install "elman[probe]"'
        ) from error
    data = load_digits()
    place = np.zeros_like(data.target)
    for digit in range(CLASSES):
        same = data.target == digit
        place[same] = np.arange(same.sum())
    chosen = np.isin(place % 5, FIFTHS[split])
    pixels = (data.data[chosen] / 16).astype(np.float32)
    return pixels, data.target[chosen].astype(np.int64)

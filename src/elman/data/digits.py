"""scikit-learn's own handwritten digits: 1,797 images of 8 × 8 pixels, nothing to fetch."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from elman.errors import InputError

PIXELS = 64
CLASSES = 10
IMAGES = 1797
HELD_OUT = 360


@cache
def images(held_out: bool) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Pixels (N, 64) in [0, 1], row by row, and labels (N).

    Args:
        held_out: every fifth image, 360 of them, or the other 1,437 to train on.

    Raises:
        InputError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise InputError(
            'digits needs the package scikit-learn; install it with pip install "elman[probe]"'
        ) from error
    data = load_digits()
    chosen = (np.arange(IMAGES) % 5 == 0) == held_out
    pixels = (data.data[chosen] / 16).astype(np.float32)
    return pixels, data.target[chosen].astype(np.int64)

"""Samples of one channel, as all of elman takes them: float32 between -1 and 1."""

from __future__ import annotations

import numpy as np

from elman.data.labeled.rows import Floats
from elman.errors import InputError

_LOUDEST = 1e6
"""Above it the energies of a window overflow float32."""


def checked(samples: Floats) -> Floats:
    """Samples (N,) as float32.

    Raises:
        InputError: one that is no number, or far from between -1 and 1.
        ValueError: an array of another shape.
    """
    samples = np.asarray(samples, np.float32)
    if samples.ndim != 1:
        raise ValueError(f"samples of shape {samples.shape}, expected (N,)")
    if len(samples) and not np.abs(samples).max() <= _LOUDEST:  # also of NaN
        at = int(np.argmin(np.abs(samples) <= _LOUDEST))
        raise InputError(
            f"sample {at + 1} is {samples[at]}; expected numbers between -1 and 1; repair or"
            " leave out this recording"
        )
    return samples

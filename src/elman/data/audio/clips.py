"""Recordings as values: a stretch of a file, or samples in memory; and how large they may be.

Legend: N samples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Clip:
    """A stretch of an audio file, in seconds from its beginning; to its end where `end` is None."""

    path: Path
    begin: float = 0.0
    end: float | None = None


@dataclass(frozen=True, eq=False)
class Samples:
    """A recording in memory.

    Attributes:
        values: (N,) or (N, channels): floating point in [-1, 1], or whole numbers over the range of
            their type.
        rate: samples a second.
    """

    values: np.ndarray = field(repr=False)
    rate: int


@dataclass(frozen=True)
class Recording:
    """What the header of a file says: samples a second, of each channel, and in all; seconds."""

    rate: int
    channels: int
    samples: int
    seconds: float


@dataclass(frozen=True)
class Limits:
    """Bounds on a recording, checked before memory is taken and while it is decoded.

    Attributes:
        seconds: how long what is read at once may be.
        lowest_rate: samples a second, at least.
        highest_rate: samples a second, at most; 768 kHz is what the fastest converters have.
        channels: at most; the largest arrays of microphones that are sold have 64.
    """

    seconds: float = 3600.0
    lowest_rate: int = 1_000
    highest_rate: int = 768_000
    channels: int = 64

"""Scaling of each channel to mean 0 and deviation 1, as a value.

Legend: S steps, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from elman.data.labeled.rows import Floats
from elman.errors import InputError
from elman.files import json_bytes
from elman.parse import parse_json

FORMAT = "elman standardizer"


@dataclass(frozen=True)
class Standardizer:
    """(x - mean) / deviation, channel by channel.

    Attributes:
        mean: (C,).
        deviation: (C,) the standard deviation; 1 for a channel that never changes.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @staticmethod
    def fit(values: Floats) -> Standardizer:
        """The mean and deviation of (S, C), S at least 1."""
        wide = values.astype(np.float64)
        return Standardizer.of(wide.mean(axis=0), wide.std(axis=0))

    @staticmethod
    def of(mean: np.ndarray, deviation: np.ndarray) -> Standardizer:
        """That of these moments, (C,) each."""
        # What remains of rounding in a constant channel must not be blown up to 1.
        still = deviation <= 1e-7 * np.maximum(np.abs(mean), 1e-12)
        return Standardizer(tuple(mean.tolist()), tuple(np.where(still, 1.0, deviation).tolist()))

    def apply(self, values: Floats) -> Floats:
        """(S, C) -> (S, C)."""
        if values.shape[-1] != len(self.mean):
            raise InputError(
                f"the sequences have {values.shape[-1]} channels, expected {len(self.mean)}, as "
                "in training"
            )
        mean, deviation = self._arrays
        scaled: Floats = ((values - mean) / deviation).astype(np.float32)
        return scaled

    def invert(self, scaled: Floats) -> Floats:
        """The (..., C) of which `apply` made `scaled`."""
        mean, deviation = self._arrays
        found: Floats = (scaled * deviation + mean).astype(np.float32)
        return found

    @cached_property
    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        # Made once: a stream scales frame by frame.
        return np.asarray(self.mean), np.asarray(self.deviation)

    def to_bytes(self) -> bytes:
        return json_bytes({"format": FORMAT, "mean": self.mean, "deviation": self.deviation})

    @staticmethod
    def from_bytes(data: bytes, where: str) -> Standardizer:
        """Read what `to_bytes` gave, or raise InputError, which names `where`."""
        try:
            kept = parse_json(data)
            mean, deviation = (tuple(map(float, kept[name])) for name in ("mean", "deviation"))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{where}: cannot be read as a standardizer ({error})") from error
        right = len(mean) == len(deviation) and np.isfinite([*mean, *deviation]).all()
        if kept.get("format") != FORMAT or not right or min(deviation, default=1) <= 0:
            raise InputError(f"{where}: not a standardizer of elman, or damaged")
        return Standardizer(mean, deviation)


@final
class RunningStandardizer:
    """Fits a `Standardizer` to rows that come one after the other.

    Source: Chan et al. 1979, the pairwise form of Welford 1962.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        self._count = 0
        self._mean, self._squares = np.zeros(channels), np.zeros(channels)

    def add(self, values: Floats) -> None:
        """One more row (S, C)."""
        if not len(values):
            return
        wide = values.astype(np.float64)
        mean, count = wide.mean(axis=0), self._count + len(wide)
        apart = mean - self._mean
        self._squares += ((wide - mean) ** 2).sum(axis=0)
        self._squares += apart**2 * (self._count * len(wide) / count)
        self._mean += apart * (len(wide) / count)
        self._count = count

    def result(self) -> Standardizer:
        """That of all rows so far, which have at least one step."""
        return Standardizer.of(self._mean, np.sqrt(self._squares / self._count))

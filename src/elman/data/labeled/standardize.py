"""Scaling of each channel to mean 0 and deviation 1, as a value.

Legend: S steps, C channels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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
        return Standardizer.fit_parts([values])

    @staticmethod
    def fit_parts(parts: Iterable[Floats]) -> Standardizer:
        """The mean and deviation of all (S, C) together, one in memory at a time.

        Source: Chan, Golub & LeVeque 1979, "Updating formulae and a pairwise algorithm for
        computing sample variances", equation 2.1.
        """
        count, mean, squares = 0, np.zeros(0), np.zeros(0)
        for part in parts:
            if not len(part):
                continue
            wide = part.astype(np.float64)
            own, more = wide.mean(axis=0), len(wide)
            apart = ((wide - own) ** 2).sum(axis=0)
            if not count:
                count, mean, squares = more, own, apart
                continue
            step, total = own - mean, count + more
            squares = squares + apart + step**2 * (count * more / total)
            mean = mean + step * (more / total)
            count = total
        if not count:
            raise InputError("there are no steps to take a mean of; give at least one")
        deviation = np.sqrt(squares / count)
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
        scaled: Floats = ((values - np.asarray(self.mean)) / np.asarray(self.deviation)).astype(
            np.float32
        )
        return scaled

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

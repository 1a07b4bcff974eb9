"""Channels brought to mean 0 and deviation 1, as a value that a run keeps.

Legend: S steps, C channels.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from elman.data.labeled.rows import Floats
from elman.errors import InputError
from elman.files import write_json

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
        mean, deviation = wide.mean(axis=0), wide.std(axis=0)
        # What remains of rounding in a constant channel must not be blown up to 1.
        still = deviation <= 1e-7 * np.maximum(np.abs(mean), 1e-12)
        return Standardizer(tuple(mean.tolist()), tuple(np.where(still, 1.0, deviation).tolist()))

    def apply(self, values: Floats) -> Floats:
        """(S, C) -> (S, C).

        Raises:
            InputError: another number of channels.
        """
        if values.shape[-1] != len(self.mean):
            raise InputError(
                f"the sequences have {values.shape[-1]} channels, expected {len(self.mean)}, as "
                "in training"
            )
        scaled: Floats = ((values - np.asarray(self.mean)) / np.asarray(self.deviation)).astype(
            np.float32
        )
        return scaled

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON."""
        write_json(path, {"format": FORMAT, "mean": self.mean, "deviation": self.deviation})

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Standardizer:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing, damaged or something else.
        """
        try:
            kept = json.loads(Path(path).read_text(encoding="utf-8"))
            mean, deviation = (tuple(map(float, kept[name])) for name in ("mean", "deviation"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: cannot be read as a standardizer ({error})") from error
        right = len(mean) == len(deviation) and np.isfinite([*mean, *deviation]).all()
        if kept.get("format") != FORMAT or not right or min(deviation, default=1) <= 0:
            raise InputError(f"{path}: not a standardizer of elman, or damaged")
        return Standardizer(mean, deviation)

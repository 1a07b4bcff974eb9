"""How far the expected calibration error can be trusted.

The error of few predictions is above 0 even if their probabilities are perfect, since the share of
right ones in each bin is only an estimate. So it is reported with its interval, and with what
perfectly calibrated probabilities would have.

Legend: N rows, P predictions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from elman.evaluation.classification import BINS, calibration_error
from elman.evaluation.paired import draws, resamples

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Calibration:
    """The expected calibration error of P predictions.

    Attributes:
        error: as measured, in `BINS` bins of equal width.
        low: of its 95 % interval.
        high: of its 95 % interval.
        expected: the mean of perfectly calibrated probabilities with the same confidences.
        chance: below this are 95 % of the errors of perfectly calibrated probabilities.
        count: P.
    """

    error: float
    low: float
    high: float
    expected: float
    chance: float
    count: int

    @property
    def is_off(self) -> bool:
        """Whether the error is more than that of perfectly calibrated probabilities."""
        return self.error > self.chance


def calibration_of(confidence: Array, right: Array, row: Array, seed: int = 0) -> Calibration:
    """Measure P predictions, each of which is part of a `row`.

    The interval is the basic bootstrap's, which takes off the error's upward bias; whole rows are
    drawn. It begins at 0 where perfect probabilities may have this error, since the bootstrap is
    not valid there. For the expected error the outcomes are drawn anew from the confidences.

    Sources: Efron & Tibshirani 1993, chapter 13; Bröcker & Smith 2007, "Increasing the reliability
    of reliability diagrams".
    """
    error = calibration_error(confidence, right)
    place = np.clip((confidence * BINS).astype(np.int64), 0, BINS - 1)
    gap = right - confidence

    def weighted(weights: Array | None, gaps: Array) -> float:
        total = len(gaps) if weights is None else weights.sum()
        sums = np.bincount(place, gaps if weights is None else gaps * weights, BINS)
        return float(np.abs(sums).sum() / max(total, 1))

    rows = int(row.max(initial=-1)) + 1
    drawn = [weighted(weights[row], gap) for weights in resamples(rows, seed)]
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(confidence) else (0.0, 0.0)
    random = np.random.default_rng(seed)
    count = len(confidence)
    perfect = [
        weighted(None, (random.random(count) < confidence) - confidence)
        for _ in range(draws(count))
    ]
    chance = float(np.quantile(perfect, 0.95))
    return Calibration(
        error,
        max(0.0, 2 * error - float(high)) if error > chance else 0.0,
        max(0.0, 2 * error - float(low)),
        float(np.mean(perfect)),
        chance,
        count,
    )

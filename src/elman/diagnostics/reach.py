"""How far back a memory reaches: the lag from which on too little is left to matter.

Legend: K the largest lag, N samples, R bootstrap replicates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from elman.diagnostics.gradients import LagProfile

THRESHOLD = 0.01
"""Of the gradient at lag 0; below it a gradient is taken to have vanished."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reach:
    """A lag in steps, with an interval.

    Attributes:
        steps: the lag; where `censored`, the largest lag that was looked at.
        low: the lower end of the interval.
        high: its upper end, likewise at most the largest lag.
        censored: the threshold was not passed: the reach is at least `steps`.
    """

    steps: float
    low: float
    high: float
    censored: bool

    def __str__(self) -> str:
        sign = "at least " if self.censored else ""
        return f"{sign}{self.steps:.1f} steps (95 %: {self.low:.1f} to {self.high:.1f})"


def reach_by_gradient(
    profile: LagProfile,
    *,
    threshold: float = THRESHOLD,
    replicates: int = 200,
    seed: int = 0,
) -> Reach:
    """The lag from which on the median of the norm over that at lag 0 stays under `threshold`.

    Between lags the logarithm is taken to be linear, so that for a gradient that shrinks by rho a
    step the reach is ln(threshold) / ln(rho) exactly. The interval holds the middle 95 % of the
    reaches of bootstrap replicates, which draw whole rows, since the samples of a row are not
    independent (single samples where there is only one row).
    """
    ratios = profile.ratios.numpy()
    if not len(ratios):
        return Reach(0.0, 0.0, 0.0, censored=False)
    there = (profile.norms[:, 0] > 0).numpy()
    rows = profile.rows.numpy()[there]
    steps, censored = crossing(_median(ratios), threshold)
    generator = np.random.default_rng(seed)
    drawn = [
        crossing(_median(ratios[_resample(rows, generator)]), threshold)[0]
        for _ in range(replicates)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Reach(steps, float(low), float(high), censored)


def crossing(curve: Array | Tensor, threshold: float) -> tuple[float, bool]:
    """Where `curve` (K + 1,) goes under `threshold` for good, and whether it never does."""
    values = np.asarray(curve, dtype=np.float64)
    values = values[~np.isnan(values)]
    above = np.flatnonzero(values >= threshold)
    if not len(above):
        return 0.0, False
    last = int(above[-1])
    if last == len(values) - 1:
        return float(last), True
    before, after = values[last], values[last + 1]
    if after <= 0:
        return float(last + 1), False
    return last + math.log(before / threshold) / math.log(before / after), False


def _median(ratios: Array) -> Array:
    return np.asarray(np.nanmedian(ratios, axis=0))


def _resample(rows: npt.NDArray[np.int64], generator: np.random.Generator) -> npt.NDArray[np.int64]:
    distinct = np.unique(rows)
    if len(distinct) == 1:
        return generator.integers(len(rows), size=len(rows))
    members = [np.flatnonzero(rows == row) for row in distinct]
    return np.concatenate([members[i] for i in generator.integers(len(members), size=len(members))])

"""Whether one forecast is better than another, or by chance: a paired test over the cuts.

Legend: K cuts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from elman.data.optional import library
from elman.data.series.panel import Floats

LEVEL = 0.05
FEWEST = 5


@dataclass(frozen=True)
class Comparison:
    """The Diebold-Mariano test of two forecasts on the same cuts."""

    difference: float
    """Of the mean losses, the first minus the second; negative if it is better."""
    p: float
    """Two-sided probability of such a difference by chance; NaN with too few cuts."""
    cuts: int

    @property
    def better(self) -> bool:
        """Whether the first is better, and not by chance."""
        return self.difference < 0 and self.p < LEVEL

    @property
    def worse(self) -> bool:
        """Whether the first is worse, and not by chance."""
        return self.difference > 0 and self.p < LEVEL

    def __str__(self) -> str:
        cuts = f"{self.cuts} cut{'s' * (self.cuts != 1)}"
        if math.isnan(self.p):
            return f"{cuts}, too few for a test"
        p = "p < 0.001" if self.p < 0.001 else f"p = {self.p:.2g}"
        return f"Diebold-Mariano test over {cuts}, {p}"


def compare(first: Floats, second: Floats, overlap: int) -> Comparison:
    """Test whether two forecasts differ in their mean loss.

    The losses of cuts whose horizons overlap are correlated. So the variance of the mean is a
    long-run one, the covariances with `overlap` neighbors counted in full (Diebold & Mariano 1995),
    and the statistic is made smaller for few cuts and compared with Student's t of K - 1 degrees of
    freedom (Harvey, Leybourne & Newbold 1997, equation 9). Where that variance comes out negative,
    neighbors count by Bartlett's weights, with which it can't (Newey & West 1987).

    `first` and `second` are the losses of each cut (K,) in the order of time, NaN for none;
    `overlap` is the number of cuts after a cut that share steps with it.
    """
    differences = (first - second)[~np.isnan(first - second)]
    count = len(differences)
    if not count:
        return Comparison(math.nan, math.nan, 0)
    mean = float(differences.mean())
    if count < max(FEWEST, overlap + 2):
        return Comparison(mean, math.nan, count)
    centered = differences - mean
    covariances = [float(centered[lag:] @ centered[: count - lag]) for lag in range(overlap + 1)]
    variance = (2 * sum(covariances) - covariances[0]) / count
    if variance <= 0:
        weighted = (c * (1 - lag / (overlap + 1)) for lag, c in enumerate(covariances))
        variance = (2 * sum(weighted) - covariances[0]) / count
    if variance <= 1e-300:
        return Comparison(mean, 1.0 if mean == 0 else 0.0, count)
    ahead = overlap + 1
    shrink = (count + 1 - 2 * ahead + ahead * (ahead - 1) / count) / count
    statistic = mean / math.sqrt(variance / count) * math.sqrt(max(shrink, 0.0))
    return Comparison(mean, two_sided(statistic, count - 1), count)


def two_sided(statistic: float, freedom: int) -> float:
    """The probability that |t| is at least so large, for Student's t."""
    return float(2 * library("scipy.special").stdtr(freedom, -abs(statistic)))

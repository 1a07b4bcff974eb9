"""Whether one forecast is better than another, or by chance: paired tests over origins and series.

Legend: K forecast origins, S series.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from elman.data.optional import library
from elman.data.series.panel import Floats
from elman.evaluation.paired import SIGNIFICANT
from elman.numbers import chance

FEWEST = 5
"""Forecast origins or series below which nothing is decided, whatever a test says."""

_TESTS = {"forecast origins": "Diebold-Mariano test", "series": "paired t-test"}


@dataclass(frozen=True)
class Comparison:
    """A paired test of two forecasts of the same values."""

    difference: float
    """Of the mean losses, the first minus the second; negative if it is better."""
    p: float
    """Two-sided probability of such a difference by chance; NaN with too few to test."""
    count: int
    """How many forecast origins or series the test is over."""
    over: Literal["forecast origins", "series"]

    @property
    def enough(self) -> bool:
        """Whether there are origins or series enough to decide."""
        return self.count >= FEWEST and not math.isnan(self.p)

    @property
    def outcome(self) -> Literal["better", "same", "worse", "undecided"]:
        """What is known of the first forecast; "same" is no difference at all."""
        if not self.enough:
            return "undecided"
        if self.difference == 0:
            return "same"
        if self.p >= SIGNIFICANT:
            return "undecided"
        return "better" if self.difference < 0 else "worse"

    def __str__(self) -> str:
        one = self.count == 1 and self.over == "forecast origins"
        over = "forecast origin" if one else self.over
        if math.isnan(self.p):
            return f"{self.count} {over}, too few for a test"
        return f"{chance(self.p)} over {self.count} {over}, {_TESTS[self.over]}"


def compare(
    origins: tuple[Floats, Floats], series: tuple[Floats, Floats], overlap: int
) -> Comparison:
    """Test whether two forecasts differ in their mean loss.

    Losses of one forecast origin share what happened then, those of one series what it is like. So
    the test is over the means of whichever there are more of: the Diebold-Mariano test over
    forecast origins, or a paired t-test over series. Where there are more series, but origins
    enough for a test as well, both are made and the one that is less sure counts.

    Args:
        origins: mean losses (K,) of both forecasts at each origin, NaN for none, in order of time.
        series: the same of each series (S,).
        overlap: the number of origins after an origin that share steps with it.
    """
    over_origins = over_time(*origins, overlap)
    over_series = over_units(*series)
    if over_series.count <= over_origins.count:
        return over_origins
    if over_origins.count < max(FEWEST, overlap + 2):
        return over_series
    return max(over_series, over_origins, key=lambda one: one.p)


def over_time(first: Floats, second: Floats, overlap: int) -> Comparison:
    """The Diebold-Mariano test over losses (K,) in the order of time.

    The losses of origins whose horizons overlap are correlated. So the variance of the mean is a
    long-run one, the covariances with `overlap` neighbors counted in full (Diebold & Mariano 1995),
    and the statistic is made smaller for few origins and compared with Student's t of K - 1 degrees
    of freedom (Harvey, Leybourne & Newbold 1997, equation 9). Where that variance comes out
    negative, neighbors count by Bartlett's weights, with which it can't (Newey & West 1987).
    """
    differences, mean = _differences(first, second)
    count = len(differences)
    if count < overlap + 2:
        return Comparison(mean, math.nan, count, "forecast origins")
    centered = differences - mean
    covariances = [float(centered[lag:] @ centered[: count - lag]) for lag in range(overlap + 1)]
    variance = (2 * sum(covariances) - covariances[0]) / count
    if variance <= 0:
        weighted = (c * (1 - lag / (overlap + 1)) for lag, c in enumerate(covariances))
        variance = (2 * sum(weighted) - covariances[0]) / count
    ahead = overlap + 1
    shrink = (count + 1 - 2 * ahead + ahead * (ahead - 1) / count) / count
    p = _two_sided(mean * math.sqrt(max(shrink, 0.0)), variance / count, count - 1)
    return Comparison(mean, p, count, "forecast origins")


def over_units(first: Floats, second: Floats) -> Comparison:
    """The paired t-test over the mean losses (S,) of series."""
    differences, mean = _differences(first, second)
    count = len(differences)
    if count < 2:
        return Comparison(mean, math.nan, count, "series")
    p = _two_sided(mean, float(differences.var(ddof=1)) / count, count - 1)
    return Comparison(mean, p, count, "series")


def two_sided(statistic: float, freedom: int) -> float:
    """The probability that |t| is at least so large, for Student's t."""
    return float(2 * library("scipy.special").stdtr(freedom, -abs(statistic)))


def _differences(first: Floats, second: Floats) -> tuple[Floats, float]:
    differences = (first - second)[~np.isnan(first - second)]
    return differences, float(differences.mean()) if len(differences) else math.nan


def _two_sided(mean: float, variance: float, freedom: int) -> float:
    """Of a mean with this variance; differences that are all equal leave nothing to chance."""
    if variance <= (1e-12 * mean) ** 2:
        return 1.0 if mean == 0 else 0.0
    return two_sided(mean / math.sqrt(variance), freedom)

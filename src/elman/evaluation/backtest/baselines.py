"""Baseline forecasts without any learning, with their intervals.

Legend: S series, N rows of all series, R forecast origins, L horizon, C channels, Q levels.

After n rows y_1 … y_n, h steps ahead:

    naive            y_n                                     σ_h = σ √h
    seasonal naive   y of the same place in the last season   σ_h = σ √k, k = ⌊(h - 1) / m⌋ + 1
    drift            y_n + h (y_n - y_1) / (n - 1)            σ_h = σ √(h (1 + h / (n - 1)))

Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., sections 5.2 and
5.5. σ is the root mean square of the method's errors one step (one season) ahead in those n rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist

import numpy as np

from elman.data.series.forecasts import LEVELS, Forecast
from elman.data.series.grid import filled
from elman.data.series.panel import Floats, Integers, Panel

NAIVE = "naive"
DRIFT = "drift"


def seasonal_name(season: int) -> str:
    """The name of the seasonal naive forecast."""
    return f"seasonal naive ({season})"


@dataclass(frozen=True, eq=False)
class Baselines:
    """The baselines of a panel, computed from running sums instead of origin by origin.

    No forecast uses rows of `panel` after its origin. Each length in `seasons`, in rows, is a
    seasonal naive forecast.
    """

    panel: Panel
    seasons: tuple[int, ...]
    levels: tuple[float, ...] = LEVELS
    _sums: dict[tuple[int, int], tuple[Floats, Integers]] = field(default_factory=dict)

    @cached_property
    def values(self) -> Floats:
        """(N, C) with gaps filled forward, which uses the past only."""
        known = np.where(self.panel.observed, self.panel.values, np.nan)
        if self.panel.missing == "zero":
            known = self.panel.values
        return filled(known, self.panel.borders, "forward")

    def forecasts(self, series: Integers, ends: Integers, horizon: int) -> dict[str, Forecast]:
        """The forecast of each baseline after the first `ends` (R,) rows of `series` (R,).

        At least 1 row is known; a season longer than that is replaced by the first row.
        """
        last = self.panel.borders[series] + ends - 1
        ahead = np.arange(1, horizon + 1)
        naive = self.values[last][:, None, :]  # (R, 1, C)
        grows = np.sqrt(ahead)[None, :, None]
        deviation = self._deviation(series, ends, 1)
        found = {NAIVE: self._normal(naive + 0.0 * grows, deviation * grows)}
        for season in self.seasons:
            length = np.minimum(season, ends)[:, None]  # (R, 1)
            place = last[:, None] - length + 1 + (ahead - 1) % length
            turns = np.sqrt((ahead - 1) // length + 1)[:, :, None]
            spread = self._deviation(series, ends, season) * turns
            found[seasonal_name(season)] = self._normal(self.values[place], spread)
        known = np.maximum(ends - 1, 1)[:, None, None]
        begin = self.values[self.panel.borders[series]][:, None, :]
        slope = np.nan_to_num((naive - begin) / known)
        widens = np.sqrt(ahead[None, :, None] * (1 + ahead[None, :, None] / known))
        found[DRIFT] = self._normal(naive + slope * ahead[None, :, None], deviation * widens)
        return found

    def scale(self, ends: Integers, season: int = 1) -> Floats:
        """(S, C) the mean absolute change over `season` rows, in the first `ends` (S,) rows.

        NaN where it is 0, or where there are not so many rows.
        """
        size = self._mean_of_steps(np.arange(len(self.panel)), ends, season, power=1)
        return np.where(size > 0, size, np.nan)

    def _deviation(self, series: Integers, ends: Integers, lag: int) -> Floats:
        """(R, 1, C) σ of the errors `lag` steps ahead in the known rows."""
        return np.sqrt(self._mean_of_steps(series, ends, lag, power=2))[:, None, :]

    def _mean_of_steps(self, series: Integers, ends: Integers, lag: int, power: int) -> Floats:
        """(R, C) the mean of |y_t - y_{t - lag}|^power over the known rows, 0 without any."""
        sums, counts = self._running(lag, power)
        begin = self.panel.borders[series]
        first, stop = begin + np.minimum(lag, ends), begin + ends
        total, number = sums[stop] - sums[first], counts[stop] - counts[first]
        return np.asarray(np.where(number > 0, total, 0.0) / np.maximum(number, 1))

    def _running(self, lag: int, power: int) -> tuple[Floats, Integers]:
        """(N + 1, C) sums and counts of steps before each row; across series they cancel out."""
        if (lag, power) in self._sums:
            return self._sums[lag, power]
        steps = np.full_like(self.values, np.nan)
        steps[lag:] = np.abs(self.values[lag:] - self.values[:-lag]) ** power
        known = ~np.isnan(steps)
        zero = np.zeros((1, steps.shape[1]))
        sums = np.concatenate([zero, np.cumsum(np.where(known, steps, 0.0), axis=0)])
        counts = np.concatenate([zero.astype(np.int64), np.cumsum(known, axis=0)])
        self._sums[lag, power] = sums, counts
        return sums, counts

    def _normal(self, mean: Floats, deviation: Floats) -> Forecast:
        """A forecast of normal distributions; both (R, L, C)."""
        shifts = np.array([NormalDist().inv_cdf(level) for level in self.levels])
        return Forecast(mean, self.levels, mean[..., None] + deviation[..., None] * shifts)

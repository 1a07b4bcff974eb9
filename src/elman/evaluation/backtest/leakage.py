"""A check for leakage: change everything after a forecast origin, and compare the forecasts.

Legend: S series, R pairs of a series and an origin, L horizon, C channels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from elman.data.series.grid import filled
from elman.data.series.panel import Floats, Integers, Panel

_ORIGINS = 3
_SERIES = 20


@dataclass(frozen=True)
class Leakage:
    """How much forecasts change with the future."""

    moved: float
    """The largest change, in standard deviations of the series; 0 without leakage."""
    pairs: int
    """Number of forecasts that were compared."""
    where: str = ""
    """The series with the largest change."""

    @property
    def found(self) -> bool:
        """Whether a forecast depends on the future."""
        return self.moved > 0

    def __str__(self) -> str:
        if self.found:
            return (
                f"LEAKAGE: with the future changed, the forecast of {self.where} changes by "
                f"{self.moved:.2g} standard deviations; the numbers below can't be trusted"
            )
        return (
            f"no leakage: with everything after the forecast origin changed, {self.pairs} "
            "forecasts stay the same to the bit"
        )


def look_for_leaks(
    forecaster: Any, panel: Panel, series: Integers, ends: Integers, horizon: int
) -> Leakage:
    """Compare forecasts from the data with those from data with another future.

    After the origin, targets and past covariates are replaced, missing ones included, and gaps are
    filled again like those of the panel, since that is where the future leaks most easily.
    Covariates known ahead stay. `forecaster` is one of `elman.evaluation.backtest.backtest`,
    `series` and `ends` (R,) are the pairs of the backtest and their known rows.
    """
    moved, where, pairs = 0.0, "", 0
    order = np.argsort(ends, kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, _ORIGINS * _SERIES).astype(int))]
    for place in _one_origin_a_series(series, chosen):
        of, stop = series[place], ends[place]
        context = forecaster.context
        before = forecaster.forecast(panel.cuts(of, stop, context), horizon)
        other = with_another_future(panel, of, stop)
        after = forecaster.forecast(other.cuts(of, stop, context), horizon)
        spread = np.nanstd(panel.values, axis=0)
        size = np.where(spread > 0, spread, 1.0)
        for left, right in (
            (before.mean, after.mean),
            (np.moveaxis(before.quantiles, -1, 2), np.moveaxis(after.quantiles, -1, 2)),
        ):
            change = np.where(np.isnan(left) & np.isnan(right), 0.0, np.abs(left - right) / size)
            change = np.nan_to_num(change, nan=np.inf)
            if change.size and change.max() > moved:
                moved = float(change.max())
                where = panel.ids[int(of[np.unravel_index(change.argmax(), change.shape)[0]])]
        pairs += len(of)
    return Leakage(moved, pairs, where)


def _one_origin_a_series(series: Integers, chosen: Integers) -> Iterator[list[int]]:
    """The chosen pairs in at most `_ORIGINS` groups, each with at most one pair of a series."""
    groups: list[list[int]] = [[] for _ in range(_ORIGINS)]
    seen: Counter[int] = Counter()
    for place in chosen:
        name = int(series[place])
        if seen[name] < _ORIGINS:
            groups[seen[name]].append(int(place))
            seen[name] += 1
    return filter(None, groups)


def with_another_future(panel: Panel, series: Integers, ends: Integers) -> Panel:
    """The panel with everything after an origin of each series changed, and gaps filled again."""
    generator = np.random.default_rng(0)
    raw = np.where(panel.observed, panel.values, np.nan)
    if panel.missing == "zero":
        raw = np.where(np.isnan(panel.values), np.nan, raw)
    past, observed = panel.past.copy(), panel.observed.copy()
    for one, end in zip(series, ends, strict=True):
        rows = slice(int(panel.borders[one] + end), int(panel.borders[one + 1]))
        raw[rows] = _other(raw[rows], panel.values, generator)
        past[rows] = _other(past[rows], panel.past, generator)
        observed[rows] = True
    values = filled(raw, panel.borders, panel.missing)
    return replace(panel, values=values, observed=observed, past=past)


def _other(part: Floats, whole: Floats, generator: np.random.Generator) -> Floats:
    """Random numbers of similar size, unrelated to the original ones."""
    if not part.size:
        return part
    spread = np.nan_to_num(np.nanstd(whole, axis=0)) + 1.0
    return np.asarray(np.nanmax(whole, axis=0) + spread * (1 + 5 * generator.random(part.shape)))

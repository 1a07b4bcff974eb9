"""The backtest: forecasts from many origins in the past, compared with the truth and baselines.

At a cut (a forecast origin) the forecaster is given a panel that ends there, so it cannot see the
future; `leakage` checks that.

Legend: S series, K cuts, R pairs of a series and a cut, L horizon, C channels, Q levels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from elman.data.series.forecasts import LEVELS, Forecast
from elman.data.series.panel import Floats, Integers, Panel
from elman.errors import InputError
from elman.evaluation.backtest.baselines import DRIFT, NAIVE, Baselines, seasonal_name
from elman.evaluation.backtest.leakage import Leakage, look_for_leaks
from elman.evaluation.backtest.metrics import Tally

_ROWS_AT_ONCE = 2_000_000
_NUMBERS_AT_ONCE = 20_000_000


class Forecaster(Protocol):
    """A trained model that forecasts the next rows."""

    @property
    def context(self) -> int | None:
        """The number of rows before a cut that it reads; None for all."""
        ...

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """The next `horizon` steps of each row, a pair of a series and a cut; always the same."""
        ...


Forecasts = Callable[[Panel, int], Forecast]
"""`Forecaster.forecast`."""

Refit = Callable[[Panel], Forecaster]
"""Trains a forecaster on the data known at a cut."""


@dataclass(frozen=True)
class Schedule:
    """Where the cuts are.

    After the last cut, just the gap and the horizon are left of a series; the other cuts are `step`
    rows apart.

    Attributes:
        cuts: the largest number of cuts; None for as many as possible.
        gap: rows between the last known row and the first scored one.
        step: rows between cuts; None for the horizon, so that no row is scored twice.
        first: the smallest number of known rows at a cut, (S,) or one number; the end of the
            training data, so that no cut is older than that.
    """

    cuts: int | None = 20
    gap: int = 0
    step: int | None = None
    first: Integers | int = 0


@dataclass(frozen=True, eq=False)
class Backtest:
    """The result of a backtest."""

    baselines: tuple[str, ...]
    """Their names, naive first."""
    tally: Tally
    """Errors of `model` and the baselines."""
    horizon: int
    gap: int
    overlap: int
    """The number of cuts after a cut that share steps with it."""
    cuts: int
    pairs: int
    """R, the forecasts of each model."""
    leakage: Leakage
    notes: tuple[str, ...] = ()
    """What was left out and why."""
    model: str = "the network"


def backtest(
    forecaster: Forecaster,
    panel: Panel,
    horizon: int,
    schedule: Schedule | None = None,
    *,
    refit: Refit | None = None,
    seasons: tuple[int, ...] | None = None,
    spread: Floats | None = None,
) -> Backtest:
    """Forecast the past from every cut, and score the network and its baselines.

    Args:
        forecaster: to be evaluated.
        panel: all of the data.
        horizon: number of scored steps, L.
        schedule: where the cuts are.
        refit: trains again at each cut; None to evaluate `forecaster` as it is.
        seasons: of the seasonal naive forecasts, in rows; by default those of the frequency.
        spread: (S, C) standard deviations; errors are also given in units of them.

    Raises:
        InputError: series too short for a single cut.
    """
    schedule = schedule or Schedule()
    series, ends, numbers = place_cuts(panel, horizon, schedule)
    count = int(numbers.max()) + 1
    shortest = int(ends.min())
    wanted = panel.frequency.seasons if seasons is None else seasons
    used = tuple(season for season in wanted if season <= shortest)
    notes = [
        f"no seasonal naive ({season}): some cut has only {shortest:,} known rows"
        for season in wanted
        if season > shortest
    ]
    baselines = Baselines(panel, used)
    first = panel.lengths  # (S,) the known rows at the first cut of each series
    np.minimum.at(first, series, ends)
    scale = baselines.scale(first)
    if np.isnan(scale).any():
        flat = [panel.ids[place] for place in np.flatnonzero(np.isnan(scale).any(axis=1))]
        notes.append(f"not in MASE, as nothing changes before the first cut: {', '.join(flat[:5])}")
    tally = Tally(horizon, count)
    gap, total, current = schedule.gap, schedule.gap + horizon, forecaster
    for rows in _chunks(panel, forecaster.context, ends, numbers, total, refit is not None):
        of, stop = series[rows], ends[rows]
        if refit is not None:
            current = refit(panel.cuts(of, stop))
        found = current.forecast(panel.cuts(of, stop, current.context), total)
        _check_finite(panel, of, found)
        forecasts = {Backtest.model: found, **baselines.forecasts(of, stop, total)}
        places = _scored_rows(panel, of, stop + gap, horizon)
        actual = panel.values[places]
        scored = panel.observed[places] & ~np.isnan(actual)
        for forecast in forecasts.values():
            scored &= ~np.isnan(forecast.mean[:, gap:])
        tally.add(
            actual,
            scored,
            numbers[rows],
            {name: forecast.after(gap) for name, forecast in forecasts.items()},
            scale[of],
            None if spread is None else spread[of],
        )
    overlap = -(-total // (schedule.step or horizon)) - 1
    return Backtest(
        baselines=(NAIVE, *map(seasonal_name, used), DRIFT),
        tally=tally,
        horizon=horizon,
        gap=gap,
        overlap=overlap,
        cuts=count,
        pairs=len(series),
        leakage=look_for_leaks(current, panel, series, ends, total),
        notes=tuple(notes),
    )


def forecast_cuts(
    forecasts: Forecasts, context: int | None, panel: Panel, horizon: int, schedule: Schedule
) -> tuple[Floats, Forecast]:
    """True values (R, L, C), NaN for missing ones, and the forecasts from every cut."""
    series, ends, numbers = place_cuts(panel, horizon, schedule)
    total, gap = schedule.gap + horizon, schedule.gap
    parts = [
        forecasts(panel.cuts(series[rows], ends[rows], context), total)
        for rows in _chunks(panel, context, ends, numbers, total, False)
    ]
    whole = Forecast(
        np.concatenate([part.mean for part in parts]),
        parts[0].levels,
        np.concatenate([part.quantiles for part in parts]),
    )
    places = _scored_rows(panel, series, ends + gap, horizon)
    return np.where(panel.observed[places], panel.values[places], np.nan), whole.after(gap)


def place_cuts(
    panel: Panel, horizon: int, schedule: Schedule
) -> tuple[Integers, Integers, Integers]:
    """(R,) series, known rows and number of each cut, the oldest cuts first."""
    if horizon < 1 or schedule.gap < 0 or (schedule.step is not None and schedule.step < 1):
        raise InputError("horizon and step must be at least 1, the gap at least 0")
    if schedule.cuts is not None and schedule.cuts < 1:
        raise InputError(f"{schedule.cuts} cuts: a backtest needs at least 1")
    step = schedule.step or horizon
    last = panel.lengths - horizon - schedule.gap  # (S,)
    first = np.maximum(np.broadcast_to(np.asarray(schedule.first), last.shape), 2)
    room = np.maximum((last - first) // step + 1, 0)
    if not room.any():
        longest = int(panel.lengths.argmax())
        raise InputError(
            f"series {panel.ids[longest]}: {int(panel.lengths[longest]):,} rows, the longest, are "
            f"too few for a cut with {int(first[longest]):,} known rows, a gap of {schedule.gap} "
            f"and a horizon of {horizon}; give more data or a shorter horizon"
        )
    if schedule.cuts is not None:
        room = np.minimum(room, schedule.cuts)
    series = np.repeat(np.arange(len(panel)), room)
    back = np.arange(len(series)) - np.repeat(np.cumsum(room) - room, room)  # 0 is the last cut
    numbers = int(room.max()) - 1 - back
    order = np.lexsort((series, numbers))
    return series[order], (last[series] - back * step)[order], numbers[order]


def _chunks(
    panel: Panel,
    context: int | None,
    ends: Integers,
    numbers: Integers,
    steps: int,
    refits: bool,
) -> Iterator[slice]:
    """Slices of the pairs that fit into memory at once; with refits, one for each cut."""
    known = ends if context is None else np.minimum(ends, context)
    numbers_each = steps * len(panel.targets) * len(LEVELS) * 3
    cost = np.maximum(known / _ROWS_AT_ONCE, numbers_each / _NUMBERS_AT_ONCE)
    begin, used = 0, 0.0
    for place in range(len(ends)):
        new = numbers[place] != numbers[place - 1] if refits else used + cost[place] > 1
        if place > begin and new:
            yield slice(begin, place)
            begin, used = place, 0.0
        used += cost[place]
    yield slice(begin, len(ends))


def _scored_rows(panel: Panel, series: Integers, begins: Integers, horizon: int) -> Integers:
    """(R, L) the places in `panel.values` of the rows of each series from `begins` on."""
    rows: Integers = (panel.borders[series] + begins)[:, None] + np.arange(horizon)
    return rows


def _check_finite(panel: Panel, series: Integers, forecast: Forecast) -> None:
    good = np.isfinite(forecast.mean).all(axis=(1, 2))
    good &= np.isfinite(forecast.quantiles).all(axis=(1, 2, 3))
    begun = np.isfinite(panel.values[panel.borders[series]]).all(axis=1)
    if (~good & begun).any():
        name = panel.ids[int(series[np.flatnonzero(~good & begun)[0]])]
        raise InputError(
            f"series {name}: {Backtest.model} forecasts numbers that are not finite; train it again"
            " with a lower learning rate, or look for outliers in the series"
        )

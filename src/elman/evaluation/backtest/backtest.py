"""The backtest: forecasts from many origins in the past, compared with the truth and baselines.

At a forecast origin the forecaster is given a panel that ends there, so it cannot see the future;
`leakage` checks that.

Legend: S series, K forecast origins, R pairs of a series and an origin, L horizon, C channels,
Q levels.
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
from elman.evaluation.backtest.metrics import Divisors, Tally

_ROWS_AT_ONCE = 2_000_000
_NUMBERS_AT_ONCE = 20_000_000


class Forecaster(Protocol):
    """A trained model that forecasts the next rows."""

    @property
    def context(self) -> int | None:
        """The number of rows before an origin that it reads; None for all."""
        ...

    def forecast(self, panel: Panel, horizon: int, levels: tuple[float, ...] = LEVELS) -> Forecast:
        """The next `horizon` steps of each row, a pair of a series and an origin; always the same.

        `levels` has those of `LEVELS` among it.
        """
        ...


Forecasts = Callable[[Panel, int], Forecast]
"""`Forecaster.forecast`."""

Refit = Callable[[Panel], Forecaster]
"""Trains a forecaster on the data known at a forecast origin."""


@dataclass(frozen=True)
class Schedule:
    """Where the forecast origins are.

    After the last one, just the gap and the horizon are left of a series; the others are `step`
    rows apart.

    Attributes:
        origins: the largest number of origins of a series; None for as many as possible.
        gap: rows between the last known row and the first scored one.
        step: rows between origins; None for the horizon, so that no row is scored twice.
        first: the smallest number of known rows at an origin, (S,) or one number; the end of the
            training data, so that no origin is older than that.
    """

    origins: int | None = 20
    gap: int = 0
    step: int | None = None
    first: Integers | int = 0


@dataclass(frozen=True, eq=False)
class Piece:
    """Forecasts of some pairs of a series and a forecast origin, beside what came."""

    series: Integers
    """(R,)"""
    ends: Integers
    """(R,) how many rows are known."""
    numbers: Integers
    """(R,) the number of each origin, the oldest 0."""
    actual: Floats
    """(R, L, C), NaN where a value is missing or was filled."""
    forecast: Forecast
    """Of the gap and of the horizon."""


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
    """The number of origins after an origin that share steps with it."""
    origins: int
    pairs: int
    """R, the forecasts of each model."""
    leakage: Leakage
    ids: tuple[str, ...]
    """(S,) the names of the series."""
    targets: tuple[str, ...]
    """(C,) the names of the channels."""
    season: int | None
    """Of the seasonal MASE, in rows; None where there is none."""
    pieces: Callable[[], Iterator[Piece]]
    """Makes the forecasts of `model` a part at a time; those of a backtest with refits are kept."""
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
    levels: tuple[float, ...] = LEVELS,
    intervals: bool = True,
) -> Backtest:
    """Forecast the past from every origin, and score the network and its baselines.

    Args:
        forecaster: to be evaluated.
        panel: all of the data.
        horizon: number of scored steps, L.
        schedule: where the forecast origins are.
        refit: trains again at each origin; None to evaluate `forecaster` as it is.
        seasons: of the seasonal naive forecasts, in rows; by default those of the frequency. The
            first is that of the seasonal MASE.
        spread: (S, C) standard deviations; errors are also given in units of them.
        levels: the quantile levels of CRPS and of the weighted quantile loss, ascending.
        intervals: whether the forecaster has quantiles; without, they are not scored.

    Raises:
        InputError: series too short for a single origin, or nothing that can be scored.
    """
    schedule = schedule or Schedule()
    series, ends, numbers = place_origins(panel, horizon, schedule)
    count = int(numbers.max()) + 1
    shortest = int(ends.min())
    wanted = panel.frequency.seasons if seasons is None else seasons
    used = tuple(season for season in wanted if season <= shortest)
    notes = [
        f"no seasonal naive ({season}): some forecast origin has only {shortest:,} known rows"
        for season in wanted
        if season > shortest
    ]
    asked = tuple(sorted({*LEVELS, *levels}))
    baselines = Baselines(panel, used, asked)
    first = panel.lengths  # (S,) the known rows at the first origin of each series
    np.minimum.at(first, series, ends)
    scale = baselines.scale(first)
    notes += _unscaled(panel, scale, series, "MASE, as nothing changes")
    season = wanted[0] if wanted else None
    seasonal = None if season is None else baselines.scale(first, season)
    if seasonal is not None:
        what = f"the seasonal MASE, with no change over {season} rows"
        notes += _unscaled(panel, seasonal, series, what)
        season = None if np.isnan(seasonal).all() else season
    tally = Tally(horizon, count, len(panel) * len(panel.targets), levels if intervals else ())
    gap, total = schedule.gap, schedule.gap + horizon
    made = _Forecasting(forecaster, refit, panel, series, ends, numbers, horizon, gap, asked)
    # Training again takes long, at few origins: what that gave is kept.
    kept = None if refit is None else list(made.pieces())
    for piece in kept or made.pieces():
        of, stop = piece.series, piece.ends
        _check_finite(panel, of, piece.forecast)
        forecasts = {Backtest.model: piece.forecast, **baselines.forecasts(of, stop, total)}
        scored = ~np.isnan(piece.actual)
        for forecast in forecasts.values():
            scored &= ~np.isnan(forecast.mean[:, gap:])
        tally.add(
            piece.actual,
            scored,
            piece.numbers,
            of,
            {name: forecast.after(gap) for name, forecast in forecasts.items()},
            Divisors(
                scale[of],
                None if season is None or seasonal is None else seasonal[of],
                None if spread is None else spread[of],
            ),
        )
    if not tally.counts["step"]["values"].any():
        raise InputError(
            "no value after a forecast origin is known, so there is nothing to score; give a table"
            " whose last rows have values"
        )
    overlap = -(-total // (schedule.step or horizon)) - 1
    return Backtest(
        baselines=(NAIVE, *map(seasonal_name, used), DRIFT),
        tally=tally,
        horizon=horizon,
        gap=gap,
        overlap=overlap,
        origins=count,
        pairs=len(series),
        leakage=look_for_leaks(made.current, panel, series, ends, total),
        ids=panel.ids,
        targets=panel.targets,
        season=season,
        pieces=made.pieces if kept is None else lambda: iter(kept),
        notes=tuple(notes),
    )


@dataclass(eq=False)
class _Forecasting:
    """The forecasts of a backtest, made a part at a time so that memory is bounded."""

    current: Forecaster
    refit: Refit | None
    panel: Panel
    series: Integers
    ends: Integers
    numbers: Integers
    horizon: int
    gap: int
    levels: tuple[float, ...]

    def pieces(self) -> Iterator[Piece]:
        """All of them, the oldest origins first."""
        total = self.gap + self.horizon
        where = self.panel, self.current.context, self.ends, self.numbers, total
        for rows in _chunks(*where, self.refit is not None):
            of, stop = self.series[rows], self.ends[rows]
            if self.refit is not None:
                self.current = self.refit(self.panel.cuts(of, stop))
            known = self.panel.cuts(of, stop, self.current.context)
            found = self.current.forecast(known, total, self.levels)
            actual = _actual(self.panel, of, stop + self.gap, self.horizon)
            yield Piece(of, stop, self.numbers[rows], actual, found)


def forecast_from_origins(
    forecasts: Forecasts, context: int | None, panel: Panel, horizon: int, schedule: Schedule
) -> tuple[Floats, Forecast]:
    """True values (R, L, C), NaN for missing ones, and the forecasts from every origin."""
    series, ends, numbers = place_origins(panel, horizon, schedule)
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
    return _actual(panel, series, ends + gap, horizon), whole.after(gap)


def place_origins(
    panel: Panel, horizon: int, schedule: Schedule
) -> tuple[Integers, Integers, Integers]:
    """(R,) series, known rows and number of each forecast origin, the oldest first."""
    if horizon < 1 or schedule.gap < 0 or (schedule.step is not None and schedule.step < 1):
        raise InputError("horizon and step must be at least 1, the gap at least 0")
    if schedule.origins is not None and schedule.origins < 1:
        raise InputError(f"{schedule.origins} forecast origins: a backtest needs at least 1")
    step = schedule.step or horizon
    last = panel.lengths - horizon - schedule.gap  # (S,)
    first = np.maximum(np.broadcast_to(np.asarray(schedule.first), last.shape), 2)
    room = np.maximum((last - first) // step + 1, 0)
    if not room.any():
        longest = int(panel.lengths.argmax())
        raise InputError(
            f"series {panel.ids[longest]}: {int(panel.lengths[longest]):,} rows, the longest, are "
            f"too few for a forecast origin with {int(first[longest]):,} known rows, a gap of "
            f"{schedule.gap} and a horizon of {horizon}; give more data or a shorter horizon"
        )
    if schedule.origins is not None:
        room = np.minimum(room, schedule.origins)
    series = np.repeat(np.arange(len(panel)), room)
    back = np.arange(len(series)) - np.repeat(np.cumsum(room) - room, room)  # 0 is the last origin
    numbers = int(room.max()) - 1 - back
    order = np.lexsort((series, numbers))
    return series[order], (last[series] - back * step)[order], numbers[order]


def scored_rows(panel: Panel, series: Integers, begins: Integers, horizon: int) -> Integers:
    """(R, L) the places in `panel.values` of the rows of each series from `begins` on."""
    rows: Integers = (panel.borders[series] + begins)[:, None] + np.arange(horizon)
    return rows


def _actual(panel: Panel, series: Integers, begins: Integers, horizon: int) -> Floats:
    """(R, L, C) the values of those rows, NaN where one is missing or was filled."""
    places = scored_rows(panel, series, begins, horizon)
    return np.where(panel.observed[places], panel.values[places], np.nan)


def _chunks(
    panel: Panel,
    context: int | None,
    ends: Integers,
    numbers: Integers,
    steps: int,
    refits: bool,
) -> Iterator[slice]:
    """Slices of the pairs that fit into memory at once; with refits, one for each origin."""
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


def _unscaled(panel: Panel, scale: Floats, series: Integers, what: str) -> list[str]:
    """A note on the series that an error can't be scaled for."""
    missing = np.isnan(scale).any(axis=1) & np.isin(np.arange(len(panel)), series)
    names = [panel.ids[place] for place in np.flatnonzero(missing)]
    if not names:
        return []
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return [f"not in {what} before the first forecast origin: {', '.join(names[:5])}{more}"]


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

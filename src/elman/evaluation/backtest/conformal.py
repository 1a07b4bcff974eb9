"""Calibrated intervals: quantiles are shifted by their errors on held-out rows.

Split conformal prediction of quantiles (Romano, Patterson & Candès 2019, equations 6 to 8, each
side by itself as in their section 3, "asymmetric"): for each level τ and step of the horizon the
errors y - q_τ of held-out forecasts are sorted, and q_τ is shifted by their τ-quantile, with the
correction (n + 1) / n for n errors. Errors are first divided by the interquartile range of the
forecast, so that one table serves series of any size.

Legend: R held-out pairs of a series and a forecast origin, S rows, L horizon, C channels, Q levels.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np

from elman.data.series.forecasts import Forecast
from elman.data.series.panel import Floats, Integers, Panel
from elman.errors import InputError
from elman.evaluation.backtest.backtest import (
    Forecasts,
    Schedule,
    forecast_from_origins,
    place_origins,
    scored_rows,
)
from elman.parse import parse_json

_LOWER = (*(5 * step for step in range(1, 11)), *(25 * step for step in range(3, 21)))
GRID = tuple(sorted({per_mille / 1000 for at in _LOWER for per_mille in (at, 1000 - at)}))
"""The levels of a calibration: 0.005 to 0.05 by 0.005, up to the median by 0.025, and the same
above it. It holds every level of `elman.data.series.forecasts.LEVELS`."""

FEWEST = 20
"""Errors that a step of the horizon needs for its own shifts; with fewer, all steps are pooled."""

_TINY = 1e-12

# Number of held-out forecasts in a calibration; more change little.
_CALIBRATED_ON = 1000


@dataclass(frozen=True, eq=False)
class Conformal:
    """The shift of each quantile."""

    levels: tuple[float, ...]
    shifts: Floats
    """(L, Q), in units of the interquartile range of a forecast."""
    counts: tuple[int, ...]
    """(L,) number of errors behind the shifts of each step."""

    @classmethod
    def fit(cls, actual: Floats, forecast: Forecast) -> Conformal:
        """From held-out forecasts and the true values (R, L, C), NaN for unknown ones."""
        errors = (actual[..., None] - forecast.quantiles) / _width(forecast)[..., None]
        horizon, count = errors.shape[1], len(forecast.levels)
        by_step = np.moveaxis(errors, 1, 0).reshape(horizon, -1, count)
        known = [step[np.isfinite(step).all(axis=-1)] for step in by_step]
        total = sum(len(step) for step in known)
        if total < FEWEST:
            raise InputError(
                f"{total} held-out values are too few to calibrate intervals on, {FEWEST} are "
                "needed; keep more rows with --valid-rows, or train without --conformal"
            )
        pooled = np.concatenate(known)
        shifts = [
            _quantiles(step if len(step) >= FEWEST else pooled, forecast.levels) for step in known
        ]
        return cls(forecast.levels, np.stack(shifts), tuple(len(step) for step in known))

    def apply(self, forecast: Forecast) -> Forecast:
        """The forecast with shifted quantiles; beyond the fitted horizon, with the last shifts.

        Shifts of other levels are interpolated. The mean stays. Quantiles that would cross are
        sorted.
        """
        by_level = [np.interp(forecast.levels, self.levels, row) for row in self.shifts]
        steps = np.minimum(np.arange(forecast.horizon), len(self.shifts) - 1)
        shifts = np.stack(by_level)[steps][None, :, None, :]  # (1, L, 1, Q)
        moved = forecast.quantiles + shifts * _width(forecast)[..., None]
        return replace(forecast, quantiles=np.sort(moved, axis=-1))

    def to_bytes(self) -> bytes:
        content = {"levels": self.levels, "shifts": self.shifts.tolist(), "counts": self.counts}
        return json.dumps(content, allow_nan=False).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Conformal:
        """What `to_bytes` gave."""
        content = parse_json(data)
        shifts = np.array(content["shifts"], dtype=np.float64)
        return cls(tuple(content["levels"]), shifts, tuple(content["counts"]))


def calibrate(
    forecasts: Forecasts, context: int | None, panel: Panel, horizon: int, first: Integers
) -> Conformal:
    """From forecasts of the last rows of each series, which were not trained on.

    `forecasts` have the levels of `GRID`, `context` is the number of rows before a forecast origin
    that they read (None for all), and the held-out rows of each series in `panel` begin at `first`
    (S,).
    """
    schedule = _schedule(panel, horizon, first)
    return Conformal.fit(*forecast_from_origins(forecasts, context, panel, horizon, schedule))


def held_out_values(panel: Panel, horizon: int, first: Integers) -> int:
    """How many errors `calibrate` would have, known before anything is trained."""
    if (panel.lengths - first < horizon).all():
        return 0
    series, ends, _ = place_origins(panel, horizon, _schedule(panel, horizon, first))
    places = scored_rows(panel, series, ends, horizon)
    return int((panel.observed[places] & np.isfinite(panel.values[places])).sum())


def _schedule(panel: Panel, horizon: int, first: Integers) -> Schedule:
    room = panel.lengths - first - horizon + 1
    most = max(1, _CALIBRATED_ON // max(1, int((room > 0).sum())))
    return Schedule(most, 0, max(1, int(room.max()) // most), first)


def _width(forecast: Forecast) -> Floats:
    """(S, L, C) the interquartile range, above 0."""
    size = np.abs(forecast.at(0.75)) + np.abs(forecast.at(0.25)) + 1.0
    return np.asarray(np.maximum(forecast.at(0.75) - forecast.at(0.25), _TINY * size))


def _quantiles(errors: Floats, levels: tuple[float, ...]) -> Floats:
    """(Q,) of (n, Q): the τ-quantile of each column, farther out for fewer errors."""
    count = len(errors)
    shifts = np.empty(len(levels))
    for place, (column, level) in enumerate(zip(np.sort(errors, axis=0).T, levels, strict=True)):
        rank = min(int(np.ceil(max(level, 1 - level) * (count + 1))), count) - 1  # 0: the smallest
        if level == 0.5:
            shifts[place] = np.median(column)
        else:
            shifts[place] = column[rank if level > 0.5 else count - 1 - rank]
    return shifts

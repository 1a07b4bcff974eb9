"""Where in the day, the week and the year a row stands, as covariates that are known ahead.

A feature is an angle, so that December is next to January: two columns, its sine and cosine.

Legend: M rows of the future covariates, F features.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from elman.data.series.frequency import Stamps
from elman.data.series.panel import Covariate, Floats, Panel, borders_of
from elman.errors import InputError


def with_calendar(panel: Panel, horizon: int = 0) -> Panel:
    """The panel with calendar features after its future covariates, `horizon` rows ahead."""
    declared = panel.of("future")
    if declared:
        _refuse_short(panel, horizon)
    lengths = panel.lengths + (panel.ahead if declared else horizon)
    borders = borders_of(lengths)
    rows = np.arange(borders[-1]) - np.repeat(borders[:-1], lengths)
    names = panel.frequency.calendar
    columns = [panel.future if declared else np.zeros((len(rows), 0))]
    if names:
        stamps = panel.frequency.shift(np.repeat(panel.starts, lengths), rows)
        columns.append(features(panel.wall(stamps), names))
    added = [f"{name} ({wave})" for name in names for wave in ("sin", "cos")]
    return replace(
        panel,
        future=np.concatenate(columns, axis=1),
        future_borders=borders,
        covariates=(*panel.covariates, *(Covariate(name, "future") for name in added)),
    )


def features(times: Stamps, names: tuple[str, ...]) -> Floats:
    """(M, 2 F) sine and cosine of each named feature of `times` (M,) of the wall clock."""
    turns = np.stack([_TURNS[name](times) for name in names], axis=1)  # (M, F), 0 to 1
    angles = 2 * np.pi * turns
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(times), -1)


def _refuse_short(panel: Panel, horizon: int) -> None:
    short = np.flatnonzero(panel.ahead < horizon)
    if not len(short):
        return
    series = int(short[0])
    ahead = int(panel.ahead[series])
    names = ", ".join(item.name for item in panel.of("future"))
    missing = panel.when(series, int(panel.lengths[series]) + ahead)
    raise InputError(
        f"series {panel.ids[series]}: the covariates known ahead ({names}) are missing at "
        f"{missing}, row {ahead + 1} after the last value of {panel.targets[0]}; a forecast of "
        f"{horizon} steps needs {horizon} rows: add them to the data with the target left empty"
    )


def _since(times: Stamps, unit: str, part: str) -> Floats:
    """How much of the current `unit` is over, in units of `part`, as a whole number."""
    over = times.astype(f"datetime64[{part}]") - times.astype(f"datetime64[{unit}]")
    return np.asarray(over.astype(f"timedelta64[{part}]").astype(np.float64))


_TURNS: dict[str, Callable[[Stamps], Floats]] = {
    "second": lambda times: _since(times, "m", "s") / 60,
    "minute": lambda times: _since(times, "h", "m") / 60,
    "hour": lambda times: _since(times, "D", "h") / 24,
    # January 1, 1970 was a Thursday.
    "weekday": lambda times: (times.astype("datetime64[D]").astype(np.int64) + 3) % 7 / 7,
    "monthday": lambda times: _since(times, "M", "D") / 31,
    "yearday": lambda times: _since(times, "Y", "D") / 366,
    "month": lambda times: times.astype("datetime64[M]").astype(np.int64) % 12 / 12,
}

"""From rows on a regular grid to a panel: ends trimmed, faults refused, gaps filled and reported.

Legend: S series, N rows of the grid, C targets, P columns of past and F of future covariates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from elman.data.series.columns import Columns
from elman.data.series.frequency import Frequency, Stamps
from elman.data.series.gaps import filled, first_gap, report
from elman.data.series.infer_frequency import spoken
from elman.data.series.panel import Booleans, Covariate, Floats, Integers, Panel, gather
from elman.errors import InputError


@dataclass(frozen=True, eq=False)
class Grid:
    """Series as they were read, NaN where nothing stood.

    Attributes:
        frequency: of all.
        ids: the S names.
        targets: names of the channels.
        starts: (S,) the stamps of first rows.
        borders: (S + 1,) where series begin.
        values: (N, C).
        past: (N, P).
        future: (N, F).
        static: (S, K).
        covariates: of all roles.
        time_zone: an IANA name, or None.
        where: how a person finds row r of series s: "prices.csv:17".
    """

    frequency: Frequency
    ids: tuple[str, ...]
    targets: tuple[str, ...]
    starts: Stamps
    borders: Integers
    values: Floats
    past: Floats
    future: Floats
    static: Floats
    covariates: tuple[Covariate, ...]
    time_zone: str | None
    where: Callable[[int, int], str]


def assemble(grid: Grid, columns: Columns) -> tuple[Panel, list[str]]:
    """The panel, and what there is to say about how it was made.

    Rows before the first value of any target are dropped. Rows after the last are the future:
    they stay for the covariates that are known ahead, and are dropped without these.

    Raises:
        InputError: a series with no values or with equal ones, a gap under `missing="refuse"`,
            covariates that do not reach as far as the targets.
    """
    notes: list[str] = []
    grid = _without_constant(grid, columns, notes)
    has = np.asarray(~np.isnan(grid.values).all(axis=1))
    rows = np.arange(len(has))
    first = np.minimum.reduceat(np.where(has, rows, len(has)), grid.borders[:-1])
    last = np.maximum.reduceat(np.where(has, rows, -1), grid.borders[:-1]) + 1
    ends = _future_ends(grid, last)
    _remark_trimmed(grid, first, last, notes)
    observed_all = ~np.isnan(grid.values)
    chosen, borders = gather(first, last)
    observed = observed_all[chosen]
    starts = grid.frequency.shift(grid.starts, first - grid.borders[:-1])
    if columns.missing == "refuse":
        _refuse_gaps(grid, observed, borders, first)
    else:
        of = (grid.ids, starts, grid.frequency, columns.missing)
        notes += report(observed, borders, grid.targets, *of)
    future_rows, future_borders = gather(first, ends)
    panel = Panel(
        frequency=grid.frequency,
        ids=grid.ids,
        targets=grid.targets,
        starts=starts,
        borders=borders,
        values=filled(grid.values[chosen], borders, columns.missing),
        observed=observed,
        static=grid.static,
        past=_covariates(grid, "past", grid.past[chosen], borders, columns, notes, first),
        future=_covariates(
            grid, "future", grid.future[future_rows], future_borders, columns, notes, first
        ),
        future_borders=future_borders,
        covariates=grid.covariates,
        time_zone=grid.time_zone,
        missing=columns.missing,
    )
    return panel, notes


def _without_constant(grid: Grid, columns: Columns, notes: list[str]) -> Grid:
    """Refuse, drop or keep series without values, and with nothing but equal ones."""
    known = ~np.isnan(grid.values)
    begins = grid.borders[:-1]
    counts = np.add.reduceat(known.astype(np.int64), begins, axis=0)  # (S, C)
    least = np.minimum.reduceat(np.where(known, grid.values, np.inf), begins, axis=0)
    most = np.maximum.reduceat(np.where(known, grid.values, -np.inf), begins, axis=0)
    empty, constant = counts == 0, (counts > 1) & (least == most)
    nothing = empty.all(axis=1)
    refused = nothing if columns.constant == "keep" else (empty | constant).any(axis=1)
    if not refused.any():
        return grid
    series = int(np.flatnonzero(refused)[0])
    channel = int(np.flatnonzero((empty | constant)[series])[0])
    what = (
        "has no values"
        if empty[series, channel]
        else f"is {least[series, channel]:g} in all of its {counts[series, channel]} rows"
    )
    if columns.constant == "refuse" or refused.all():
        raise InputError(
            f"{grid.where(series, 0)}: series {grid.ids[series]}: {grid.targets[channel]} {what}; "
            "there is nothing to learn from it: leave it out, or say --constant drop"
            + (" (or keep)" if not empty[series, channel] else "")
        )
    left = np.flatnonzero(~refused)
    names = [grid.ids[place] for place in np.flatnonzero(refused)]
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
    notes.append(f"dropped {len(names):,} series with no values or equal ones: {shown}")
    chosen, borders = gather(grid.borders[:-1][left], grid.borders[1:][left])
    original = grid.where
    return replace(
        grid,
        ids=tuple(grid.ids[place] for place in left),
        starts=grid.starts[left],
        borders=borders,
        values=grid.values[chosen],
        past=grid.past[chosen],
        future=grid.future[chosen],
        static=grid.static[left],
        where=lambda series, row: original(int(left[series]), row),
    )


def _future_ends(grid: Grid, last: Integers) -> Integers:
    """(S,) the row after the last one whose future covariates are all known, at least `last`."""
    if not grid.future.shape[1]:
        return last
    rows = np.arange(len(grid.future))
    whole = ~np.isnan(grid.future).any(axis=1)
    ends = np.maximum.reduceat(np.where(whole, rows, -1), grid.borders[:-1]) + 1
    short = np.flatnonzero(ends < last)
    if len(short):
        series = int(short[0])
        row = int(max(ends[series], grid.borders[series]) - grid.borders[series])
        time = spoken(grid.frequency.times(grid.starts[series], 1, row)[0])
        names = ", ".join(item.name for item in grid.covariates if item.role == "future")
        raise InputError(
            f"{grid.where(series, row)}: series {grid.ids[series]}: the covariates known ahead "
            f"({names}) end before the target, at {time}; fill them in, or declare them as --past"
        )
    return np.asarray(ends)


def _remark_trimmed(grid: Grid, first: Integers, last: Integers, notes: list[str]) -> None:
    early = int((first - grid.borders[:-1]).sum())
    if early:
        notes.append(f"{early:,} rows before the first value of their series were left out")
    late = int((grid.borders[1:] - last).sum())
    if late and not grid.future.shape[1]:
        notes.append(f"{late:,} rows after the last value of their series were left out")


def _refuse_gaps(grid: Grid, observed: Booleans, borders: Integers, first: Integers) -> None:
    gap = first_gap(observed, borders)
    if gap is None:
        return
    series, row, channel = gap
    row += int(first[series] - grid.borders[series])
    time = spoken(grid.frequency.times(grid.starts[series], 1, row)[0])
    raise InputError(
        f"{grid.where(series, row)}: series {grid.ids[series]}: {grid.targets[channel]} is missing "
        f"at {time} (rows are {grid.frequency.words}); fill it in, or say --missing forward, "
        "interpolate, zero or mask"
    )


def _covariates(
    grid: Grid,
    role: str,
    values: Floats,
    borders: Integers,
    columns: Columns,
    notes: list[str],
    first: Integers,
) -> Floats:
    """Covariates without gaps: the last value is carried forward, 0 before the first."""
    gaps = np.isnan(values)
    if not gaps.any():
        return values
    names = [item.name for item in grid.covariates if item.role == role for _ in range(item.width)]
    series, row, column = first_gap(~gaps, borders) or (0, 0, 0)
    row += int(first[series] - grid.borders[series])
    time = spoken(grid.frequency.times(grid.starts[series], 1, row)[0])
    if columns.missing == "refuse":
        raise InputError(
            f"{grid.where(series, row)}: series {grid.ids[series]}: the covariate {names[column]} "
            f"is missing at {time}; fill it in, or say --missing forward"
        )
    notes.append(
        f"{int(gaps.sum()):,} values of {role} covariates missing, filled with the last value "
        f"(0 before the first): the first is {names[column]} of {grid.ids[series]} at {time}"
    )
    return np.nan_to_num(filled(values, borders, "forward"), nan=0.0)

"""From rows on a regular grid to a panel: ends trimmed, faults refused, gaps filled and reported.

Legend: S series, N rows of all series, C columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from elman.data.series.columns import Columns
from elman.data.series.panel import Floats, Integers, Missing, Panel, gather
from elman.errors import InputError

Find: TypeAlias = Callable[[int, int], str]
"""How a person finds row r of series s: "prices.csv:17"."""

WORDS: dict[str, str] = {
    "forward": "filled with the last value",
    "interpolate": "filled along the line between their neighbors",
    "zero": "filled with 0",
    "mask": "left out",
}
_SHOWN = 3


def assemble(grid: Panel, where: Find, columns: Columns) -> tuple[Panel, list[str]]:
    """The panel of series as they were read, and what there is to say about how it was made.

    Rows before the first value of any target are dropped. Rows after the last are the future:
    they stay for the covariates that are known ahead, and are dropped without these.

    Args:
        grid: with NaN where nothing stood, and as many rows of the future as of values.
        where: names a row of it.
        columns: what to do about faults.

    Raises:
        InputError: a series with no values or with equal ones, a gap under `missing="refuse"`,
            covariates that do not reach as far as the targets.
    """
    notes: list[str] = []
    grid, where = _without_constant(grid, where, columns, notes)
    begins, rows = grid.borders[:-1], np.arange(len(grid.values))
    has = np.asarray(grid.observed.any(axis=1))
    first = np.minimum.reduceat(np.where(has, rows, len(has)), begins)
    last = np.maximum.reduceat(np.where(has, rows, -1), begins) + 1
    ends = _future_ends(grid, where, last)
    if early := int((first - begins).sum()):
        notes.append(f"{early:,} rows before the first value of their series were left out")
    late = int((grid.borders[1:] - last).sum())
    if late and not grid.of("future"):
        notes.append(f"{late:,} rows after the last value of their series were left out")
    panel = grid.between(np.arange(len(grid)), first - begins, last - begins)
    future_rows, future_borders = gather(first, ends)

    def found(series: int, row: int) -> tuple[str, str]:
        """How a person finds a row, and its time."""
        place = f"{where(series, row + int(first[series] - begins[series]))}: series"
        return f"{place} {panel.ids[series]}", panel.when(series, row)

    def without_gaps(role: str, values: Floats, borders: Integers) -> Floats:
        """Covariates: the last value is carried forward, 0 before the first."""
        gaps = np.isnan(values)
        if not gaps.any():
            return values
        row, column = (int(place) for place in np.argwhere(gaps)[0])
        of = [item.name for item in grid.covariates if item.role == role for _ in range(item.width)]
        series, row = place_of(borders, row)
        place, time = found(series, row)
        if columns.missing == "refuse":
            raise InputError(
                f"{place}: the covariate {of[column]} is missing at {time}; fill it in, or say"
                " --missing forward"
            )
        notes.append(
            f"{int(gaps.sum()):,} values of {role} covariates missing, filled with the last value "
            f"(0 before the first): the first is {of[column]} of {grid.ids[series]} at {time}"
        )
        return np.nan_to_num(filled(values, borders, "forward"), nan=0.0)

    if columns.missing == "refuse" and not panel.observed.all():
        row, channel = (int(place) for place in np.argwhere(~panel.observed)[0])
        place, time = found(*place_of(panel.borders, row))
        raise InputError(
            f"{place}: {grid.targets[channel]} is missing at {time} (rows are "
            f"{grid.frequency.words}); fill it in, or say --missing forward, interpolate, zero or"
            " mask"
        )
    notes += _gaps(panel)
    panel = replace(
        panel,
        values=filled(panel.values, panel.borders, columns.missing),
        past=without_gaps("past", panel.past, panel.borders),
        future=without_gaps("future", grid.future[future_rows], future_borders),
        future_borders=future_borders,
    )
    return panel, notes


def _without_constant(
    grid: Panel, where: Find, columns: Columns, notes: list[str]
) -> tuple[Panel, Find]:
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
        return grid, where
    series = int(np.flatnonzero(refused)[0])
    channel = int(np.flatnonzero((empty | constant)[series])[0])
    what = (
        "has no values"
        if empty[series, channel]
        else f"is {least[series, channel]:g} in all of its {counts[series, channel]} rows"
    )
    if columns.constant == "refuse" or refused.all():
        raise InputError(
            f"{where(series, 0)}: series {grid.ids[series]}: {grid.targets[channel]} {what}; "
            "there is nothing to learn from it: leave it out, or say --constant drop"
            + (" (or keep)" if not empty[series, channel] else "")
        )
    left = np.flatnonzero(~refused)
    names = [grid.ids[place] for place in np.flatnonzero(refused)]
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
    notes.append(f"dropped {len(names):,} series with no values or equal ones: {shown}")
    return grid.select(left), lambda series, row: where(int(left[series]), row)


def _future_ends(grid: Panel, where: Find, last: Integers) -> Integers:
    """(S,) the row after the last one whose future covariates are all known, at least `last`."""
    if not grid.of("future"):
        return last
    rows = np.arange(len(grid.future))
    whole = ~np.isnan(grid.future).any(axis=1)
    ends = np.maximum.reduceat(np.where(whole, rows, -1), grid.borders[:-1]) + 1
    short = np.flatnonzero(ends < last)
    if len(short):
        series = int(short[0])
        row = int(max(ends[series], grid.borders[series]) - grid.borders[series])
        names = ", ".join(item.name for item in grid.of("future"))
        raise InputError(
            f"{where(series, row)}: series {grid.ids[series]}: the covariates known ahead ({names})"
            f" end before the target, at {grid.when(series, row)}; fill them in, or"
            " declare them as --past"
        )
    return np.asarray(ends)


def filled(values: Floats, borders: Integers, missing: Missing) -> Floats:
    """A copy without gaps: what comes before the first value of a column stays NaN.

    `values` (N, C) are NaN where one is missing, series begin at `borders` (S + 1,). After the last
    value of a series `interpolate` goes on with that value. `mask` and `refuse` fill nothing.
    """
    values = values.copy()
    if missing in ("mask", "refuse") or not len(values):
        return values
    lengths = np.diff(borders)
    begins, ends = np.repeat(borders[:-1], lengths), np.repeat(borders[1:], lengths)
    rows = np.arange(len(values))
    for column in values.T:
        known = ~np.isnan(column)
        if known.all():
            continue
        before = np.maximum.accumulate(np.where(known, rows, -1))
        gap = ~known & (before >= begins)
        left = column[before[gap]]
        if missing == "zero":
            column[gap] = 0.0
        elif missing == "forward":
            column[gap] = left
        else:
            after = np.minimum.accumulate(np.where(known, rows, len(rows))[::-1])[::-1][gap]
            inside = after < ends[gap]
            right = np.where(inside, column[np.where(inside, after, 0)], left)
            width = np.where(inside, after - before[gap], 1)
            column[gap] = left + (right - left) * (rows[gap] - before[gap]) / width
    return values


def place_of(borders: Integers, row: int) -> tuple[int, int]:
    """The series of a row, and which of its rows it is."""
    series = int(np.searchsorted(borders, row, side="right")) - 1
    return series, row - int(borders[series])


def _gaps(panel: Panel) -> list[str]:
    """A line for each channel with gaps: how many, where, and what is done about them."""
    lines = []
    for name, known in zip(panel.targets, panel.observed.T, strict=True):
        begins = np.zeros(len(known), bool)
        begins[panel.borders[:-1]] = True
        opened = np.flatnonzero(~known & (begins | np.roll(known, 1)))
        places = []
        for gap in opened[:_SHOWN]:
            series, row = place_of(panel.borders, int(gap))
            count = int(np.argmax(np.append(known[gap : panel.borders[series + 1]], True)))
            of = f"{panel.ids[series]} " if len(panel) > 1 else ""
            rows = f" ({count} rows)" if count > 1 else ""
            places.append(f"{of}{panel.when(series, row)}{rows}")
        if len(opened) > _SHOWN:
            places.append(f"and {len(opened) - _SHOWN:,} more")
        if count := int((~known).sum()):
            share = 100 * count / len(known)
            lines.append(
                f"{name}: {count:,} value{'s' * (count > 1)} missing ({share:.1f} %), "
                f"{WORDS[panel.missing]}: {', '.join(places)}"
            )
    return lines

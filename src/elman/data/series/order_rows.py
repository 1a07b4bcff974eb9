"""Rows of a table in the order of series and time, each time once.

Legend: R rows of the table, C columns of values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from elman.data.optional import library
from elman.data.series.columns import Columns, times_of
from elman.data.series.frequency import Stamps, spoken
from elman.data.series.panel import Booleans, Floats, Integers
from elman.data.series.stamps import Placed, Where, place_in_zone
from elman.data.series.times.format import TimeFormat, parse_times
from elman.data.tables.table import Table
from elman.errors import InputError


@dataclass(frozen=True, eq=False)
class PlacedRows:
    """Rows with their times.

    Attributes:
        rows: (R,) rows of the table in the order of series and time.
        stamps: (R,) the time of each, in this order; counted steps where there are no times.
        time_zone: of the stamps.
        instants: whether they are in UTC.
        format: how they are written.
        notes: remarks on how they were read.
    """

    rows: Integers
    stamps: Stamps
    time_zone: str | None = None
    instants: bool = False
    format: TimeFormat | None = None
    notes: tuple[str, ...] = ()


def placed_rows(table: Table, columns: Columns, codes: Integers) -> PlacedRows:
    """The rows of a table in the order of their series (R,) and times."""
    rows = np.argsort(codes, kind="stable")
    if columns.counted:
        counts = library("pandas").Series(codes).groupby(codes).cumcount().to_numpy(np.int64)
        return PlacedRows(rows, counts[rows])
    times = parse_times(
        *times_of(table, columns.time),
        table.where,
        known=columns.times,
        asked=columns.dates,
        zone=columns.time_zone,
        series=codes,
        frequency=columns.frequency,
    )
    notes = [times.note] if times.note else []

    def placed(order: Integers) -> Placed:
        return place_in_zone(
            times.stamps[order],
            times.zoned,
            columns.time_zone,
            codes[order],
            lambda place: table.where(int(order[place])),
            columns.frequency,
        )

    found = placed(rows)
    back = np.flatnonzero(_backward(found.stamps, codes[rows]))
    if len(back):
        first = table.where(int(rows[back[0] + 1]))
        notes.append(f"rows sorted by time: the one at {first} stands after a later one")
        # An hour that comes twice, when the clock is set back, is told by the order of its rows.
        backward = np.arange(len(rows))[::-1]
        for rows in (
            backward[np.argsort(codes[backward], kind="stable")],
            np.lexsort((times.stamps, codes)),
        ):
            found = placed(rows)
            if not _backward(found.stamps, codes[rows]).any():
                break
    return PlacedRows(rows, found.stamps, found.zone, found.instants, times.format, tuple(notes))


def _backward(stamps: Stamps, codes: Integers) -> Booleans:
    """(R - 1,) whether a row is earlier than the one of its series before it."""
    return np.asarray((np.diff(stamps).astype(np.int64) < 0) & (np.diff(codes) == 0))


def each_time_once(
    table: Table,
    columns: Columns,
    placed: PlacedRows,
    codes: Integers,
    values: Floats,
    at: Where,
    notes: list[str],
) -> tuple[Booleans, Floats]:
    """(R,) which rows are left when each time of a series stands once, and their values (R, C).

    `codes` and `values` are in the order of the placed rows, which `at` names.
    """
    stamps, rows = placed.stamps, placed.rows
    same = (np.diff(stamps).astype(np.int64) == 0) & (np.diff(codes) == 0)
    if not same.any():
        return np.ones(len(rows), np.bool_), values
    left, right = values[:-1], values[1:]
    equal = ((left == right) | (np.isnan(left) & np.isnan(right))).all(axis=1)
    conflicts = np.flatnonzero(same & ~equal)
    if len(conflicts) and columns.duplicates == "refuse":
        before = int(conflicts[0])
        remedy = "remove one"
        if columns.times is None:  # else a later table, whose command has no such flags
            remedy += ", or say --duplicates first, last or mean"
            if stamps.dtype != np.int64 and not columns.time_zone:
                remedy += " (or --time-zone, if the clock was set back there)"
        raise InputError(
            f"{at(before + 1)}: {spoken(stamps[before + 1])} stands twice with different values"
            f" (before at {table.where(int(rows[before]))}); {remedy}"
        )
    first = np.concatenate([[True], ~same])
    keep = np.concatenate([~same, [True]]) if columns.duplicates == "last" else first
    if columns.duplicates == "mean" and len(conflicts):
        known = ~np.isnan(values)
        begins = np.flatnonzero(first)
        counts = np.add.reduceat(known.astype(np.int64), begins, axis=0)
        sums = np.add.reduceat(np.where(known, values, 0.0), begins, axis=0)
        values[begins] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    notes.append(
        f"{int(same.sum()):,} rows whose time stood already were merged ({len(conflicts):,} of "
        f"them with other values: {columns.duplicates}); the first at "
        f"{table.where(int(rows[np.flatnonzero(same)[0] + 1]))}"
    )
    return keep, values[keep]

"""From a table, long or wide, or JSON lines to a `Panel` of many time series.

Legend: R rows of the table, S series.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from elman.data.given import Data, Files, Given, given
from elman.data.optional import library
from elman.data.series.column_roles import read_table, resolve
from elman.data.series.columns import Columns
from elman.data.series.frequency import Stamps
from elman.data.series.grid import Grid, assemble
from elman.data.series.infer_frequency import infer_frequency, spoken
from elman.data.series.json_lines import is_gluonts, read_grid
from elman.data.series.panel import Covariate, Floats, Integers, Panel, Role
from elman.data.series.stamps import Where, parse_times, place_in_zone
from elman.data.tables.table import Table
from elman.errors import InputError

MOST_CATEGORIES = 64
"""Of a covariate that changes with time: each is a column."""


@dataclass(frozen=True, eq=False)
class Read:
    """A panel with how it was read.

    Attributes:
        panel: the series.
        columns: with every name found, the frequency and the categories: given again, they read
            another table in the same way.
        notes: lines for people: what was found, dropped and filled.
    """

    panel: Panel
    columns: Columns
    notes: tuple[str, ...]


def read_panel(data: Data | Given, columns: Columns | None = None) -> Read:
    """Many series from a table: a file, several of one kind, a frame or a dict of columns.

    A table is wide (one row for each time) or long (a column names the series); rows of a series
    are in the order of time. JSON lines may be GluonTS's: one series a line, with `start`, `target`
    and, where there are any, `item_id`, `feat_static_cat`, `feat_static_real`, `feat_dynamic_real`.

    Raises:
        InputError: anything that can't be worked with: what, in which series and row, and the
            remedy.
    """
    columns = columns or Columns()
    found = given(data)
    if isinstance(found, Files) and is_gluonts(found.paths):
        grid, columns, notes = read_grid(found.paths, columns)
    else:
        table = read_table(found, columns)
        grid, columns, notes = _grid_of(table, resolve(table, columns))
    panel, more = assemble(grid, columns)
    return Read(panel, columns, (*_summary(panel, columns), *notes, *more))


def _grid_of(table: Table, columns: Columns) -> tuple[Grid, Columns, list[str]]:
    stamps, zoned, note = parse_times(table.series(columns.time), columns.time, table.where)
    notes = [f"times {note}"] if note else []
    if table.dialect is not None and table.dialect.decimal == ",":
        notes.append("numbers read with a decimal comma")
    codes, ids = _series_codes(table, columns)
    stamps, time_zone = place_in_zone(stamps, zoned, columns.time_zone, codes, table.where)
    targets = np.stack([table.numbers(name) for name in columns.target], axis=1)
    past, past_of = _encoded(table, columns, "past")
    future, future_of = _encoded(table, columns, "future")
    static, static_of = _encoded(table, columns, "static")
    rows = _in_order(table, stamps, codes, ids)
    merged = np.concatenate([targets, past, future], axis=1)
    rows, merged = _without_duplicates(table, columns, stamps, codes, ids, rows, merged, notes)
    stamps, codes = stamps[rows], codes[rows]
    places = _places(table, rows)
    frequency, steps = infer_frequency(stamps, codes, ids, places, columns.frequency)
    begins = np.concatenate([np.flatnonzero(np.diff(codes, prepend=-1)), [len(codes)]])
    lengths = steps[begins[1:] - 1] + 1
    borders = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    full = np.full((int(borders[-1]), merged.shape[1]), np.nan)
    full[borders[codes] + steps] = merged
    split = np.cumsum([targets.shape[1], past.shape[1]])

    def where(series: int, row: int) -> str:
        """The row of the file, or the one before a row that is missing."""
        here = slice(begins[series], begins[series + 1])
        before = int(np.searchsorted(steps[here], row, side="right")) - 1
        return places(int(begins[series]) + max(before, 0))

    grid = Grid(
        frequency=frequency,
        ids=ids,
        targets=columns.target,
        starts=stamps[begins[:-1]],
        borders=borders,
        values=full[:, : split[0]],
        past=full[:, split[0] : split[1]],
        future=full[:, split[1] :],
        static=_one_a_series(static, static_of, rows, begins, ids, places),
        covariates=(*static_of, *past_of, *future_of),
        time_zone=time_zone,
        where=where,
    )
    categories = {item.name: item.categories for item in grid.covariates}
    zone = columns.time_zone or (time_zone or "")
    found = {"frequency": frequency.alias, "time_zone": zone, "categories": categories}
    return grid, replace(columns, **found), notes  # type: ignore[arg-type]


def _places(table: Table, rows: Integers) -> Where:
    return lambda place: table.where(int(rows[place]))


def _series_codes(table: Table, columns: Columns) -> tuple[Integers, tuple[str, ...]]:
    """(R,) the number of each row's series, in the order in which they come, and their names."""
    if not columns.series:
        return np.zeros(len(table), dtype=np.int64), (",".join(columns.target),)
    codes, names = library("pandas").factorize(table.series(columns.series))
    if (codes < 0).any():
        row = int(np.flatnonzero(codes < 0)[0])
        raise InputError(f"{table.where(row)}: {columns.series} is empty; name the row's series")
    return np.asarray(codes, dtype=np.int64), tuple(str(name) for name in names)


def _encoded(table: Table, columns: Columns, role: Role) -> tuple[Floats, tuple[Covariate, ...]]:
    """(R, columns) the covariates of one role as numbers, and what they are."""
    pd = library("pandas")
    arrays, covariates = [], []
    for name in getattr(columns, role):
        categories = columns.categories.get(name)
        if categories is None:
            words = table.series(name).dropna().astype(str)
            categories = () if table.is_numeric(name) else tuple(sorted(words.unique()))
        if role != "static" and len(categories) > MOST_CATEGORIES:
            raise InputError(
                f"{name}: {len(categories):,} different words, at most {MOST_CATEGORIES} can be "
                "categories of a covariate that changes with time; join rare ones"
            )
        covariates.append(Covariate(name, role, categories))
        if not categories:
            arrays.append(table.numbers(name)[:, None])
            continue
        column = table.series(name)
        codes = pd.Index(list(categories)).get_indexer(column.astype(str))
        empty = np.asarray(column.isna())
        if role == "static":
            arrays.append(np.where(empty, -1, codes).astype(np.float64)[:, None])
        else:
            hot = codes[:, None] == np.arange(len(categories))
            arrays.append(np.where(empty[:, None], np.nan, hot.astype(np.float64)))
    return np.concatenate([np.zeros((len(table), 0)), *arrays], axis=1), tuple(covariates)


def _in_order(table: Table, stamps: Stamps, codes: Integers, ids: tuple[str, ...]) -> Integers:
    """The rows series by series; within one they have to be in the order of time."""
    rows = np.argsort(codes, kind="stable")
    back = (np.diff(stamps[rows]).astype(np.int64) < 0) & (np.diff(codes[rows]) == 0)
    if back.any():
        place = int(np.flatnonzero(back)[0])
        row, before = int(rows[place + 1]), int(rows[place])
        raise InputError(
            f"{table.where(row)}: {ids[codes[row]]}: {spoken(stamps[row])} comes after "
            f"{spoken(stamps[before])}; put the rows of a series into the order of time"
        )
    return rows


def _without_duplicates(
    table: Table,
    columns: Columns,
    stamps: Stamps,
    codes: Integers,
    ids: tuple[str, ...],
    rows: Integers,
    values: Floats,
    notes: list[str],
) -> tuple[Integers, Floats]:
    """The rows without those that repeat a time of their series, with their values."""
    values = values[rows]
    same = (np.diff(stamps[rows]).astype(np.int64) == 0) & (np.diff(codes[rows]) == 0)
    if not same.any():
        return rows, values
    left, right = values[:-1], values[1:]
    equal = ((left == right) | (np.isnan(left) & np.isnan(right))).all(axis=1)
    conflicts = np.flatnonzero(same & ~equal)
    if len(conflicts) and columns.duplicates == "refuse":
        row, before = int(rows[conflicts[0] + 1]), int(rows[conflicts[0]])
        clock = stamps.dtype != np.int64 and not columns.time_zone
        raise InputError(
            f"{table.where(row)}: {ids[codes[row]]}: {spoken(stamps[row])} stands twice with "
            f"different values (before at {table.where(before)}); remove one, or say --duplicates "
            "first, last or mean"
            + (" (or --time-zone, if the clock was set back there)" if clock else "")
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
    return rows[keep], values[keep]


def _one_a_series(
    static: Floats,
    covariates: tuple[Covariate, ...],
    rows: Integers,
    begins: Integers,
    ids: tuple[str, ...],
    places: Where,
) -> Floats:
    """(S, K) of (R, K), where all rows of a series say the same; empty ones don't count."""
    ordered = static[rows]
    firsts = np.repeat(ordered[begins[:-1]], np.diff(begins), axis=0)
    differs = (ordered != firsts) & ~(np.isnan(ordered) & np.isnan(firsts))
    if differs.any():
        row, column = (int(place) for place in np.argwhere(differs)[0])
        series = int(np.searchsorted(begins, row, side="right")) - 1
        raise InputError(
            f"{places(row)}: {ids[series]}: the static covariate {covariates[column].name} changes "
            "within the series; give one value a series, or declare it as --past or --future"
        )
    return np.asarray(np.nan_to_num(ordered[begins[:-1]], nan=0.0))


def with_future(panel: Panel, data: Data | Given, columns: Columns) -> Panel:
    """The panel with covariates known ahead from another table, beyond its last values.

    Args:
        panel: with covariates of the role "future".
        data: a table with the times after the panel's end, its series and those covariates.
        columns: how the panel was read.

    Raises:
        InputError: rows or covariates that are missing.
    """
    table = read_table(data, columns)
    needed = [columns.time, columns.series, *columns.future]
    for name in filter(None, needed):
        if name not in table.columns:
            raise InputError(f"{table.name}: has no column {name}; it is needed ahead")
    stamps, zoned, _ = parse_times(table.series(columns.time), columns.time, table.where)
    own = replace(columns, target=())
    codes, names = _series_codes(table, own) if columns.series else (np.zeros(len(stamps), int), ())
    stamps, _ = place_in_zone(stamps, zoned, columns.time_zone, codes, table.where)
    values, _ = _encoded(table, own, "future")
    number = {name: place for place, name in enumerate(names)}
    parts, lengths = [], []
    for series, name in enumerate(panel.ids):
        mine = codes == (number.get(name, -1) if columns.series else 0)
        begin = panel.times(series)[:1]
        rows = panel.frequency.rows_between(np.repeat(begin, int(mine.sum())), stamps[mine])
        length = int(panel.lengths[series])
        ahead = rows[rows >= length]
        reach = int(ahead.max(initial=length - 1)) + 1 - length
        own_rows = panel.future[panel.future_rows(series)][:length]
        beyond = np.full((reach, values.shape[1]), np.nan)
        beyond[ahead - length] = values[mine][rows >= length]
        gap = np.isnan(beyond).any(axis=1)
        if gap.any():
            time = spoken(panel.next_times(series, int(gap.argmax()) + 1)[-1])
            raise InputError(
                f"{table.name}: series {name}: the covariates known ahead "
                f"({', '.join(columns.future)}) are missing at {time}; fill them in"
            )
        parts.append(np.concatenate([own_rows, beyond]))
        lengths.append(length + reach)
    borders = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return replace(panel, future=np.concatenate(parts), future_borders=borders)


def _summary(panel: Panel, columns: Columns) -> list[str]:
    """What there is: series, frequency, from when to when, channels."""
    ends = panel.frequency.shift(panel.starts, panel.lengths - 1)
    zone = f" ({panel.time_zone})" if panel.time_zone else ""
    clock = panel.clock(np.array([panel.starts.min(), ends.max()]))
    when = " to ".join(spoken(_wall(stamp)) for stamp in clock)
    rows = panel.lengths
    sizes = (
        f"{rows[0]:,} rows"
        if len(set(rows.tolist())) == 1
        else (f"{rows.min():,} to {rows.max():,} rows each, {rows.sum():,} in all")
    )
    many = f"{len(panel):,} series" if len(panel) > 1 else "1 series"
    season = ", ".join(str(item) for item in panel.frequency.seasons)
    lines = [
        f"{many}, {sizes}, {panel.frequency.words} ({panel.frequency.alias}), {when}{zone}",
        f"times from {columns.time}, target {', '.join(panel.targets)}"
        + (f", series from {columns.series}" if columns.series else "")
        + (f"; seasons of {season} rows" if season else ""),
    ]
    for role in ("static", "past", "future"):
        named = [
            item.name + (f" ({len(item.categories)} categories)" if item.categories else "")
            for item in panel.of(role)
        ]
        if named:
            lines.append(f"{role} covariates: {', '.join(named)}")
    return lines


def _wall(stamp: Any) -> Any:
    """A stamp as the clock on the wall shows it."""
    naive = stamp.tz_localize(None) if getattr(stamp, "tz", None) is not None else stamp
    return naive.to_datetime64() if hasattr(naive, "to_datetime64") else naive

"""From a table, long or wide, or JSON lines to a `Panel` of many time series.

Legend: R rows of the table, S series.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from elman.bounds import read_settings
from elman.data.given import Data, Files, Given, given
from elman.data.optional import library
from elman.data.series.columns import Columns, read_table, resolve, times_of
from elman.data.series.frequency import Stamps, spoken
from elman.data.series.grid import Find, assemble
from elman.data.series.infer_frequency import infer_frequency
from elman.data.series.json_lines import is_gluonts, read_grid
from elman.data.series.keys import joined_keys
from elman.data.series.panel import (
    Booleans,
    Covariate,
    Floats,
    Integers,
    Panel,
    Role,
    borders_of,
    load_panel,
    save_panel,
)
from elman.data.series.stamps import Where, place_in_zone
from elman.data.series.time_format import parse_times
from elman.data.tables.table import Table
from elman.errors import InputError
from elman.files import write_json
from elman.parse import parse_json
from elman.settings import adapter

MOST_CATEGORIES = 64
"""Of a covariate that changes with time: each is a column."""


@dataclass(frozen=True, eq=False)
class SeriesData:
    """A panel with how it was read."""

    panel: Panel
    columns: Columns
    """With every name, the frequency and the categories that were found: another table is read
    by them in the same way."""
    notes: tuple[str, ...]
    """Lines for people: what was found, dropped and filled."""

    def save(self, folder: Path) -> None:
        """Write what `load` takes."""
        save_panel(self.panel, folder / "panel.safetensors")
        write_json(
            folder / "columns.json", {"columns": asdict(self.columns), "notes": list(self.notes)}
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        path = folder / "columns.json"
        try:
            content = parse_json(read_settings(path))
            columns = adapter(Columns).validate_python(content["columns"])
            notes = tuple(str(note) for note in content["notes"])
        except InputError:
            raise
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"{path}: cannot be read as the columns of a run ({reason}); train the run again"
            ) from error
        return cls(load_panel(folder / "panel.safetensors"), columns, notes)


def read_panel(data: Data | Given, columns: Columns | None = None) -> SeriesData:
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
        grid, where, columns, notes = read_grid(found.paths, columns)
    else:
        table = read_table(found, columns)
        grid, where, columns, notes = _grid_of(table, resolve(table, columns))
    panel, more = assemble(grid, where, columns)
    columns = replace(columns, asked=columns.asked.for_later())
    return SeriesData(panel, columns, (*_summary(panel, columns), *notes, *more))


def _grid_of(table: Table, columns: Columns) -> tuple[Panel, Find, Columns, list[str]]:
    codes, ids = _series_codes(table, columns)
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
    if table.dialect is not None:
        notes += table.dialect.notes(table.name)
    stamps, time_zone, instants = place_in_zone(
        times.stamps, times.zoned, columns.time_zone, codes, table.where, columns.frequency
    )
    targets = np.stack([table.numbers(name) for name in columns.target], axis=1)
    past, past_of = _encoded(table, columns, "past")
    future, future_of = _encoded(table, columns, "future")
    static, static_of = _encoded(table, columns, "static")
    rows = np.argsort(codes, kind="stable")

    def at(place: int) -> str:
        """Where a person finds a row, in the order of `rows`, and its series."""
        return f"{table.where(int(rows[place]))}: {ids[codes[place]]}"

    merged = np.concatenate([targets, past, future], axis=1)[rows]
    stamps, codes = stamps[rows], codes[rows]
    same = _same_times(stamps, codes, at)
    if same.any():
        kept, merged = _without_duplicates(table, columns, stamps, rows, same, merged, at, notes)
        rows, stamps, codes = rows[kept], stamps[kept], codes[kept]
    frequency, steps = infer_frequency(stamps, codes, at, columns.frequency, instants=instants)
    begins = np.concatenate([np.flatnonzero(np.diff(codes, prepend=-1)), [len(codes)]])
    borders = borders_of(steps[begins[1:] - 1] + 1)
    full = np.full((int(borders[-1]), merged.shape[1]), np.nan)
    full[borders[codes] + steps] = merged

    def where(series: int, row: int) -> str:
        """The row of the file, or the one before a row that is missing."""
        here = slice(begins[series], begins[series + 1])
        before = int(np.searchsorted(steps[here], row, side="right")) - 1
        return table.where(int(rows[int(begins[series]) + max(before, 0)]))

    split = np.cumsum([targets.shape[1], past.shape[1]])
    grid = Panel(
        frequency=frequency,
        ids=ids,
        targets=columns.target,
        starts=stamps[begins[:-1]],
        borders=borders,
        values=full[:, : split[0]],
        observed=~np.isnan(full[:, : split[0]]),
        past=full[:, split[0] : split[1]],
        future=full[:, split[1] :],
        future_borders=borders,
        static=_one_a_series(static[rows], static_of, begins, at),
        covariates=(*static_of, *past_of, *future_of),
        time_zone=time_zone,
        missing=columns.missing,
    )
    categories = {item.name: item.categories for item in grid.covariates}
    zone = columns.time_zone or (time_zone or "")
    found = replace(
        columns,
        frequency=frequency.alias,
        time_zone=zone,
        categories=categories,
        times=times.format,
    )
    return grid, where, found, notes


def _series_codes(table: Table, columns: Columns) -> tuple[Integers, tuple[str, ...]]:
    """(R,) the number of each row's series, in the order in which they come, and their names."""
    if not columns.series:
        return np.zeros(len(table), dtype=np.int64), (",".join(columns.target),)
    pd = library("pandas")
    code = np.zeros(len(table), dtype=np.int64)
    words: list[tuple[str, ...]] = []
    for name in columns.series:
        of, names = pd.factorize(table.series(name))
        if (of < 0).any():
            row = int(np.flatnonzero(of < 0)[0])
            raise InputError(f"{table.where(row)}: {name} is empty; name the row's series")
        # Numbered anew after each column, so that the numbers stay small.
        code, pairs = pd.factorize(code * len(names) + of)
        words = [
            (*(words[pair // len(names)] if words else ()), str(names[pair % len(names)]))
            for pair in pairs
        ]
    return np.asarray(code, dtype=np.int64), tuple(map(joined_keys, words))


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


def _same_times(stamps: Stamps, codes: Integers, at: Where) -> Booleans:
    """(R - 1,) whether a row has the time of the row before it; in one series none is earlier."""
    steps, one_series = np.diff(stamps).astype(np.int64), np.diff(codes) == 0
    back = np.flatnonzero((steps < 0) & one_series)
    if len(back):
        before = int(back[0])
        raise InputError(
            f"{at(before + 1)}: {spoken(stamps[before + 1])} comes after {spoken(stamps[before])};"
            " put the rows of a series into the order of time"
        )
    return np.asarray((steps == 0) & one_series)


def _without_duplicates(
    table: Table,
    columns: Columns,
    stamps: Stamps,
    rows: Integers,
    same: Booleans,
    values: Floats,
    at: Where,
    notes: list[str],
) -> tuple[Booleans, Floats]:
    """Which rows are left when each time of a series stands once, and their values."""
    left, right = values[:-1], values[1:]
    equal = ((left == right) | (np.isnan(left) & np.isnan(right))).all(axis=1)
    conflicts = np.flatnonzero(same & ~equal)
    if len(conflicts) and columns.duplicates == "refuse":
        before = int(conflicts[0])
        clock = stamps.dtype != np.int64 and not columns.time_zone
        raise InputError(
            f"{at(before + 1)}: {spoken(stamps[before + 1])} stands twice with different values "
            f"(before at {table.where(int(rows[before]))}); remove one, or say --duplicates first, "
            "last or mean" + (" (or --time-zone, if the clock was set back there)" if clock else "")
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


def _one_a_series(
    static: Floats, covariates: tuple[Covariate, ...], begins: Integers, at: Where
) -> Floats:
    """(S, K) of (R, K), where all rows of a series say the same; empty ones don't count."""
    firsts = np.repeat(static[begins[:-1]], np.diff(begins), axis=0)
    differs = (static != firsts) & ~(np.isnan(static) & np.isnan(firsts))
    if differs.any():
        row, column = (int(place) for place in np.argwhere(differs)[0])
        raise InputError(
            f"{at(row)}: the static covariate {covariates[column].name} changes within the series;"
            " give one value a series, or declare it as --past or --future"
        )
    return np.asarray(np.nan_to_num(static[begins[:-1]], nan=0.0))


def with_future(panel: Panel, data: Data | Given, columns: Columns) -> Panel:
    """The panel with covariates known ahead from another table, beyond its last values.

    The table has the times after the panel's end, its series and those covariates; `columns` say
    how the panel was read.
    """
    table = read_table(data, columns)
    for name in (*columns.time, *columns.series, *columns.future):
        if name not in table.columns:
            raise InputError(f"{table.name}: has no column {name}; it is needed ahead")
    times = parse_times(*times_of(table, columns.time), table.where, known=columns.times)
    own = replace(columns, target=())
    codes, names = _series_codes(table, own) if columns.series else (np.zeros(len(table), int), ())
    stamps, *_ = place_in_zone(
        times.stamps, times.zoned, columns.time_zone, codes, table.where, columns.frequency
    )
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
            raise InputError(
                f"{table.name}: series {name}: the covariates known ahead"
                f" ({', '.join(columns.future)}) are missing at"
                f" {panel.when(series, length + int(gap.argmax()))}; fill them in"
            )
        parts.append(np.concatenate([own_rows, beyond]))
        lengths.append(length + reach)
    return replace(panel, future=np.concatenate(parts), future_borders=borders_of(lengths))


def _summary(panel: Panel, columns: Columns) -> list[str]:
    """What there is: series, frequency, from when to when, channels."""
    ends = panel.frequency.shift(panel.starts, panel.lengths - 1)
    zone = f" ({panel.time_zone})" if panel.time_zone else ""
    when = " to ".join(map(spoken, panel.wall(np.array([panel.starts.min(), ends.max()]))))
    words = panel.frequency.words_from(panel.starts[0])
    rows = panel.lengths
    sizes = (
        f"{rows[0]:,} rows"
        if len(set(rows.tolist())) == 1
        else (f"{rows.min():,} to {rows.max():,} rows each, {rows.sum():,} in all")
    )
    many = f"{len(panel):,} series" if len(panel) > 1 else "1 series"
    season = ", ".join(str(item) for item in panel.frequency.seasons)
    lines = [
        f"{many}, {sizes}, {words} ({panel.frequency.alias}), {when}{zone}",
        f"times from {' and '.join(columns.time)}, target {', '.join(panel.targets)}"
        + (f", series from {', '.join(columns.series)}" if columns.series else "")
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

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
from elman.data.series.columns import Columns
from elman.data.series.covariates import encoded, one_a_series
from elman.data.series.find_columns import resolve
from elman.data.series.find_keys import joined_codes
from elman.data.series.frequency import spoken
from elman.data.series.grid import Find, assemble
from elman.data.series.infer_frequency import infer_frequency
from elman.data.series.json_lines import is_gluonts, read_grid
from elman.data.series.keys import joined_keys, key_column
from elman.data.series.layouts import in_long_form
from elman.data.series.order_rows import each_time_once, placed_rows
from elman.data.series.panel import (
    Integers,
    Panel,
    borders_of,
    load_panel,
    save_panel,
)
from elman.data.series.read_table import read_table
from elman.data.tables.table import Table
from elman.errors import InputError
from elman.files import write_json
from elman.parse import parse_json
from elman.settings import adapter


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

    A table is wide (one row for each time) or long (columns name the series), or has one row for
    each series with its values across. JSON lines may be GluonTS's: one series a line, with
    `start`, `target` and, where there are any, `item_id`, `feat_static_cat`, `feat_static_real`,
    `feat_dynamic_real`.

    Raises:
        InputError: anything that can't be worked with: what, in which series and row, and the
            remedy.
    """
    columns = columns or Columns()
    found = given(data)
    if isinstance(found, Files) and is_gluonts(found.paths, columns):
        grid, where, columns, notes = read_grid(found.paths, columns)
    else:
        table, columns, notes = in_long_form(read_table(found, columns), columns)
        grid, where, columns, more = _grid_of(table, resolve(table, columns))
        notes += more
    panel, more = assemble(grid, where, columns)
    columns = replace(columns, asked=columns.asked.for_later())
    return SeriesData(panel, columns, (*_summary(panel, columns), *notes, *more))


def _grid_of(table: Table, columns: Columns) -> tuple[Panel, Find, Columns, list[str]]:
    codes, ids = _series_codes(table, columns)
    placed = placed_rows(table, columns, codes)
    targets = np.stack([table.numbers(name) for name in columns.target], axis=1)
    past, past_of = encoded(table, columns, "past")
    future, future_of = encoded(table, columns, "future")
    static, static_of = encoded(table, columns, "static")
    rows, stamps, time_zone = placed.rows, placed.stamps, placed.time_zone
    notes = [*placed.notes, *(table.dialect.notes(table.name) if table.dialect else ())]

    def at(place: int) -> str:
        """Where a person finds a row, in the order of `rows`, and its series."""
        return f"{table.where(int(rows[place]))}: {ids[codes[place]]}"

    merged = np.concatenate([targets, past, future], axis=1)[rows]
    codes = codes[rows]
    kept, merged = each_time_once(table, columns, placed, codes, merged, at, notes)
    rows, stamps, codes = rows[kept], stamps[kept], codes[kept]
    frequency, steps = infer_frequency(
        stamps, codes, at, columns.frequency, instants=placed.instants
    )
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
        static=one_a_series(static[rows], static_of, begins, at),
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
        times=placed.format,
    )
    return grid, where, found, notes


def _series_codes(table: Table, columns: Columns) -> tuple[Integers, tuple[str, ...]]:
    """(R,) the number of each row's series, in the order in which they come, and their names."""
    if not columns.series:
        return np.zeros(len(table), dtype=np.int64), (",".join(columns.target),)
    keys = [key_column(table, name) for name in columns.series]
    codes = joined_codes([library("pandas").factorize(key)[0] for key in keys])
    firsts = np.unique(codes, return_index=True)[1]
    words = zip(*(map(str, key.iloc[firsts]) for key in keys), strict=True)
    return codes, tuple(map(joined_keys, words))


def with_future(panel: Panel, data: Data | Given, columns: Columns) -> Panel:
    """The panel with covariates known ahead from another table, beyond its last values.

    The table has the times after the panel's end, its series and those covariates; `columns` say
    how the panel was read.
    """
    table = in_long_form(read_table(data, columns), replace(columns, target=()))[0]
    for name in (*columns.time, *columns.series, *columns.future):
        if name not in table.columns:
            raise InputError(f"{table.name}: has no column {name}; it is needed ahead")
    own = replace(columns, target=())
    codes, names = _series_codes(table, own)
    placed = placed_rows(table, columns, codes)
    stamps = placed.stamps
    begins = np.searchsorted(codes[placed.rows], np.arange(len(names) + 1))
    values = encoded(table, own, "future")[0][placed.rows]
    number = {name: place for place, name in enumerate(names if columns.series else panel.ids)}
    parts, lengths = [], []
    for series, name in enumerate(panel.ids):
        place = number.get(name)
        mine = slice(0) if place is None else slice(begins[place], begins[place + 1])
        length = int(panel.lengths[series])
        if columns.counted:  # its rows are those that follow
            rows = length + stamps[mine]
        else:
            begin = panel.times(series)[:1]
            rows = panel.frequency.rows_between(np.repeat(begin, len(stamps[mine])), stamps[mine])
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
        (
            f"times from {' and '.join(columns.time)}"
            if columns.time
            else "no times: steps are counted"
        )
        + f", target {', '.join(panel.targets)}"
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

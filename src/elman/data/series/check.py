"""What was read as time series, in lines for people: columns, series, gaps, and the first cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from elman.data.given import Files, Given
from elman.data.series.columns import Columns
from elman.data.series.dataset import SeriesData
from elman.data.series.frequency import spoken
from elman.data.series.json_lines import is_gluonts
from elman.data.series.panel import Panel
from elman.data.series.read_table import read_table
from elman.data.tables.rows_of_text import aligned, first_cells

_SHOWN = 8
_LAYOUTS = {
    "columns": "one row for each time",
    "long": "a row for each series and time",
    "rows": "one row for each series",
}


def series_report(given: Given, read: SeriesData) -> list[str]:
    """The notes of what was read, a line for each column, and one for each of the first series."""
    lines = list(read.notes)
    if read.columns.layout is not None:
        lines.insert(0, f"time series, {_LAYOUTS[read.columns.layout]}")
    if not (isinstance(given, Files) and is_gluonts(given.paths, read.columns)):
        table = read_table(given, read.columns)
        parts = {name: _part(name, read.columns) for name in table.columns}
        lines += ["", *first_cells(table, parts)]
    return [*lines, "", *_series(read.panel)]


def _part(name: str, columns: Columns) -> str:
    """What a column of the file is for."""
    for part in ("time", "series", "target", "static", "past", "future"):
        if name in getattr(columns, part):
            return part
    return "values" if columns.layout == "rows" else "-"


def _series(panel: Panel) -> list[str]:
    """The length, the gaps and the times of the first series."""
    rows: list[Sequence[str]] = [("series", "rows", "missing", "gaps", "first", "last", "ahead")]
    for series in range(min(len(panel), _SHOWN)):
        missing = np.asarray(~panel.observed[panel.rows(series)].all(axis=1))
        begins = missing & ~np.concatenate([[False], missing[:-1]])
        times = panel.wall(panel.times(series)[[0, -1]])
        rows.append(
            (
                panel.ids[series],
                f"{int(panel.lengths[series]):,}",
                f"{int(missing.sum()):,}",
                f"{int(begins.sum()):,}",
                *map(spoken, times),
                str(int(panel.ahead[series])) if panel.of("future") else "",
            )
        )
    lines = aligned(rows, right=(1, 2, 3, 6))
    if len(panel) > _SHOWN:
        lines.append(f"and {len(panel) - _SHOWN:,} more series")
    return lines

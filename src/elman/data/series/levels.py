"""Tables with two names a column, a field and a series, as yfinance and pandas write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from elman.data.series.header import name_of_times, two_rows_of_names
from elman.data.tables.table import Table, listed

SERIES = ("unique_id", "item_id", "series_id", "series", "symbol", "ticker", "tickers")
"""Names of columns that name a series."""


def without_levels(table: Table, notes: list[str]) -> Table:
    """The long table of one whose first rows hold two names a column; any other as it is."""
    if table.header or table.dialect is None or len(table) < 4 or len(table.columns) < 2:
        return table
    rows = list(zip(*(column[:4] for column in table.columns.values()), strict=True))
    if not two_rows_of_names(rows):
        return table
    time = name_of_times(rows)
    begins = 3 if time else 2
    upper, lower = ([cell.strip() for cell in row[1:]] for row in rows[:2])
    first, *others = table.columns.values()
    names = (rows[0][0].strip(), rows[1][0].strip())
    columns = [column[begins:] for column in others]
    long = long_of_levels(list(zip(upper, lower, strict=True)), names, columns)
    count = len(next(iter(long.values()))) // (len(table) - begins)
    lines = list(table.lines)[begins:] * count
    notes.append(f"{begins} lines of names above the values: {listed(long)}")
    cells = {time or "Date": list(first[begins:]) * count, **long}
    dialect = replace(table.dialect, header=True)
    return replace(table, columns=cells, lines=lines, header=True, dialect=dialect)


def long_of_levels(
    pairs: Sequence[tuple[str, str]], names: tuple[str, str], columns: Sequence[list[Any]]
) -> dict[str, list[Any]]:
    """Columns by field, the rows of one series after those of another, from two names a column.

    The level whose name says so tells the series, else the one with fewer different words; where
    that has one word, there is one series and no column of it.
    """
    level = next((place for place, name in enumerate(names) if name.lower() in SERIES), None)
    if level is None:
        level = int(len({pair[1] for pair in pairs}) <= len({pair[0] for pair in pairs}))
    series = list(dict.fromkeys(pair[level] for pair in pairs))
    fields = list(dict.fromkeys(pair[1 - level] for pair in pairs))
    of = {
        (pair[level], pair[1 - level]): column for pair, column in zip(pairs, columns, strict=True)
    }
    rows = len(columns[0])
    long: dict[str, list[Any]] = {}
    if len(series) > 1:
        long[names[level] or "series"] = [name for name in series for _ in range(rows)]
    for field in fields:
        nothing = [""] * rows if isinstance(columns[0][0], str) else [None] * rows
        long[field] = [cell for name in series for cell in of.get((name, field), nothing)]
    return long

"""Sentences without their translations: the lines of a text file, or a column of a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from elman.data.given import Columns
from elman.data.pairs.rows import NAMES, is_table
from elman.data.tables.bad_rows import BadRows
from elman.data.tables.read import read_columns, read_file
from elman.data.tables.table import Table, listed
from elman.data.text import lines_of
from elman.errors import InputError


def read_sources(data: Path | Columns, column: str | None = None) -> Iterator[str]:
    """The sentences of a file or table, a row each.

    Args:
        data: a text file with a sentence on each line, a table in a file, or columns in memory.
        column: the name or number of the source's column, which is tried first; else one of the
            usual names is looked for, and then taken is the only column, or the first of two.

    Raises:
        InputError: data that can't be read, or a table whose source is not clear.
    """
    if isinstance(data, Columns):
        return iter(_column(read_columns(data), column))
    if not is_table(data):
        return lines_of(data)
    wanted = _names(column).keys()
    table = read_file(
        data,
        BadRows(remedy="correct the row"),
        header=lambda rows: bool(wanted & {cell.strip().lower() for cell in rows[0]}),
    )
    return iter(_column(table, column))


def _names(column: str | None) -> dict[str, None]:
    return dict.fromkeys([*([] if column is None else [column.lower()]), *(s for s, _ in NAMES)])


def _column(table: Table, column: str | None) -> list[str]:
    by_lower = {name.lower(): name for name in reversed(list(table.columns))}
    found = [by_lower[name] for name in _names(column) if name in by_lower]
    if not found and len(table.columns) > 2:
        raise InputError(
            f"{table.name}: which of its columns ({listed(table.columns)}) is the source is not"
            " clear; rename it to source"
        )
    cells = table.cells((found or list(table.columns))[0])
    for row, cell in enumerate(cells):
        if not isinstance(cell, str):
            raise InputError(f"{table.where(row)}: expected text, got {cell!r}; correct the row")
    return cells

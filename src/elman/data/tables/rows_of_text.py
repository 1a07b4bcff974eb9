"""The first rows of a table as lines of text, one line a column."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from elman.data.tables.table import Table

_COLUMNS, _ROWS = 20, 3
_WIDEST = 24


def first_cells(table: Table, parts: Mapping[str, str]) -> list[str]:
    """For each column what it is for, where that is known, and its cells in the first rows."""
    names = list(table.columns)
    head = table.take(np.arange(min(len(table), _ROWS)))
    rows: list[Sequence[str]] = [
        ("column", "part", *(f"row {row + 1}" for row in range(len(head))))
    ]
    rows += [
        (name, parts.get(name, ""), *map(_spoken, head.cells(name))) for name in names[:_COLUMNS]
    ]
    lines = aligned(rows)
    if len(names) > _COLUMNS:
        lines.append(f"and {len(names) - _COLUMNS:,} more columns, to {names[-1]}")
    return lines


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Rows of cells as lines; columns with nothing below their name are left out."""
    short = [[_cut(cell) for cell in row] for row in rows]
    kept = [place for place in range(len(rows[0])) if any(row[place] for row in short[1:])]
    widths = {place: max(len(row[place]) for row in short) for place in kept}
    return [
        "  ".join(
            row[place].rjust(widths[place]) if place in right else row[place].ljust(widths[place])
            for place in kept
        ).rstrip()
        for row in short
    ]


def _spoken(cell: Any) -> str:
    return "" if cell is None else str(cell).removesuffix(" 00:00:00")


def _cut(cell: str) -> str:
    cell = " ".join(cell.split())
    return cell if len(cell) <= _WIDEST else f"{cell[: _WIDEST - 1]}…"

"""The first rows of a table as lines of text, one line a column."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from elman.data.tables.table import Table

_COLUMNS, _ROWS = 20, 3
_WIDTH, _WIDEST, _LEAST = 80, 24, 12


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
    rows = [[_cut(cell, _WIDEST) for cell in row] for row in rows]
    while len(rows[0]) > 3 and max(map(len, aligned(rows))) > _WIDTH:
        rows = [row[:-1] for row in rows]
    lines = aligned(rows)
    if len(names) > _COLUMNS:
        lines.append(f"and {len(names) - _COLUMNS:,} more columns, to {names[-1]}")
    return lines


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Rows of cells as lines, the first cell cut where a line would be too long.

    Columns with nothing below their name are left out.
    """
    kept = [place for place in range(1, len(rows[0])) if any(row[place] for row in rows[1:])]
    widths = {place: max(len(row[place]) for row in rows) for place in kept}
    room = max(_WIDTH - sum(widths.values()) - 2 * len(kept), _LEAST)
    first = [_cut(row[0], room) for row in rows]
    longest = max(map(len, first))
    return [
        "  ".join(
            [
                name.ljust(longest),
                *(
                    row[place].rjust(widths[place])
                    if place in right
                    else row[place].ljust(widths[place])
                    for place in kept
                ),
            ]
        ).rstrip()
        for name, row in zip(first, rows, strict=True)
    ]


def _spoken(cell: Any) -> str:
    text = "" if cell is None else str(cell).removesuffix(" 00:00:00")
    return " ".join(text.split())


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else f"{cell[: width - 1]}…"

"""Tables that are laid out otherwise than one row for each time, as long tables.

One row for each series, with its values across: the M4 competition's files (`id, V1, V2, …`), or
times as the names of columns.

Legend: S rows of such a table, V columns of values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

import numpy as np

from elman.data.optional import library
from elman.data.series.columns import Columns
from elman.data.series.find_columns import check_names, holds_times
from elman.data.series.find_keys import repeats
from elman.data.series.header import LEAST_ACROSS
from elman.data.series.levels import without_levels
from elman.data.series.times.format import look_like_times
from elman.data.tables.table import Table, listed
from elman.errors import InputError

_LOOKED_AT = 20
_YEAR = re.compile(r"(?:1[5-9]|2[0-2])\d\d")


def in_long_form(table: Table, columns: Columns) -> tuple[Table, Columns, list[str]]:
    """A table with a row for each series and time, how it is read, and remarks on what it was."""
    notes: list[str] = []
    table = without_levels(table, notes)
    parts = (*columns.time, *columns.series, *columns.past, *columns.future, *columns.target)
    if columns.layout == "rows":
        if columns.target and set(parts) <= set(table.columns):
            return table, columns, notes  # a later table, which is long
    elif columns.layout or parts or columns.counted or not _series_in_rows(table):
        return table, columns, notes
    table, columns = _melted(table, columns, notes)
    return table, columns, notes


def across(table: Table) -> list[str]:
    """The last columns whose names are times, or numbers one after the other (`V2`, `V3`, …)."""
    names = list(table.columns)
    head = table.take(np.arange(min(len(table), _LOOKED_AT)))
    found: list[str] = []
    for name in reversed(names):
        if not head.is_numeric(name):
            break
        found.insert(0, name)
    dated = len(list(takewhile(_may_be_time, reversed(found))))
    if kind_of_names(found[len(found) - dated :]):
        return found[len(found) - dated :]
    begin, last = len(found), None
    for name in reversed(found):
        match = re.fullmatch(r"(.*?)(\d{1,9})", name)
        if match is None or (last is not None and last != (match[1], int(match[2]) + 1)):
            break
        begin, last = begin - 1, (match[1], int(match[2]))
    return found[begin:]


def _may_be_time(name: str) -> bool:
    return _YEAR.fullmatch(name) is not None or look_like_times([name])


def kind_of_names(names: Sequence[str]) -> str:
    """What times in ascending names are, "year" or "time"; "" for other names."""
    if len(names) < LEAST_ACROSS:
        return ""
    if all(_YEAR.fullmatch(name) for name in names):
        return "year" if sorted(names) == list(names) and len(set(names)) == len(names) else ""
    column = library("pandas").Series(list(names))
    return "time" if holds_times(column) and not column.duplicated().any() else ""


def _series_in_rows(table: Table) -> bool:
    """Whether each row is one series, as far as the names of the columns can tell."""
    values = across(table)
    across_names = set(values)
    others = [name for name in table.columns if name not in across_names]
    if len(values) < LEAST_ACROSS or not others:
        return False
    words = [name for name in others if not table.is_numeric(name)]
    if not words or any(holds_times(table.series(name)) for name in words):
        return False
    if kind_of_names(values):
        return True
    return len(words) == len(others) and not repeats(table, words[:1], ())


def _melted(table: Table, columns: Columns, notes: list[str]) -> tuple[Table, Columns]:
    """The long table of one with a row for each series."""
    pa = library("pyarrow", extra="text")
    values = across(table)
    if not values:
        raise InputError(
            f"{table.name}: --layout rows: no columns of values were found across, named by times"
            " or numbered; give them such names"
        )
    keys, ids = _keys(table, columns, values)
    matrix = np.stack([table.numbers(name) for name in values], axis=1)
    known = ~np.isnan(matrix)
    counts = np.maximum(len(values) - known[:, ::-1].argmax(axis=1), 1)
    counts[~known.any(axis=1)] = 1
    inside = np.arange(len(values)) < counts[:, None]
    rows, places = np.nonzero(inside)
    kind = kind_of_names(values)
    value = columns.target[0] if len(columns.target) == 1 and columns.target != ("*",) else "value"
    cells: dict[str, Any] = {
        name: [words[row] for row in rows.tolist()] for name, words in zip(keys, ids, strict=True)
    }
    check_names(table, columns.static)
    for name in columns.static:
        column = table.cells(name)
        cells[name] = [column[row] for row in rows.tolist()]
    if kind:
        cells[kind] = [values[place] for place in places.tolist()]
    cells[value] = pa.chunked_array([pa.array(matrix[inside])])
    lines = np.asarray(table.lines)[rows].tolist()
    # Its cells are numbers and words already.
    long = replace(table, columns=cells, lines=lines, missing=())
    lengths = f"{counts.min():,}" + (f" to {counts.max():,}" if counts.min() < counts.max() else "")
    notes.append(
        f"one series a row: {len(table):,} of {lengths} values ({values[0]} to {values[-1]}), named"
        f" by {', '.join(keys)}" + ("; steps are counted" if not kind else "")
    )
    resolved = replace(
        columns,
        series=tuple(keys),
        time=(kind,) if kind else (),
        counted=not kind,
        target=(value,),
        layout="rows",
    )
    return long, resolved


def _keys(
    table: Table, columns: Columns, values: Sequence[str]
) -> tuple[list[str], list[list[str]]]:
    """The columns that name each row's series, and their words."""
    others = [name for name in table.columns if name not in values]
    keys = list(columns.series)
    if not keys:
        words = [name for name in others if not table.is_numeric(name)] or others[:1]
        count = next((n for n in range(1, 4) if not repeats(table, words[:n], ())), 0)
        if words and not count:
            raise InputError(
                f"{table.name}: --layout rows: several rows have one name ({', '.join(words[:3])});"
                f" say with --series which columns name a row's series (of {listed(others)})"
            )
        keys = words[:count]
    if not keys:
        return ["series"], [[str(number) for number in range(1, len(table) + 1)]]
    for name in keys:
        empty = np.asarray(table.series(name).isna())
        if empty.any():
            row = int(np.flatnonzero(empty)[0])
            raise InputError(f"{table.where(row)}: {name} is empty; name the row's series")
    return keys, [[str(word) for word in table.series(name)] for name in keys]

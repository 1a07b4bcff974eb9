"""Whether a table has a header, where an earlier table of its kind told what is in its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from elman.data.labeled.formats.columns import LABEL, TEXT, is_numeral
from elman.data.labeled.rows import Columns
from elman.data.tables.read import HasHeader
from elman.data.tables.table import Table, listed
from elman.errors import InputError

_USUAL = {*TEXT, *LABEL}


def header_of_later(path: Path, columns: Columns, classes: Sequence[str]) -> HasHeader:
    """A test for a first row of names.

    Columns that have names are found by them. Those that are numbered are looked at: a first row
    with a usual name, or with a word above numbers, is a header; else the column of the labels has
    to hold `classes`, where these are given.
    """

    def test(rows: Sequence[Sequence[str]]) -> bool:
        first = [cell.strip() for cell in rows[0]]
        text = columns.text or columns.label
        if text is None or text in first or _looks_like_header(first, rows[1:]):
            return text is not None
        if not text.isdecimal():
            raise InputError(
                f"{path}:1: has no column {text!r}, which this run reads, only {listed(first)}; add"
                " a header with that name, name the column with --text-column, or where there is"
                " no header give --no-header and its number, as in --text-column 2"
            )
        if len(first) > 1 and columns.label is not None and columns.label.isdecimal():
            place = int(columns.label) - 1
            found = {row[place].strip() for row in rows if place < len(row)} - {"", *classes}
            if int(text) > len(first) or (classes and found):
                what = (
                    f"its column {columns.label} holds {min(found)[:40]!r}, which is no label"
                    if found
                    else f"it has {len(first)} columns"
                )
                raise InputError(
                    f"{path}:1: not written as the table of training, which had no header, its text"
                    f" in column {text} and its label in column {columns.label}: {what}; say where"
                    " the text is with --text-column, a name in the header or a number"
                )
        return False

    return test


def in_table(table: Table, columns: Columns) -> Columns:
    """`columns` as this table has them: numbers of columns become names where it has a header.

    Numbers that an earlier table without a header had are left open, so that they are found by
    their names. A single column without a header is the text.
    """
    if not table.header and columns.dialect is not None and len(table.columns) == 1:
        return replace(columns, text="1", label=None, split=None)
    if not table.header or columns.dialect is None or columns.dialect.header:
        return columns
    text, label = columns.text, columns.label
    open_text = text is not None and text not in table.columns
    open_label = label is not None and label not in table.columns
    return replace(
        columns, text=None if open_text else text, label=None if open_label else label, split=None
    )


def _looks_like_header(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether it is certain that the first row has names."""
    if {cell.lower() for cell in first} & _USUAL and not any(map(is_numeral, first)):
        return True
    return any(
        not is_numeral(cell)
        and cell
        and rest
        and all(place < len(row) and is_numeral(row[place]) for row in rest)
        for place, cell in enumerate(first)
    )

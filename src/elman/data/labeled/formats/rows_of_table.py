"""Labeled rows from a table: texts, words or lists of numbers, with one, several or many labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.labeled.formats.cells import (
    BadCell,
    label_of,
    labels_of,
    list_in,
    numbers_of,
    text_of,
    words_of,
)
from elman.data.labeled.formats.columns import choose
from elman.data.labeled.rows import Columns, LabelKind, ParsedRows, inputs_of, origin_of
from elman.data.split_names import SPLIT_NAMES
from elman.data.tables.bad_rows import BadRows
from elman.data.tables.table import Table


def rows_of_table(
    table: Table, columns: Columns, bad: BadRows, *, labeled: bool = True
) -> ParsedRows:
    """Read the columns of a table that `columns` names or its content shows.

    A list of numbers in the text column makes a sequence; a list of strings, words. With
    `columns.per_step` a text is cut at its spaces into words, and the label is a list of as many
    labels, or a string with spaces between them.

    Raises:
        elman.errors.InputError: a row that can't be read and is not skipped.
    """
    chosen, note = choose(table, columns, labeled=labeled)
    assert chosen.text is not None
    held = {name: table.cells(name) for name in table.columns}
    read = _reader(held[chosen.text], columns)
    kind = _label_kind(table, chosen)
    kept: list[tuple[int, Any, Any, str, dict[str, Any]]] = []
    for row in range(len(table)):
        cells = {name: column[row] for name, column in held.items()}
        try:
            value = read(cells[chosen.text])
            if kept and isinstance(value, np.ndarray) and value.shape[1] != kept[0][1].shape[1]:
                width = kept[0][1].shape[1]
                raise BadCell(f"has {value.shape[1]} channels, expected {width} as above")
            label = None
            if chosen.label is not None:
                label = _labels(cells[chosen.label], kind, columns.label_separator)
                if kind == "step" and len(label) != len(value):
                    raise BadCell(f"has {len(label)} labels for {len(value)} steps")
            split = _split(cells[chosen.split]) if chosen.split else ""
        except BadCell as error:
            bad.add(table.where(row), str(error))
            continue
        kept.append((table.lines[row], value, label, split, cells))
    lines, values, labels, splits, by_row = zip(*kept, strict=True) if kept else [()] * 5
    return ParsedRows(
        inputs_of(values, origin_of(table.name, lines)),
        kind,
        labels if chosen.label is not None else None,
        splits if chosen.split else None,
        chosen,
        by_row,
        (f"{Path(table.name).name}: {note}",),
    )


def _reader(values: Sequence[Any], columns: Columns) -> Callable[[Any], Any]:
    """Makes an array, a list of words or a text of a cell, as the first that is not empty shows."""
    first = next((v for v in values if isinstance(v, np.ndarray) or v not in (None, "")), None)
    if isinstance(first, str) and first.lstrip().startswith("[") and _is_numbers(first):
        return lambda cell: numbers_of(_parsed(cell))
    if isinstance(first, np.ndarray):
        return numbers_of
    if isinstance(first, list) and not (first and isinstance(first[0], str)):
        return numbers_of
    if isinstance(first, list) or columns.per_step:
        if isinstance(first, str) and _is_json_list(first) and isinstance(_json(first), list):
            return lambda cell: words_of(list_in(cell, "words"))
        return words_of
    return text_of


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_numbers(text: str) -> bool:
    try:
        numbers_of(_parsed(text))
    except BadCell:
        return False
    return True


def _parsed(cell: Any) -> Any:
    try:
        return json.loads(cell) if isinstance(cell, str) else cell
    except (ValueError, RecursionError) as error:
        raise BadCell(f"its list of numbers is not JSON ({error})") from error


def _label_kind(table: Table, columns: Columns) -> LabelKind:
    if columns.per_step:
        return "step"
    if columns.label_separator:
        return "many"
    if columns.label is None:
        return "one"
    values = table.cells(columns.label)
    return "many" if any(isinstance(v, list) or _is_json_list(v) for v in values) else "one"


def _is_json_list(cell: Any) -> bool:
    return isinstance(cell, str) and cell.lstrip().startswith("[") and cell.rstrip().endswith("]")


def _labels(cell: Any, kind: LabelKind, separator: str | None) -> Sequence[str]:
    if kind == "one":
        return (label_of(cell),)
    if kind == "many":
        return labels_of(cell, separator)
    if isinstance(cell, str):
        cell = list_in(cell, "labels") if _is_json_list(cell) else cell.split()
    if not isinstance(cell, list):
        raise BadCell("has no list of labels, one for each step")
    return [label_of(part) for part in cell]


def _split(cell: Any) -> str:
    role = SPLIT_NAMES.get(str(cell).strip().lower())
    if role is None:
        raise BadCell(f"its split is {cell!r}, expected train, valid or test")
    return role

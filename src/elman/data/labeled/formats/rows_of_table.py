"""Labeled rows from a table: texts, words or lists of numbers, with one, several or many labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.labeled.formats.columns import choose
from elman.data.labeled.rows import Columns, Floats, LabelKind, ParsedRows, inputs_of
from elman.data.origin import origin_of
from elman.data.split_names import SPLIT_NAMES
from elman.data.tables.table import BadRows, Table
from elman.parse import parse_json


def rows_of_table(
    table: Table, columns: Columns, bad: BadRows, *, labeled: bool = True
) -> ParsedRows:
    """Read the columns of a table that `columns` names or its content shows.

    A list of numbers in the text column makes a sequence; a list of strings, words. With
    `columns.per_step` a text is cut at its spaces into words, and the label is a list of as many
    labels, or a string with spaces between them.
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
    chosen = replace(chosen, dialect=table.dialect or columns.dialect)
    lines, values, labels, splits, by_row = zip(*kept, strict=True) if kept else [()] * 5
    return ParsedRows(
        inputs_of(values, origin_of(table.name, lines)),
        kind,
        labels if chosen.label is not None else None,
        splits if chosen.split else None,
        chosen,
        by_row,
        (f"{Path(table.name).name}: {note}", *_notes(table)),
    )


def _notes(table: Table) -> tuple[str, ...]:
    return () if table.dialect is None else table.dialect.notes(table.name)


def _reader(values: Sequence[Any], columns: Columns) -> Callable[[Any], Any]:
    """Makes an array, a list of words or a text of a cell, as the first that is not empty shows."""
    first = next((v for v in values if isinstance(v, np.ndarray) or v not in (None, "")), None)
    if isinstance(first, str):
        if first.lstrip().startswith("[") and _fits(_numbers_in, first):
            return _numbers_in
        if not columns.per_step:
            return text_of
        return _words_in if _is_json_list(first) and _fits(list_in, first, "words") else words_of
    if isinstance(first, np.ndarray):
        return numbers_of
    if isinstance(first, list):
        return words_of if first and isinstance(first[0], str) else numbers_of
    return words_of if columns.per_step else text_of


def _fits(read: Callable[..., Any], *arguments: Any) -> bool:
    try:
        read(*arguments)
    except BadCell:
        return False
    return True


def _words_in(cell: Any) -> list[str]:
    return words_of(list_in(cell, "words") if isinstance(cell, str) else cell)


def _numbers_in(cell: Any) -> Floats:
    try:
        numbers = parse_json(cell) if isinstance(cell, str) else cell
    except ValueError as error:
        raise BadCell(f"its list of numbers is not JSON ({error})") from error
    return numbers_of(numbers)


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


class BadCell(ValueError):
    """A cell that can't be read; the message says why. The functions below raise it."""


def text_of(cell: Any) -> str:
    """A text with something in it."""
    if cell is None:
        raise BadCell("has no text")
    if not isinstance(cell, str):
        raise BadCell(f"its text is {_kind(cell)}, expected a string")
    if not cell.strip():
        raise BadCell("its text is empty")
    return cell


def words_of(cell: Any) -> list[str]:
    """A list of words, or a text cut at its spaces."""
    words = cell.split() if isinstance(cell, str) else cell
    if not isinstance(words, list) or not words:
        raise BadCell("has no words")
    if not all(isinstance(word, str) and word.strip() for word in words):
        raise BadCell("one of its words is empty or not a string")
    return words


def numbers_of(cell: Any) -> Floats:
    """(T, C) an array, a list of numbers, one channel, or a list of lists, one for each step."""
    if isinstance(cell, np.ndarray) and len(cell):
        return finite(cell if cell.ndim == 2 else cell[:, None])
    if not isinstance(cell, list) or not cell:
        raise BadCell("has no list of numbers")
    rows = cell if isinstance(cell[0], list) else [[value] for value in cell]
    width = len(rows[0])
    if not width or any(not isinstance(row, list) or len(row) != width for row in rows):
        raise BadCell("its steps do not have the same number of channels")
    if any(type(value) not in (int, float) for row in rows for value in row):
        raise BadCell("holds something that is not a number")
    try:
        numbers = np.asarray(rows, dtype=np.float64)
    except OverflowError as error:  # a whole number of more than 308 digits
        raise BadCell("holds a number that is too large") from error
    return finite(numbers)


def finite(values: Any) -> Floats:
    """The same numbers in float32."""
    with np.errstate(over="ignore"):
        narrow: Floats = np.asarray(values).astype(np.float32)
    if not np.isfinite(narrow).all():
        raise BadCell("holds a number that is not finite, or too large")
    return narrow


def label_of(cell: Any) -> str:
    """The name of a class; a whole number that was kept as 1.0 is "1"."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if cell is None or (isinstance(cell, float) and cell != cell):
        raise BadCell("has no label")
    if not isinstance(cell, str | int | float):
        raise BadCell(f"its label is {_kind(cell)}, expected a word or a number")
    name = str(cell).strip()
    if not name:
        raise BadCell("has no label")
    return name


def labels_of(cell: Any, separator: str | None) -> tuple[str, ...]:
    """Any number of labels: a list, a JSON list in a string, or names with a separator between."""
    if cell is None:
        raise BadCell("has no labels; write an empty list where none applies")
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        cell = list_in(cell, "labels")
    if isinstance(cell, str):
        parts = cell.split(separator) if separator else [cell]
        cell = [part for part in parts if part.strip()]
    if not isinstance(cell, list):
        cell = [cell]
    return tuple(dict.fromkeys(label_of(part) for part in cell))


def list_in(cell: str, what: str) -> Any:
    """The list that a string holds as JSON."""
    try:
        return parse_json(cell)
    except ValueError as error:
        raise BadCell(
            f'its {what} are not a JSON list ({error}); write them as ["a", "b"], in double quotes'
        ) from error


def _kind(cell: Any) -> str:
    if isinstance(cell, list):
        return "a list"
    return "an object" if isinstance(cell, dict) else f"the {type(cell).__name__} {cell!r}"

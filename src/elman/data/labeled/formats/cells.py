"""Cells of a table as a text, words, numbers or labels.

A cell that is missing, empty or of another kind raises `BadCell`, which says what is wrong with it.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from elman.data.labeled.rows import Floats


class BadCell(ValueError):
    """A cell that can't be read; the message says why."""


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
        return json.loads(cell)
    except (ValueError, RecursionError) as error:
        raise BadCell(
            f'its {what} are not a JSON list ({error}); write them as ["a", "b"], in double quotes'
        ) from error


def _kind(cell: Any) -> str:
    if isinstance(cell, list):
        return "a list"
    return "an object" if isinstance(cell, dict) else f"the {type(cell).__name__} {cell!r}"

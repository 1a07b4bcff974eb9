"""Labeled rows from a table: texts, words or lists of numbers, with one, several or many labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
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
from elman.data.labeled.formats.columns import Chosen
from elman.data.labeled.formats.parsed import ParsedRows, origin_of
from elman.data.labeled.rows import (
    Columns,
    Inputs,
    LabelKind,
    Sequences,
    Texts,
    Words,
    offsets_of,
)
from elman.data.split_names import SPLIT_NAMES
from elman.data.tables.bad_rows import BadRows
from elman.data.tables.table import Table


@dataclass
class _Kept:
    """The rows that could be read so far."""

    inputs: list[Any] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    cells: list[dict[str, Any]] = field(default_factory=list)


def rows_of_table(table: Table, chosen: Chosen, columns: Columns, bad: BadRows) -> ParsedRows:
    """Read the chosen columns of a table.

    A list of numbers in the text column makes a sequence; a list of strings, words. With
    `columns.per_step` a text is cut at its spaces into words, and the label is a list of as many
    labels, or a string with spaces between them.

    Raises:
        elman.errors.InputError: a row that can't be read and is not skipped.
    """
    held = {name: table.cells(name) for name in table.columns}
    read, make = _reader(held[chosen.text], columns)
    kind = _label_kind(table, chosen, columns)
    kept = _Kept()
    width = None
    for row in range(len(table)):
        cells = {name: column[row] for name, column in held.items()}
        try:
            value = read(cells.get(chosen.text))
            if make is _sequences:
                width = width or value.shape[1]
                if value.shape[1] != width:
                    raise BadCell(f"has {value.shape[1]} channels, expected {width} as above")
            label = None
            if chosen.label is not None:
                label = _label(cells.get(chosen.label), kind, columns.label_separator)
                if kind == "step" and len(label) != len(value):
                    raise BadCell(f"has {len(label)} labels for {len(value)} steps")
            split = _split(cells.get(chosen.split)) if chosen.split else ""
        except BadCell as error:
            bad.add(table.where(row), str(error))
            continue
        kept.inputs.append(value)
        kept.labels.append(label)
        kept.splits.append(split)
        kept.lines.append(table.lines[row])
        kept.cells.append(cells)
    labels: list[Any] | None = kept.labels if chosen.label is not None else None
    if labels is not None and kind == "step":
        labels = [name for label in labels for name in label]
    return ParsedRows(
        make(kept, table),
        kind,
        labels,
        kept.splits if chosen.split else None,
        replace(columns, text=chosen.text, label=chosen.label, split=chosen.split),
        kept.cells,
        (f"{Path(table.name).name}: {chosen.note}",),
    )


def _reader(
    values: Sequence[Any], columns: Columns
) -> tuple[Callable[[Any], Any], Callable[[_Kept, Table], Inputs]]:
    first = next((v for v in values if isinstance(v, np.ndarray) or v not in (None, "")), None)
    if isinstance(first, str) and first.lstrip().startswith("[") and _is_numbers(first):
        return lambda cell: numbers_of(_parsed(cell)), _sequences
    if isinstance(first, np.ndarray):
        return numbers_of, _sequences
    if isinstance(first, list) and not (first and isinstance(first[0], str)):
        return numbers_of, _sequences
    if isinstance(first, list) or columns.per_step:
        if isinstance(first, str) and _is_json_list(first) and isinstance(_json(first), list):
            return lambda cell: words_of(list_in(cell, "words")), _words
        return words_of, _words
    return text_of, _texts


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


def _label_kind(table: Table, chosen: Chosen, columns: Columns) -> LabelKind:
    if columns.per_step:
        return "step"
    if columns.label_separator:
        return "many"
    if chosen.label is None:
        return "one"
    values = table.cells(chosen.label)
    return "many" if any(isinstance(v, list) or _is_json_list(v) for v in values) else "one"


def _is_json_list(cell: Any) -> bool:
    return isinstance(cell, str) and cell.lstrip().startswith("[") and cell.rstrip().endswith("]")


def _label(cell: Any, kind: LabelKind, separator: str | None) -> Any:
    if kind == "one":
        return label_of(cell)
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


def _texts(kept: _Kept, table: Table) -> Texts:
    return Texts(tuple(kept.inputs), origin_of(table.name, kept.lines))


def _words(kept: _Kept, table: Table) -> Words:
    words = tuple(word for row in kept.inputs for word in row)
    lengths = [len(row) for row in kept.inputs]
    return Words(words, offsets_of(lengths), origin_of(table.name, kept.lines))


def _sequences(kept: _Kept, table: Table) -> Sequences:
    values = np.concatenate(kept.inputs) if kept.inputs else np.zeros((0, 1), dtype=np.float32)
    channels = tuple(str(number) for number in range(1, values.shape[1] + 1))
    lengths = [len(row) for row in kept.inputs]
    return Sequences(values, offsets_of(lengths), channels, origin_of(table.name, kept.lines))

"""Which column is the text, the label, the split: as given, by name, or by content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from elman.data.labeled.rows import Columns
from elman.data.split_names import SPLIT_NAMES
from elman.data.tables.read import HasHeader
from elman.data.tables.table import Table, listed
from elman.errors import InputError

TEXT = (
    *("text", "sentence", "review", "content", "comment", "message", "tweet", "document", "body"),
    *("phrase", "utterance", "headline", "words", "tokens", "values", "sequence", "series"),
)
LABEL = (
    *("label", "labels", "sentiment", "class", "category", "categories", "target", "polarity"),
    *("stars", "rating", "intent", "emotion", "topic", "tag", "tags", "ner_tags"),
)
SPLIT = ("split", "partition", "subset")
USUAL = (*TEXT, *LABEL, *SPLIT)
_LOOKED_AT = 1000


def choose(table: Table, columns: Columns, *, labeled: bool = True) -> tuple[Columns, str]:
    """The columns to read, and how they were chosen, for the terminal.

    What `columns` names is taken as it is; the rest shows in the names and the first rows.
    """
    said = columns.label is not None
    label, how_label = named(table, columns.label, LABEL, "label", ()) if labeled else (None, "")
    split, _ = named(table, columns.split, SPLIT, "split", [label])
    if split is not None and columns.split is None and not _says_splits(table.cells(split)):
        split = None
    text, how_text = named(table, columns.text, TEXT, "text", [label, split])
    if text is None:
        known = [label, split]
        text, how_text = _only(table, known, _texts(table, known, sole=label is not None), "text")
    if labeled and label is None:
        label, how_label = _only(table, [text, split], _labels(table, [text, split]), "label")
    if said and label == text:
        raise InputError(f"{table.name}: {text!r} is both --text-column and --label-column")
    note = f"text column {text!r} ({how_text})"
    if label is not None:
        note += f", label column {label!r} ({how_label})"
    if split is not None:
        note += f", split column {split!r}"
    return replace(columns, text=text, label=label, split=split), note


def named(
    table: Table, chosen: str | None, usual: Sequence[str], what: str, taken: Sequence[str | None]
) -> tuple[str | None, str]:
    """The column that is named or has one of the usual names, and how it was chosen."""
    if chosen is not None:
        if chosen not in table.columns:
            raise InputError(
                f"{table.name}: --{what}-column {chosen}: no such column; "
                f"it has {listed(table.columns)}"
            )
        return chosen, "as named"
    found = [name for name in table.columns if name.lower() in usual and name not in taken]
    if len(found) > 1:
        raise InputError(
            f"{table.name}: {listed(found)} could each be the {what} column; "
            f"say which with --{what}-column"
        )
    return (found[0], "by its name") if found else (None, "")


def _only(
    table: Table, taken: Sequence[str | None], found: Sequence[str], what: str
) -> tuple[str, str]:
    if len(found) == 1:
        return found[0], "by what it holds"
    rest = [name for name in table.columns if name not in taken]
    reason = f"{listed(found)} could each be it" if found else f"it has {listed(table.columns)}"
    if not rest:
        reason = f"there is no column besides {listed(table.columns)}"
    raise InputError(f"{table.name}: no {what} column found: {reason}; name it --{what}-column")


def _texts(table: Table, taken: Sequence[str | None], *, sole: bool) -> list[str]:
    """Columns that hold running text or lists; any column, where it is the only one left."""
    rest = [name for name in table.columns if name not in taken]
    if (sole and len(rest) == 1) or len(table.columns) == 1:
        return rest
    return [name for name in rest if _is_running_text(table.cells(name)[:_LOOKED_AT])]


def _is_running_text(values: Sequence[Any]) -> bool:
    values = [value for value in values if value not in (None, "")]
    if values and all(isinstance(value, list) for value in values):
        return True
    if not values or not all(isinstance(value, str) for value in values):
        return False
    different = len(set(values))
    words = sum(len(value.split()) for value in values) / len(values)
    return 2 * different > len(values) and (words >= 2 or not all(map(is_numeral, values)))


def _labels(table: Table, taken: Sequence[str | None]) -> list[str]:
    """Columns whose values are short and come again."""
    rest = [name for name in table.columns if name not in taken]
    return rest if len(rest) == 1 else [name for name in rest if _comes_again(table.cells(name))]


def _comes_again(values: Sequence[Any]) -> bool:
    flat = list(chain.from_iterable(v if isinstance(v, list) else [v] for v in values[:_LOOKED_AT]))
    if not flat or any(isinstance(value, list | dict | float) for value in flat):
        return False
    spelled = [str(value) for value in flat]
    short = all(len(value) <= 40 and len(value.split()) <= 3 for value in spelled)
    return short and 2 * len(set(spelled)) <= len(spelled)


def _says_splits(values: Sequence[Any]) -> bool:
    return all(isinstance(value, str) and value.strip().lower() in SPLIT_NAMES for value in values)


def has_header(names: Sequence[str]) -> HasHeader:
    """A test for a first row of names: it holds one of `names`, or no column repeats its cell."""

    def test(rows: Sequence[Sequence[str]]) -> bool:
        first, rest = rows[0], rows[1:]
        if {cell.strip().lower() for cell in first} & {name.lower() for name in names}:
            return True
        if not rest or any(not cell.strip() for cell in first):
            return False
        for column, cell in enumerate(first):
            others = [row[column] for row in rest if column < len(row)]
            if cell in others or (is_numeral(cell) and all(map(is_numeral, others))):
                return False
        return True

    return test


def is_numeral(value: str) -> bool:
    """Whether a cell is a number as Python writes it."""
    try:
        float(value)
    except ValueError:
        return False
    return True

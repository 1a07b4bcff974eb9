"""Words with a label each, in columns: one word a line, an empty line between sentences."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from elman.data.labeled.rows import Columns, ParsedRows, inputs_of
from elman.data.origin import origin_of
from elman.data.tables.dialect import Dialect
from elman.data.tables.table import BadRows
from elman.data.text_files import encoding_of, text_lines
from elman.errors import InputError

_BETWEEN_DOCUMENTS = "-DOCSTART-"


def read_conll(path: Path, columns: Columns, bad: BadRows, *, labeled: bool = True) -> ParsedRows:
    """Read columns of words and labels, as CoNLL 2003 has them.

    The word is in the first column and its label in the last, unless `columns` gives their numbers,
    from 1. Columns stand apart by tabs where there are tabs, else by spaces. A sentence with a
    line that can't be read is bad as a whole.
    """
    word_at = _number(path, columns.text, "text", 1)
    label_at = _number(path, columns.label, "label", 0)
    sentences: list[list[list[str]]] = []
    starts: list[int] = []
    current: list[list[str]] = []
    start = 0
    wrong: tuple[int, str] | None = None
    width: int | None = None
    encoding = encoding_of(path, *columns.encoding)
    lines = [*text_lines(path, encoding), (0, "")]
    for number, line in lines:
        if line.strip() and not line.startswith(_BETWEEN_DOCUMENTS):
            start = start or number
            cells = line.split("\t") if "\t" in line else line.split()
            width = width or len(cells)
            if len(cells) != width and not wrong:
                wrong = (number, f"has {len(cells)} columns, expected {width} as above")
            elif any(not cell.strip() for cell in cells) and not wrong:
                wrong = (number, "a column is empty")
            current.append(cells)
            continue
        if wrong:
            bad.add(f"{path}:{wrong[0]}", wrong[1])
        elif current:
            sentences.append(current)
            starts.append(start)
        current, start, wrong = [], 0, None
    width = width or 0
    if labeled and width < 2:
        raise InputError(f"{path}: has {width} columns, expected a word and its label on each line")
    for flag, at in (("--text-column", word_at), ("--label-column", label_at if labeled else 0)):
        if at > width:
            raise InputError(f"{path}: {flag} {at}: there are {width} columns; count from 1")
    words, labels = (
        [[cells[at - 1].strip() for cells in sentence] for sentence in sentences]
        for at in (word_at, label_at)
    )
    note = f"{path.name}: words in column {word_at}"
    if labeled:
        note += f", labels in column {label_at or width}"
    return ParsedRows(
        inputs_of(words, origin_of(path, starts)),
        "step",
        labels if labeled else None,
        columns=replace(columns, dialect=columns.dialect or Dialect(encoding=encoding)),
        notes=(note,),
    )


def _number(path: Path, named: str | None, what: str, otherwise: int) -> int:
    if named is None:
        return otherwise
    if not named.isdecimal() or int(named) < 1:
        raise InputError(
            f"{path}: --{what}-column {named}: columns of words have no names; give a number from 1"
        )
    return int(named)

"""Files of text, a row a line: texts, texts with their label in front, or a table after all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from elman.data.labeled.formats.columns import USUAL
from elman.data.labeled.formats.label_text import (
    cut,
    may_begin_with_labels,
    read_label_text,
    way_of,
)
from elman.data.labeled.rows import Columns, ParsedRows, inputs_of
from elman.data.origin import origin_of
from elman.data.tables.dialect import Dialect, find_dialect
from elman.data.tables.table import BadRows
from elman.data.text_files import decoded_lines, encoding_of
from elman.errors import InputError

_LOOKED_AT = 100


def read_lines(
    path: Path,
    columns: Columns,
    bad: BadRows,
    *,
    labeled: bool,
    classes: Sequence[str] | None,
) -> ParsedRows | str:
    """The rows of a file of text; or the kind of table that it is, as `read_file` takes it.

    With `classes`, `columns` were found in other data of the same kind, which has these.
    """
    encoding = encoding_of(path, *columns.encoding)
    numbered = [
        (number, line)
        for number, line in decoded_lines(path, bad.add, encoding=encoding)
        if line.strip()
    ]
    lines = [line for _, line in numbered]
    if not lines:
        raise InputError(f"{path}: the file is empty; give a file with some rows")
    kept = Dialect(encoding=encoding)
    if not labeled and columns.lines in ("word", "fasttext"):
        return _without_labels(path, numbered, columns, classes or ())
    if labeled:
        known = columns.lines if columns.lines != "table" else ""
        way = known or way_of(lines, asked=columns.label_first)
        if way and columns.asked.delimiter == "":
            found = replace(columns, lines=way, dialect=columns.dialect or kept)
            return read_label_text(path, numbered, way, found, bad)
    if columns.lines == "table" or columns.asked.delimiter or _is_table(lines[:_LOOKED_AT]):
        return "delimited"
    if labeled and columns.label is None and may_begin_with_labels(lines):
        raise InputError(
            f"{path}: has a text on each line and no labels, unless the first word of a line is its"
            " label; if so, say --label-first; else give a table with a column of labels"
        )
    return "lines"


def _is_table(lines: Sequence[str]) -> bool:
    """Whether all lines have as many cells, by a sign that texts do not have, or a header."""
    dialect, skipped = find_dialect(lines)
    rows = [line for line in lines[skipped:] if line.strip()]
    widths = {line.count(dialect.delimiter) for line in rows}
    if dialect.delimiter == ",":
        names = {name.strip().lower() for name in rows[0].split(",")} if rows else set()
        return len(names) > 1 and bool(names & {*USUAL})
    return len(rows) > 1 and len(widths) == 1 and widths != {0}


def _without_labels(
    path: Path, numbered: Sequence[tuple[int, str]], columns: Columns, classes: Sequence[str]
) -> ParsedRows:
    """Texts that may have labels in front, as training had them: words that are classes, in all."""
    if columns.lines == "fasttext":
        cuts = [cut(line, "fasttext") for _, line in numbered]
    else:
        cuts = [cut(line, "word") for _, line in numbered]
        if not all(label in classes and text for (label,), text in cuts):
            cuts = [((), line) for _, line in numbered]
    texts = [text for _, text in cuts]
    origin = origin_of(path, [number for number, _ in numbered])
    cells = [{"text": text} for text in texts]
    return ParsedRows(inputs_of(texts, origin), "one", None, columns=columns, cells=cells)

"""Lines that begin with their label: `DESC:manner How did …`, `__label__good a fine film`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from elman.data.labeled.rows import (
    Columns,
    LabelKind,
    LineFormat,
    ParsedRows,
    inputs_of,
)
from elman.data.origin import origin_of
from elman.data.tables.table import BadRows
from elman.errors import InputError

_PREFIX = "__label__"
_CODE = re.compile(r"[-+]?\d+|[A-Z][A-Z0-9_]*(?::\w+)?|\w+:\w+")
_FEWEST = 2


def way_of(lines: Sequence[str], *, asked: bool = False) -> LineFormat:
    """How lines begin with labels: "" where they do not, or where it is not certain.

    It is certain for fastText's prefix, and for first words that come again and are all numbers,
    all capitals or with a colon inside. `asked`: the user says so.
    """
    if lines and all(line.startswith(_PREFIX) for line in lines):
        return "fasttext"
    if asked:
        return "word"
    firsts = _first_words(lines)
    if len(lines) < _FEWEST or not all(map(_CODE.fullmatch, firsts)):
        return ""
    return "word" if 1 < len(set(firsts)) < len(lines) else ""


def may_begin_with_labels(lines: Sequence[str]) -> bool:
    """Whether first words come again, so that they could be labels."""
    return 2 * len(set(_first_words(lines))) <= len(lines)


def _first_words(lines: Sequence[str]) -> list[str]:
    return [line.split(maxsplit=1)[0] for line in lines]


def read_label_text(
    path: Path,
    numbered: Sequence[tuple[int, str]],
    way: LineFormat,
    columns: Columns,
    bad: BadRows,
) -> ParsedRows:
    """Read lines that are not blank, with their numbers; several fastText labels make "many"."""
    kept: list[tuple[int, str, tuple[str, ...]]] = []
    for number, line in numbered:
        labels, text = cut(line, way)
        if not labels or not text:
            bad.add(f"{path}:{number}", f"has no {'text' if labels else 'label'}")
            continue
        kept.append((number, text, labels))
    if not kept:
        raise InputError(f"{path}: no line has a label and a text; give some")
    lines, texts, found = zip(*kept, strict=True)
    kind: LabelKind = "many" if any(len(labels) > 1 for labels in found) else "one"
    what = f"labels marked {_PREFIX}" if way == "fasttext" else "its first word is the label"
    return ParsedRows(
        inputs_of(texts, origin_of(path, lines)),
        kind,
        found,
        columns=columns,
        notes=(f"{path.name}: a text a line, {what}",),
    )


def cut(line: str, way: LineFormat) -> tuple[tuple[str, ...], str]:
    """The labels and the text of a line."""
    if way == "word":
        label, *text = line.split(maxsplit=1)
        return (label,), " ".join(text)
    labels, rest = [], line.strip()
    while rest.startswith(_PREFIX):
        label, *text = rest.split(maxsplit=1)
        if name := label.removeprefix(_PREFIX):
            labels.append(name)
        rest = "".join(text)
    return tuple(dict.fromkeys(labels)), rest

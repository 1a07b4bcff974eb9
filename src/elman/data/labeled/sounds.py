"""Recordings with labels: what `elman.data.audio` reads, with its parts and the ids of classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.audio.clips import Limits
from elman.data.audio.dataset import AudioOptions, draw
from elman.data.audio.read import is_audio, read_rows, read_splits
from elman.data.audio.rows import AudioColumns, AudioRows
from elman.data.audio.source import SUFFIXES
from elman.data.given import Files, Given, one_part
from elman.data.labeled.dataset import Cut, labeled_rows, labeled_splits
from elman.data.labeled.formats.rows_of_table import label_of, labels_of
from elman.data.labeled.rows import Columns, Labeled, LabeledSplits, LabelKind, ParsedRows
from elman.data.split_names import parts_of
from elman.data.tables.read import KINDS, suffix_of
from elman.data.tables.table import BadRows

_LOOKED_AT = 1 << 20
"""Bytes of a table: one of texts is not read twice."""


def has_sounds(given: Given, columns: AudioColumns) -> bool:
    """Whether data are recordings, or features of such that a table lists."""
    part = next(iter(parts_of(given).values()))
    if isinstance(part, Files) and KINDS.get(suffix_of(part.paths[0])) in ("delimited", "json"):
        return _names_sounds(part.paths[0]) and is_audio(part, columns)
    return is_audio(part, columns)


def _names_sounds(path: Path) -> bool:
    """Whether a table, of which only the beginning is looked at, may have names of recordings."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(_LOOKED_AT).replace(b"\0", b"").lower()  # UTF-16 has zeros between letters
    return any(word.encode() in head for word in (*SUFFIXES, "sampling_rate"))


def read_labeled_sounds(
    data: Given, options: AudioOptions, separator: str | None, bad: BadRows
) -> tuple[LabeledSplits, AudioColumns]:
    """Recordings with a label each, or several with a `separator` between, and where they were.

    Where the data have no parts and speakers are known, and enough of them, the parts that are
    drawn have speakers of their own; else each part has its share of each class.
    """
    found, columns = read_splits(
        data,
        options.columns,
        bad,
        answer="label",
        convert=lambda cell: _labels(cell, separator),
        limits=options.limits,
    )
    notes = [note for part in found.values() for note in part.notes]
    if "valid" not in found:
        found, note = _by_speaker(found, options)
        notes += note
    answers = [answer for part in found.values() for answer in part.answers or ()]
    many = separator is not None or any(len(answer) != 1 for answer in answers)
    kind: LabelKind = "many" if many else "one"
    own = Columns(label_separator=separator)
    parts = {name: _parsed(part, kind, own) for name, part in found.items()}
    cut = Cut(options.valid_fraction, options.test_fraction, options.seed)
    return labeled_splits(parts, tuple(dict.fromkeys(notes)), own, cut, bad), columns


def read_more_sounds(
    data: Given,
    columns: AudioColumns,
    names: Sequence[str],
    kind: LabelKind,
    separator: str | None,
    bad: BadRows,
    limits: Limits,
) -> Labeled:
    """Other recordings with labels, of the kind and the classes that training had."""
    rows = read_rows(
        one_part(data),
        columns,
        bad,
        answer="label",
        convert=lambda cell: _labels(cell, separator),
        limits=limits,
    )
    return labeled_rows(_parsed(rows, kind, Columns(label_separator=separator)), names)


def _labels(cell: Any, separator: str | None) -> Sequence[str]:
    several = isinstance(cell, list) or (isinstance(cell, str) and cell.lstrip().startswith("["))
    return labels_of(cell, separator) if several or separator else (label_of(cell),)


def _parsed(rows: AudioRows, kind: LabelKind, columns: Columns) -> ParsedRows:
    """The same rows, as those of texts and numbers are."""
    return ParsedRows(rows.heard, kind, rows.answers, None, columns)


def _by_speaker(
    found: dict[str, AudioRows], options: AudioOptions
) -> tuple[dict[str, AudioRows], list[str]]:
    """The parts with those that are missing, of speakers of their own, and a note on it.

    As they were where that can't be: too few speakers, or a class that only some of them have.
    """
    whole = found["train"]
    if whole.heard.speakers is None or whole.answers is None:
        return found, []
    wanted = {"valid": options.valid_fraction}
    if "test" not in found:
        wanted["test"] = options.test_fraction
    parts, note = draw(whole.heard, wanted, options.seed)
    speakers = np.asarray(whole.heard.speakers)
    own = [set(speakers[rows]) for rows in parts.values()]
    apart = sum(map(len, own)) == len(set.union(*own))
    train = {name for row in parts["train"] for name in whole.answers[row]}
    if not apart or train != {name for answer in whole.answers for name in answer}:
        return found, []
    return {**found, **{name: whole.take(rows) for name, rows in parts.items()}}, [note]

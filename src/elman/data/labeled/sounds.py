"""Recordings with labels, from what `elman.data.audio` reads."""

from __future__ import annotations

from elman.data.audio.fake_reader import has_sounds, read_parts
from elman.data.audio.rows import AudioColumns, AudioRows
from elman.data.given import Given
from elman.data.labeled.dataset import Cut, labeled_splits
from elman.data.labeled.rows import Columns, LabeledSplits, LabelKind, ParsedRows
from elman.data.tables.table import BadRows

__all__ = ["has_sounds", "read_labeled_sounds"]


def read_labeled_sounds(
    data: Given, columns: AudioColumns, separator: str | None, cut: Cut, bad: BadRows
) -> tuple[LabeledSplits, AudioColumns]:
    """Recordings with a label each, or several with a `separator` between, and where they were."""
    parts, notes, found = read_parts(data, columns, bad, separator)
    kind: LabelKind = "one" if separator is None else "many"
    parsed = {name: as_parsed(part, kind, separator) for name, part in parts.items()}
    return labeled_splits(parsed, notes, Columns(label_separator=separator), cut, bad), found


def as_parsed(rows: AudioRows, kind: LabelKind, separator: str | None) -> ParsedRows:
    """The same rows, as those of texts and numbers are."""
    return ParsedRows(
        rows.heard,
        kind,
        rows.answers,
        rows.splits,
        Columns(label_separator=separator),
        rows.cells,
        rows.notes,
    )

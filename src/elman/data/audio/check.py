"""What was read as speech, in lines for people: lengths, voices, characters, and the first rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from elman.data.audio.features import FeatureFile, read_frames
from elman.data.audio.listen import Listener
from elman.data.audio.rows import Source, Utterances, UtteranceSplits
from elman.data.audio.source import spoken
from elman.data.tables.rows_of_text import aligned
from elman.errors import InputError

_SHOWN = 5
_LONGEST_TEXT = 60


def speech_report(found: UtteranceSplits, listener: Listener) -> list[str]:
    """The notes of what was read, a line for each split, the alphabet, and the first rows.

    Each recording is decoded from its beginning to its end, so that what can't be heard is named or
    counted; `listener` says how.

    Raises:
        InputError: a row that can't be heard and is not skipped.
    """
    parts = {"train": found.train, "valid": found.valid}
    if found.test is not None:
        parts["test"] = found.test
    lengths = {name: _lengths(part, listener) for name, part in parts.items()}
    rows: list[Sequence[str]] = [("part", "rows", "in all", "shortest", "longest", "speakers")]
    for name, part in parts.items():
        seconds = [value for value in lengths[name] if value is not None]
        if not seconds:
            raise InputError(f"{name}: no recording of it can be heard; give some that can")
        unit = _frames if part.has_features else spoken
        rows.append(
            (
                name,
                f"{len(seconds):,}",
                *map(unit, (sum(seconds), min(seconds), max(seconds))),
                "-" if part.speakers is None else f"{len(set(part.speakers)):,}",
            )
        )
    notes = [note for note in found.notes if not note.startswith("left out ")]
    lines = [*notes, *listener.bad.notes(), *listener.notes(), ""]
    lines += [*aligned(rows, right=(1, 2, 3, 4, 5)), "", *_alphabet(parts), ""]
    return lines + _first(found.train, lengths["train"])


def _lengths(part: Utterances, listener: Listener) -> list[float | None]:
    """Seconds, or frames of features, of each row; None where it was left out."""
    lengths: list[float | None] = []
    for row, source in enumerate(part.audio):
        if part.has_features:
            lengths.append(_count(part, row, source, listener))
        else:
            samples = listener.row(part, row)
            lengths.append(None if samples is None else len(samples) / listener.rate)
    return lengths


def _count(part: Utterances, row: int, source: Source, listener: Listener) -> float | None:
    assert isinstance(source, FeatureFile | np.ndarray)
    try:
        return float(len(read_frames(source, part.where(row))))
    except InputError as error:
        listener.bad.add(part.where(row), str(error).removeprefix(f"{part.where(row)}: "))
        return None


def _frames(count: float) -> str:
    return f"{count:,.0f} frames"


def _alphabet(parts: Mapping[str, Utterances]) -> list[str]:
    """The characters of the transcripts, and those that training lacks."""
    texts = {name: "".join(part.texts or ()) for name, part in parts.items()}
    known = set(texts["train"])
    shown = "".join(sorted(known - {" "}))
    lines = [f"{len(known)} characters: {shown[:200]}" + (" and the space" if " " in known else "")]
    for name, text in texts.items():
        if more := sorted(set(text) - known):
            shown = " ".join(more[:20])
            lines.append(f"{name}: {len(more)} characters that are not in training: {shown}")
    return lines


def _first(part: Utterances, lengths: Sequence[float | None]) -> list[str]:
    unit = _frames if part.has_features else spoken
    kept = [row for row, length in enumerate(lengths) if length is not None][:_SHOWN]
    rows: list[Sequence[str]] = [("row", "length", "text")]
    for row in kept:
        text = (part.texts or ())[row]
        place = Path(part.where(row)).name
        rows.append((place, unit(lengths[row] or 0.0), text[:_LONGEST_TEXT]))
    return aligned(rows, right=(1,))

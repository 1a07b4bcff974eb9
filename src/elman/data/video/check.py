"""What was read as videos, in lines for people: lengths, groups, labels, and the first rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from elman.data.audio.source import spoken
from elman.data.labeled.rows import Labeled, LabeledSplits
from elman.data.tables.rows_of_text import aligned
from elman.data.tables.table import BadRows
from elman.data.video.clips import VideoLimits
from elman.data.video.decode import read_clip
from elman.data.video.frame_format import FrameFormat
from elman.data.video.rows import Videos
from elman.errors import InputError

_SHOWN = 5
_MOST_LABELS = 30


def video_report(
    found: LabeledSplits, wanted: FrameFormat, bad: BadRows, limits: VideoLimits
) -> list[str]:
    """The notes of what was read, a line for each part and each label, and the first rows.

    Each video is decoded from its beginning to its end, so that what can't be seen is named or
    counted.

    Raises:
        InputError: a video that can't be decoded and is not skipped.
    """
    parts = {"train": found.train, "valid": found.valid}
    if found.test is not None:
        parts["test"] = found.test
    lengths = {name: _lengths(part, wanted, bad, limits) for name, part in parts.items()}
    rows: list[Sequence[str]] = [("part", "videos", "in all", "shortest", "longest", "groups")]
    for name, part in parts.items():
        seconds = [value for value in lengths[name] if value is not None]
        if not seconds:
            raise InputError(f"{name}: no video of it can be decoded; give some that can")
        groups = _videos(part).groups
        rows.append(
            (
                name,
                f"{len(seconds):,}",
                *map(spoken, (sum(seconds), min(seconds), max(seconds))),
                "-" if groups is None else f"{len(set(groups)):,}",
            )
        )
    notes = [note for note in found.notes if not note.startswith("left out ")]
    lines = [*notes, *bad.notes(), "", *aligned(rows, right=(1, 2, 3, 4, 5)), ""]
    return [*lines, *_labels(parts), "", *_first(found.train, lengths["train"])]


def _videos(part: Labeled) -> Videos:
    assert isinstance(part.inputs, Videos)
    return part.inputs


def _lengths(
    part: Labeled, wanted: FrameFormat, bad: BadRows, limits: VideoLimits
) -> list[float | None]:
    """Seconds of each row; None where it was left out."""
    videos = _videos(part)
    lengths: list[float | None] = []
    for row, clip in enumerate(videos.clips):
        where = videos.where(row)
        try:
            count = sum(len(block) for block in read_clip(clip, wanted, limits, where))
        except InputError as error:
            bad.add(where, str(error).removeprefix(f"{where}: "))
            lengths.append(None)
            continue
        lengths.append(count / wanted.rate)
    return lengths


def _labels(parts: Mapping[str, Labeled]) -> list[str]:
    """How many videos of each part have which label."""
    rows: list[Sequence[str]] = [("label", *parts)]
    counts = [Counter(name for names in _names(part) for name in names) for part in parts.values()]
    names = parts["train"].labels.names
    rows += [(name, *(f"{count[name]:,}" for count in counts)) for name in names[:_MOST_LABELS]]
    more = len(names) - _MOST_LABELS
    numbers = tuple(range(1, len(parts) + 1))
    return aligned(rows, right=numbers) + ([f"and {more:,} more labels"] if more > 0 else [])


def _names(part: Labeled) -> list[tuple[str, ...]]:
    names, ids = part.labels.names, part.labels.ids
    if ids.ndim == 1:
        return [(names[place],) for place in ids]
    return [tuple(names[place] for place in np.flatnonzero(row)) for row in ids]


def _first(part: Labeled, lengths: Sequence[float | None]) -> list[str]:
    kept = [row for row, length in enumerate(lengths) if length is not None][:_SHOWN]
    labels, videos = _names(part), _videos(part)
    rows: list[Sequence[str]] = [("row", "length", "label")]
    for row in kept:
        place = Path(videos.where(row)).name
        rows.append((place, spoken(lengths[row] or 0.0), ", ".join(labels[row])))
    return aligned(rows, right=(1,))

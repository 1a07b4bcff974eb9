"""Which column of a table is the video, the label, the group, where a row begins and ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.labeled.formats.columns import LABEL, SPLIT, named
from elman.data.tables.table import Table, listed
from elman.data.video.container import VIDEO_SUFFIXES
from elman.data.video.rows import VideoColumns
from elman.errors import InputError

VIDEO = (
    *("video", "video_path", "video_file", "path", "file", "filename", "file_name", "filepath"),
    *("clip", "movie", "frames", "folder", "images"),
)
BEGIN = ("begin", "start", "begin_time", "start_time", "start_seconds", "begin_seconds")
END = ("end", "stop", "end_time", "stop_time", "end_seconds", "stop_seconds")
GROUP = (
    *("group", "person", "subject", "source", "actor", "performer", "speaker", "participant"),
    *("signer", "user", "subject_id", "person_id", "group_id", "user_id"),
)
NAMES = frozenset((*VIDEO, *BEGIN, *END, *GROUP, *LABEL, *SPLIT))

_COLUMNS = ("video", "label", "begin", "end", "group", "split")
_LOOKED_AT = 1000


def is_video_name(cell: object) -> bool:
    """Whether a cell looks like the name of a video file."""
    return isinstance(cell, str | Path) and str(cell).strip().lower().endswith(VIDEO_SUFFIXES)


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row holds names: no video, and a usual name or a video below."""
    first, second = rows[0], rows[1] if len(rows) > 1 else ()
    if any(map(is_video_name, first)):
        return False
    usual = not NAMES.isdisjoint(cell.strip().lower() for cell in first)
    return usual or any(map(is_video_name, second))


def choose(table: Table, columns: VideoColumns, *, labeled: bool) -> tuple[VideoColumns, str]:
    """The columns to read, and how they were chosen, for the terminal.

    What `columns` names is taken as it is, unless it was only found in another table and is not in
    this one; the rest shows in the names and in the first rows.
    """
    absent = [n for n in columns.found if getattr(columns, n) not in table.columns]
    nothing: dict[str, Any] = dict.fromkeys(absent)
    columns = replace(columns, **nothing)
    said = {n for n in _COLUMNS if getattr(columns, n) is not None and n not in columns.found}
    video, how = _video(table, columns.video)
    taken: list[str | None] = [video]
    note = f"video column {video!r} ({how})"
    found = replace(columns, video=video)
    if labeled:
        label, how = _label(table, columns.label, taken)
        taken.append(label)
        note += f", label column {label!r} ({how})"
        found = replace(found, label=label)

    def find(chosen: str | None, usual: Sequence[str], what: str) -> str | None:
        name, _ = named(table, chosen, usual, what, taken)
        taken.append(name)
        return name

    found = replace(
        found,
        begin=find(columns.begin, BEGIN, "start"),
        end=find(columns.end, END, "end"),
        group=find(columns.group, GROUP, "group"),
        split=find(columns.split, SPLIT, "split"),
    )
    kept = ("begin", "end", "group", "split")
    note += "".join(f", {n} column {own!r}" for n in kept if (own := getattr(found, n)))
    new = (n for n in _COLUMNS if getattr(found, n) is not None and n not in said)
    return replace(found, found=tuple(new)), note


def _video(table: Table, chosen: str | None) -> tuple[str, str]:
    if chosen is not None:
        name, how = named(table, chosen, (), "video", ())
        assert name is not None
        return name, how
    held = [name for name in table.columns if _is_video(table.cells(name))]
    usual = sorted(
        (name for name in held or table.columns if name.lower() in VIDEO),
        key=lambda name: VIDEO.index(name.lower()),
    )
    if usual:
        return usual[0], "by its name"
    if len(held) == 1:
        return held[0], "by what it holds"
    reason = f"{listed(held)} could each be it" if held else f"it has {listed(table.columns)}"
    raise InputError(
        f"{table.name}: no column of videos found: {reason}; name it with --video-column"
    )


def _is_video(cells: Sequence[Any]) -> bool:
    """Whether most of the first cells that are not empty hold or name videos."""
    looked = [
        cell
        for cell in cells[:_LOOKED_AT]
        if cell is not None and not (isinstance(cell, str) and not cell.strip())
    ]
    videos = (is_video_name(cell) or isinstance(cell, np.ndarray) for cell in looked)
    return 2 * sum(videos) > len(looked)


def _label(table: Table, chosen: str | None, taken: Sequence[str | None]) -> tuple[str, str]:
    name, how = named(table, chosen, LABEL, "label", taken)
    if name is not None:
        return name, how
    usual = {*BEGIN, *END, *GROUP, *SPLIT}
    rest = [n for n in table.columns if n not in taken and n.lower() not in usual]
    if len(rest) == 1:
        return rest[0], "by what it holds"
    reason = f"{listed(rest)} could each be it" if rest else f"it has {listed(table.columns)}"
    raise InputError(
        f"{table.name}: no column of the label found: {reason}; name it with --label-column"
    )

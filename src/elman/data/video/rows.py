"""Videos as rows: what each shows, who or what it was taken of, and where it came from.

Legend: N rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from elman.data.origin import Integers, Origin
from elman.data.tables.asked import Asked
from elman.data.tables.dialect import Dialect
from elman.data.video.clips import VideoSource


@dataclass(frozen=True)
class VideoColumns:
    """Where in a table the videos are, and where its paths lead.

    Attributes:
        video: the column of the paths, or of frames in memory; None to find it.
        label: the column of the class; None to find it.
        begin: the column of the second at which a row begins; None to find it.
        end: that of the second at which it ends; None to find it.
        group: who or what a video was taken of; None to find it.
        split: the column that says train, valid or test; None to find it.
        found: which of these were found and not said, so that another table may have others.
        root: the folder that paths are below; None for the folder of the table.
        fps: images a second of folders of images, frames a second of arrays.
        dialect: how the table was written, where it was text with delimiters.
        asked: what the user says of how it is written.
    """

    video: str | None = None
    label: str | None = None
    begin: str | None = None
    end: str | None = None
    group: str | None = None
    split: str | None = None
    found: tuple[str, ...] = ()
    root: Path | None = None
    fps: float | None = None
    dialect: Dialect | None = None
    asked: Asked = field(default_factory=Asked)


@dataclass(frozen=True, eq=False)
class Videos:
    """Videos, a clip a row.

    Attributes:
        clips: (N,) what each shows.
        groups: (N,) who or what each was taken of, so that no such is in two parts; None where
            that isn't known.
        origin: where the rows came from.
        seconds: (N,) how long each is, as far as its file says; () where that wasn't looked at.
    """

    clips: tuple[VideoSource, ...]
    groups: tuple[str, ...] | None
    origin: Origin
    seconds: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.clips)

    def where(self, row: int) -> str:
        """The place of one row, as an error names it."""
        return self.origin.where(row)

    def take(self, rows: Integers) -> Videos:
        groups = None if self.groups is None else tuple(self.groups[row] for row in rows)
        clips = tuple(self.clips[row] for row in rows)
        seconds = tuple(self.seconds[row] for row in rows) if self.seconds else ()
        return Videos(clips, groups, self.origin.take(rows), seconds)


@dataclass(frozen=True, eq=False)
class VideoRows:
    """The rows of one file, folder or value.

    Attributes:
        videos: what they show.
        answers: the labels of each; None where not asked for.
        splits: "train", "valid" or "test" for each row, where the file says so.
        columns: where it was found.
        cells: all cells of each row of a table, by column.
        notes: what was found, in lines for the terminal.
    """

    videos: Videos
    answers: Sequence[Sequence[str]] | None
    splits: Sequence[str] | None = None
    columns: VideoColumns = field(default_factory=VideoColumns)
    cells: Sequence[Mapping[str, Any]] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.videos)

    def take(self, rows: Integers) -> VideoRows:
        answers = None if self.answers is None else [self.answers[row] for row in rows]
        return replace(
            self, videos=self.videos.take(rows), answers=answers, splits=None, cells=None
        )

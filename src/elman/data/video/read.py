"""From files, folders and values to rows of videos, with their labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.given import Columns, Files, Given, Part, Texts, Video, name_of
from elman.data.split_names import SPLITS, parts_of, split_of
from elman.data.tables.read import KINDS, read_columns, read_file, suffix_of
from elman.data.tables.table import BadRows, Table
from elman.data.video.clips import VideoLimits
from elman.data.video.columns import has_header, is_video_name
from elman.data.video.container import CONVERT
from elman.data.video.folder import manifest_in, rows_of_folder, rows_of_paths
from elman.data.video.images import IMAGE_SUFFIXES, is_image_folder
from elman.data.video.manifest import rows_of_table
from elman.data.video.rows import VideoColumns, VideoRows
from elman.data.video.source import VideoSources
from elman.errors import InputError

_OTHER_VIDEO = (
    *(".wmv", ".flv", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts", ".3gp", ".ogv", ".vob", ".asf"),
    *(".h264", ".264", ".hevc", ".y4m", ".yuv", ".rm", ".rmvb", ".mxf", ".dv", ".apng"),
)


def read_rows(
    part: Part,
    columns: VideoColumns,
    bad: BadRows,
    *,
    labeled: bool,
    separator: str | None = None,
    limits: VideoLimits = VideoLimits(),  # noqa: B008 (frozen)
) -> VideoRows:
    """Read one file or folder, or videos in memory; of several files without labels, all.

    Raises:
        InputError: no videos, a row that can't be read and isn't skipped, or a table whose columns
            don't say what they are.
    """
    sources = VideoSources(limits, columns.fps)
    match part:
        case Files((path,)):
            found = _of_path(path, columns, bad, sources, labeled=labeled, separator=separator)
        case Files(paths) if not labeled and all(map(_is_video, paths)):
            found = rows_of_paths(paths, columns, bad, sources, labeled=False, folder=Path())
        case Files(paths):
            raise InputError(f"got {len(paths)} files, expected one; give them one by one")
        case Columns():
            table = read_columns(part)
            found = rows_of_table(
                table, columns, bad, sources, labeled=labeled, separator=separator, base=None
            )
        case _:
            # Rows in memory have no names of columns: what was found is not for other data.
            found = rows_of_table(
                _table_of(part, labeled=labeled),
                VideoColumns(),
                bad,
                VideoSources(limits, _fps(part, columns)),
                labeled=labeled,
                separator=separator,
                base=None,
            )
            found = replace(found, columns=columns, cells=None)
    if not len(found):
        where = name_of(part)
        raise InputError(f"{where}: no row of it could be read; give one with rows that can be")
    return found


def read_splits(
    given: Given,
    columns: VideoColumns,
    bad: BadRows,
    *,
    separator: str | None = None,
    limits: VideoLimits = VideoLimits(),  # noqa: B008 (frozen)
) -> tuple[dict[str, VideoRows], VideoColumns]:
    """The parts that files, folders, names or a split column say, "train" at least.

    Returns:
        The rows by the name of the part, and where in them what was found.
    """
    found: dict[str, VideoRows] = {}
    for name, part in _named(given).items():
        rows = read_rows(part, columns, bad, labeled=True, separator=separator, limits=limits)
        if name == "train":
            columns = rows.columns
        found[name] = rows
    whole = found["train"]
    if len(found) == 1 and whole.splits is not None:
        roles = np.asarray(whole.splits)
        places = {name: np.flatnonzero(roles == name) for name in SPLITS}
        if not len(places["train"]):
            where = whole.videos.origin.files[0]
            raise InputError(f"{where}: its split column has no rows of train; add some")
        found = {name: whole.take(rows) for name, rows in places.items() if len(rows)}
    return found, columns


def _named(given: Given) -> dict[str, Part]:
    paths = given.paths if isinstance(given, Files) else ()
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: there is no such file or folder; check the path")
    parts = parts_of(given)
    if [split_of(path.name) for path in paths] == ["train", "test"]:
        parts["test"] = parts.pop("valid")
    return parts


def _is_video(path: Path) -> bool:
    return is_video_name(path) or (path.is_dir() and is_image_folder(path))


def _of_path(
    path: Path,
    columns: VideoColumns,
    bad: BadRows,
    sources: VideoSources,
    *,
    labeled: bool,
    separator: str | None,
) -> VideoRows:
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder; check the path")
    if path.is_dir():
        manifest = manifest_in(path)
        if manifest is None:
            if is_image_folder(path):
                folder = path.parent
                return rows_of_paths([path], columns, bad, sources, labeled=labeled, folder=folder)
            return rows_of_folder(path, columns, bad, sources, labeled=labeled)
        path = manifest
    if is_video_name(path):
        return rows_of_paths([path], columns, bad, sources, labeled=labeled, folder=path.parent)
    if path.suffix.lower() in _OTHER_VIDEO:
        raise InputError(f"{path}: {path.suffix} is not read; {CONVERT}")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        raise InputError(f"{path}: an image; give a folder of images, one for each frame")
    kind = KINDS.get(suffix_of(path), "lines")
    table = read_file(
        path,
        bad,
        header=has_header,
        dialect=columns.dialect,
        asked=columns.asked,
        kind="delimited" if kind == "lines" else kind,
    )
    return rows_of_table(
        table, columns, bad, sources, labeled=labeled, separator=separator, base=path.parent
    )


def _fps(part: Part, columns: VideoColumns) -> float | None:
    """The rate of frames in memory: what they say over what the settings do."""
    return part.fps if isinstance(part, Video) and part.fps is not None else columns.fps


def _table_of(part: Part, *, labeled: bool) -> Table:
    """Videos in memory as a table."""
    match part:
        case Video(videos, labels):
            items: list[Any] = list(videos)
        case Texts(texts, labels):  # paths, as the user has them
            items = list(texts)
        case _:
            raise InputError(
                f"{name_of(part)}: no videos; give a table that lists them, a folder, or arrays"
                " (frames, height, width) or (frames, height, width, 3) of uint8"
            )
    if labeled and labels is None:
        raise InputError(
            f"{name_of(part)}: has no labels; give (videos, labels), or a table with both"
        )
    columns = {"video": items}
    if labeled:
        columns["label"] = list(labels or ())
    if isinstance(part, Video) and part.groups is not None:
        columns["group"] = list(part.groups)
    return Table(name_of(part), columns, range(1, len(items) + 1))

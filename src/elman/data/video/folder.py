"""Videos of a folder whose folders are their classes: CLASS/CLIP.mp4, or CLASS/GROUP/CLIP.mp4.

A clip may be a folder of images. Where `labels.csv` lists file and label, folders say nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from elman.data.labeled.formats.number_files import label_of_file, listed_labels
from elman.data.labeled.formats.rows_of_table import BadCell
from elman.data.origin import Origin
from elman.data.tables.table import BadRows
from elman.data.video.rows import VideoColumns, VideoRows, Videos
from elman.data.video.source import VideoSources, videos_in
from elman.errors import InputError

MANIFESTS = ("metadata", "manifest")
"""What a table in a folder is called that lists its videos."""


def manifest_in(folder: Path) -> Path | None:
    """The table of a folder that lists its videos."""
    names = [f"{name}{suffix}" for name in MANIFESTS for suffix in (".csv", ".tsv", ".jsonl")]
    found = [path for name in names if (path := folder / name).is_file()]
    if len(found) > 1:
        raise InputError(
            f"{folder}: {found[0].name} and {found[1].name} could each list its videos; name one of"
            " them"
        )
    return found[0] if found else None


def rows_of_folder(
    folder: Path,
    columns: VideoColumns,
    bad: BadRows,
    sources: VideoSources,
    *,
    labeled: bool,
) -> VideoRows:
    """Read every video in a folder and in the folders in it, in the order of names."""
    paths = list(videos_in(folder))
    if not paths:
        raise InputError(
            f"{folder}: holds no videos; give a folder for each class with .mp4, .avi, .webm or"
            " .gif files or folders of images in it, or a table that lists them"
        )
    return rows_of_paths(paths, columns, bad, sources, labeled=labeled, folder=folder)


def rows_of_paths(
    paths: Sequence[Path],
    columns: VideoColumns,
    bad: BadRows,
    sources: VideoSources,
    *,
    labeled: bool,
    folder: Path,
) -> VideoRows:
    """Read videos of `folder`."""
    listed = listed_labels(folder) if labeled else None
    group_of = _by_folder(paths, folder) if labeled and listed is None else None
    kept = []
    for path in paths:
        try:
            label = (label_of_file(path, folder, listed),) if labeled else ()
            kept.append((path, sources.of_path(path), label))
        except BadCell as error:
            bad.add(str(path), str(error).removeprefix(f"{path}: "))
    files = tuple(path for path, _, _ in kept)
    origin = Origin(files, np.arange(len(files)), np.zeros(len(files), np.int64))
    groups = None if group_of is None else tuple(map(group_of, files))
    notes = sources.notes(folder.name or str(folder), len(kept))
    if groups is not None:
        notes.append(f"{len(set(groups))} groups, by the folders in those of classes")
    return VideoRows(
        Videos(tuple(source for _, source, _ in kept), groups, origin, tuple(sources.lengths)),
        [label for _, _, label in kept] if labeled else None,
        columns=columns,
        cells=[{"path": str(path)} for path in files],
        notes=tuple(notes),
    )


def _by_folder(paths: Sequence[Path], folder: Path) -> Callable[[Path], str] | None:
    """What names the group of a video, where each is in a folder of that of its class."""
    if all(len(path.relative_to(folder).parts) > 2 for path in paths):
        return lambda path: path.relative_to(folder).parts[1]
    return None

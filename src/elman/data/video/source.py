"""From a cell of a table, a file or a folder to what a row shows; its header is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.audio.source import spoken
from elman.data.folders import check_inside, files_in
from elman.data.labeled.formats.rows_of_table import BadCell
from elman.data.video.clips import Clip, FrameArray, VideoInfo, VideoLimits, VideoSource
from elman.data.video.columns import is_video_name
from elman.data.video.decode import check_bounds, probe
from elman.data.video.images import is_image_folder
from elman.errors import InputError


def videos_in(folder: Path) -> Iterator[Path]:
    """The video files and the folders of images in a folder and in those in it, by their names."""
    held = list(_folders(folder))
    images = [inner for inner in held if is_image_folder(inner)]
    files = [path for path in files_in(folder) if is_video_name(path)]
    yield from sorted([*files, *images])


def _folders(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            check_inside(folder, path)
            if path.is_symlink():
                continue
            yield path
            yield from _folders(path)


class VideoSources:
    """Checks what rows show against the limits; each file is probed once.

    Args:
        limits: bounds on each video.
        fps: images a second of folders, frames a second of arrays; None where it isn't said.

    Attributes:
        lengths: the seconds of each source that was found.
    """

    def __init__(self, limits: VideoLimits, fps: float | None = None) -> None:
        self.limits, self.fps = limits, fps
        self.lengths: list[float] = []
        self._sizes: Counter[str] = Counter()
        self._rates: Counter[float] = Counter()
        self._probed: dict[Path, VideoInfo] = {}

    def of_path(self, path: Path, begin: float = 0.0, end: float | None = None) -> VideoSource:
        """What a file or a folder of images shows, or a stretch of it in seconds.

        Raises:
            BadCell: it can't be read.
        """
        clip = Clip(path, begin, end, self.fps if path.is_dir() else None)
        try:
            info = self._probed.get(path) or probe(clip, self.limits)
            self._count(info, check_bounds(clip, info, self.limits))
        except InputError as error:
            raise BadCell(str(error)) from error
        self._probed[path] = info
        return clip

    def of_array(self, frames: Any, fps: float | None, where: str) -> VideoSource:
        """A video in memory."""
        rate = self.fps if fps is None else fps
        if rate is None:
            raise BadCell("frames without their rate; give fps=, frames a second")
        source = FrameArray(np.asarray(frames), rate)
        try:
            info = probe(source, self.limits, where)
        except InputError as error:
            raise BadCell(str(error).removeprefix(f"{where}: ")) from error
        self._count(info, info.seconds)
        return source

    def _count(self, info: VideoInfo, seconds: float) -> None:
        self.lengths.append(seconds)
        self._sizes[f"{info.width}x{info.height}"] += 1
        self._rates[round(info.rate, 2)] += 1

    def notes(self, name: str, rows: int) -> list[str]:
        """What was found, in lines."""
        sizes = _several([size for size, _ in self._sizes.most_common()])
        rates = _several([f"{rate:g}" for rate, _ in self._rates.most_common()])
        what = "1 video" if rows == 1 else f"{rows:,} videos"
        return [
            f"{name}: {what}, {spoken(sum(self.lengths))}, {sizes} pixels, {rates} frames a second"
        ]


def _several(words: list[str]) -> str:
    return ", ".join(words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "")

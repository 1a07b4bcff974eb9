"""Videos decoded once into a file that is read through a memory map.

Legend: N clips, S frames of all, H height, W width, C channels.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from elman.data.arrays import Array
from elman.data.labeled.rows import offsets_of
from elman.data.origin import Integers
from elman.data.tables.table import BadRows
from elman.data.video.clips import VideoLimits
from elman.data.video.decode import read_clip
from elman.data.video.frame_format import FrameFormat
from elman.data.video.rows import Videos
from elman.errors import InputError

_MEAN_SIDE = 32
"""The longer side of a mean frame."""

_EVERY = 100
"""Clips between two lines of progress."""


@dataclass(frozen=True, eq=False)
class DecodedVideos:
    """The frames of clips, one after the other, in a file that has no name and goes with it.

    Attributes:
        frames: (S, H, W, C) uint8.
        offsets: where each clip begins, and at last where the last one ends.
        rows: which of the clips could be read.
        means: (N, …) the mean frame of each, made small.
    """

    frames: Array
    offsets: Integers
    rows: Integers
    means: npt.NDArray[np.float32]


class Disk:
    """Bytes that frames may still take.

    Args:
        gigabytes: in all.
    """

    def __init__(self, gigabytes: float) -> None:
        self._most = self._left = round(gigabytes * 1e9)

    def take(self, count: int) -> None:
        """Raise InputError where there are not so many left."""
        self._left -= count
        if self._left < 0:
            raise InputError(
                f"the decoded frames take more than {self._most / 1e9:g} GB; give a smaller --size"
                " or --frame-rate, or a larger --most-disk"
            )


def decoded(
    videos: Videos,
    frames_of: FrameFormat,
    bad: BadRows,
    disk: Disk,
    *,
    limits: VideoLimits,
    folder: Path | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> DecodedVideos:
    """The frames of all clips that can be read, decoded into a file in `folder`.

    Raises:
        InputError: a clip that can't be read, where such are not skipped; none that can; more
            frames than the disk may hold.
    """
    lengths, rows, means = [], [], []
    with tempfile.TemporaryFile(dir=folder) as file:
        for row, clip in enumerate(videos.clips):
            where, begin = videos.where(row), file.tell()
            total, count = np.zeros(frames_of.shape), 0
            try:
                for block in read_clip(clip, frames_of, limits, where):
                    disk.take(block.nbytes)
                    file.write(np.ascontiguousarray(block).data)
                    total += block.sum(0, dtype=np.float64)
                    count += len(block)
                if not count:
                    raise InputError(f"{where}: no frames; give a clip with some, or leave it out")
            except InputError as error:
                if str(error).startswith("the decoded frames"):
                    raise
                bad.add(where, str(error).removeprefix(f"{where}: "))
                file.seek(begin)
                file.truncate()
                continue
            rows.append(row)
            lengths.append(count)
            means.append(_small(total / count))
            if len(rows) % _EVERY == 0:
                progress(f"decoding: {len(rows):,} of {len(videos):,} clips")
        if not rows:
            raise InputError(f"{videos.where(0)}: no clip of this part could be read; give some")
        file.flush()
        frames: Any = np.memmap(file, np.uint8, "r", shape=(sum(lengths), *frames_of.shape))
    return DecodedVideos(frames, offsets_of(lengths), np.asarray(rows, np.int64), np.stack(means))


def _small(frame: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """A frame (H, W, C) as one row of means over its places, of at most 32 x 32."""
    height, width, _ = frame.shape
    scale = max(height, width) / _MEAN_SIDE
    across = (max(round(height / max(scale, 1)), 1), max(round(width / max(scale, 1)), 1))
    maps = torch.from_numpy(frame).permute(2, 0, 1)[None]
    small = functional.adaptive_avg_pool2d(maps, across).flatten().float() / 255
    found: npt.NDArray[np.float32] = small.numpy()
    return found

"""Videos decoded once into a file that is read through a memory map.

Legend: N clips, S frames of all, H height, W width, C channels.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from elman.data.arrays import Array
from elman.data.origin import Integers
from elman.data.tables.table import BadRows
from elman.data.video.cache import cache_frames
from elman.data.video.clips import VideoLimits
from elman.data.video.frame_format import FrameFormat
from elman.data.video.rows import Videos

_MEAN_SIDE = 32
"""The longer side of a mean frame."""

_AT_ONCE = 1000
"""Frames of a clip that are added up at a time."""


@dataclass(frozen=True, eq=False)
class DecodedVideos:
    """The frames of clips, one after the other, in a file.

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
        self.left = gigabytes * 1e9


def decoded(
    videos: Videos,
    frames_of: FrameFormat,
    bad: BadRows,
    disk: Disk,
    *,
    limits: VideoLimits,
    path: Path | None = None,
    progress: Callable[[str], object] = lambda line: None,
) -> DecodedVideos:
    """The frames of all clips that can be read, decoded into a file.

    It is at `path`, and what a killed process has left there is not decoded again; or it has no
    name and goes with the value.

    Raises:
        InputError: a clip that can't be read, where such are not skipped; none that can; more
            frames than the disk may hold.
    """
    with tempfile.TemporaryDirectory() if path is None else nullcontext() as place:
        file = Path(place or "", "frames.npy") if path is None else path
        found = cache_frames(videos, frames_of, file, bad, limits, disk.left, progress)
    disk.left -= found.frames.nbytes
    means = [
        _small(_mean(found.frames, int(begin), int(end))) for begin, end in pairwise(found.offsets)
    ]
    return DecodedVideos(found.frames, found.offsets, found.rows, np.stack(means))


def _mean(frames: Array, begin: int, end: int) -> npt.NDArray[np.float64]:
    """(H, W, C) the mean of the frames of a clip, some at a time."""
    total = np.zeros(frames.shape[1:])
    for first in range(begin, end, _AT_ONCE):
        total += frames[first : min(first + _AT_ONCE, end)].sum(0, dtype=np.float64)
    return total / (end - begin)


def _small(frame: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """A frame (H, W, C) as one row of means over its places, of at most 32 x 32."""
    height, width, _ = frame.shape
    scale = max(height, width) / _MEAN_SIDE
    across = (max(round(height / max(scale, 1)), 1), max(round(width / max(scale, 1)), 1))
    maps = torch.from_numpy(frame).permute(2, 0, 1)[None]
    small = functional.adaptive_avg_pool2d(maps, across).flatten().float() / 255
    found: npt.NDArray[np.float32] = small.numpy()
    return found

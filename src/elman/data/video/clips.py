"""Videos as values: a stretch of a file, a folder of images, or frames in memory; their bounds.

Legend: T frames, h, w of a source frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np


@dataclass(frozen=True)
class Clip:
    """A stretch of a video file or of a folder of images, in seconds from its beginning.

    Attributes:
        path: the file, or the folder.
        begin: seconds.
        end: seconds; None for the end of the video.
        fps: images a second of a folder; None for a file, which says it itself.
    """

    path: Path
    begin: float = 0.0
    end: float | None = None
    fps: float | None = None


@dataclass(frozen=True, eq=False)
class FrameArray:
    """A video in memory.

    Attributes:
        frames: (T, h, w) gray or (T, h, w, 3) RGB, uint8.
        fps: frames a second.
    """

    frames: np.ndarray = field(repr=False)
    fps: float


VideoSource: TypeAlias = Clip | FrameArray
"""What a row shows."""


@dataclass(frozen=True)
class VideoInfo:
    """What a file says of its video.

    Attributes:
        seconds: how long it is shown.
        frames: how many it has.
        width: pixels, as shown.
        height: pixels, as shown.
        rate: frames a second, on average.
        rotation: degrees by which a player turns the frames, counterclockwise.
    """

    seconds: float
    frames: int
    width: int
    height: int
    rate: float
    rotation: int


@dataclass(frozen=True)
class VideoLimits:
    """Bounds on a video, checked before memory is taken and while it is decoded.

    Attributes:
        seconds: how long what is read at once may be.
        frames: of a file; a day at 60 a second has half of it.
        pixels: of a frame; one of 8K has 33 million.
        lowest_rate: frames a second, at least.
        highest_rate: frames a second, at most.
    """

    seconds: float = 4 * 3600.0
    frames: int = 10_000_000
    pixels: int = 8192 * 4320
    lowest_rate: float = 0.01
    highest_rate: float = 1000.0

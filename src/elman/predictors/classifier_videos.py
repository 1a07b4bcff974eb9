"""Frames of video as the steps of a classifier.

Legend: T frames, H height, W width, C channels, k 2 with differences, else 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from elman.data.video.differences import with_differences
from elman.data.video.frame_format import FrameFormat
from elman.errors import InputError
from elman.settings import adapter

Frames = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class VideoEncoder:
    """Which frames a classifier reads, and what an item of it holds.

    Attributes:
        format: rate, size and colour of frames.
        differences: an item's channels are a frame's and those of its change; see
            `elman.data.video.differences`.
        clip_seconds: the length that the network was trained on: what segments are found by.

    Raises:
        InputError: no such length.
    """

    format: FrameFormat
    differences: bool = False
    clip_seconds: float = 2.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.clip_seconds) and self.clip_seconds > 0):
            raise InputError(f"clips of {self.clip_seconds:g} s, expected a number above 0")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> VideoEncoder:
        """What `settings` gave; ValueError for anything else."""
        found: VideoEncoder = adapter(VideoEncoder).validate_python(dict(settings))
        return found

    def settings(self) -> dict[str, Any]:
        """All of it, as JSON values."""
        found = asdict(self)
        found["format"]["region"] = list(self.format.region)
        return found

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C k) of an item."""
        height, width, channels = self.format.shape
        return height, width, channels * (2 if self.differences else 1)

    def items(self, frames: Frames, before: Frames | None = None) -> Frames:
        """(T, H, W, C k) of frames (T, H, W, C), the first of which comes after `before`."""
        return with_differences(frames, before) if self.differences else frames

    def stream(self) -> ItemStream:
        """The same for frames that come in blocks."""
        return ItemStream(self)


@final
class ItemStream:
    """Frames (T, H, W, C) in, in blocks of any length; out come items (T, H, W, C k).

    Attributes:
        before: the last frame (H, W, C) of the block before, where items hold differences.
    """

    def __init__(self, encoder: VideoEncoder) -> None:
        self._encoder = encoder
        self.before: Frames | None = None

    def push(self, frames: Frames) -> Frames:
        items = self._encoder.items(frames, self.before)
        if self._encoder.differences and len(frames):
            self.before = frames[-1].copy()
        return items

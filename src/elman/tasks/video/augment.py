"""Training clips, varied by chance: all frames of a clip alike, so that its motion stays one.

Legend: T frames, B batch, H height, W width, C channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from elman.data.labeled.encoded import Encoded, LabeledBatch
from elman.data.origin import Integers
from elman.data.video.differences import with_differences

Frames = npt.NDArray[np.uint8]

_LEVELS = np.arange(256, dtype=np.float32)


@dataclass(frozen=True)
class Augmentation:
    """How far a clip is varied.

    Attributes:
        crop: the most that it is moved, and made larger or smaller, as a share of H and W; what
            lies beyond its edge repeats the edge.
        speed: the most that it is played faster or slower, as a share.
        brightness: the most that its levels are scaled, as a share, and half of it of 255 that is
            added.
        mirror: half of the clips are mirrored.
        reverse: half of the clips are played backwards.
    """

    crop: float = 0.0
    speed: float = 0.0
    brightness: float = 0.0
    mirror: bool = False
    reverse: bool = False

    def frames(
        self, clip: npt.NDArray[Any], generator: np.random.Generator, most: int | None = None
    ) -> Frames:
        """(T', H, W, C) of a clip (T, H, W, C), in its memory or in a file; at most `most`."""
        draws = generator.uniform(-1, 1, 6)
        coins = generator.random(2) < 0.5
        rate = math.exp(draws[0] * math.log1p(self.speed))
        count = max(round(len(clip) / rate), 1)
        count = count if most is None else min(count, most)
        times = np.minimum((np.arange(count) * rate).astype(np.int64), len(clip) - 1)
        if self.reverse and coins[0]:
            times = times[::-1]
        if len(clip):
            clip = clip[times]
        zoom = math.exp(draws[1] * math.log1p(self.crop))
        rows = _places(clip.shape[1], zoom, draws[2] * self.crop)
        columns = _places(clip.shape[2], zoom, draws[3] * self.crop)
        if self.mirror and coins[1]:
            columns = columns[::-1]
        if self.crop or (self.mirror and coins[1]):
            clip = clip[:, rows[:, None], columns]
        if self.brightness:
            gain, lift = math.exp(draws[4] * math.log1p(self.brightness)), draws[5] / 2
            levels = _LEVELS * gain + 255 * self.brightness * lift
            clip = levels.clip(0, 255).round().astype(np.uint8)[clip]
        return np.ascontiguousarray(clip, np.uint8)


def _places(size: int, zoom: float, shift: float) -> npt.NDArray[np.int64]:
    """Where the pixels of one axis are read."""
    middle = (size - 1) / 2
    places = middle + (np.arange(size) - middle) / zoom + shift * size
    return places.round().clip(0, size - 1).astype(np.int64)


def varied(
    rows: Encoded,
    chosen: Integers,
    generator: np.random.Generator,
    augmentation: Augmentation,
    most: int,
) -> LabeledBatch:
    """Some rows of video as a padded batch, each varied by itself; at most `most` frames a row."""
    clips = [
        augmentation.frames(rows.steps[rows.offsets[row] : rows.offsets[row + 1]], generator, most)
        for row in chosen
    ]
    lengths = np.array([len(clip) for clip in clips], np.int64)
    shape = (max(int(lengths.max(initial=0)), 1), len(clips), *rows.steps.shape[1:])
    frames = np.zeros(shape, np.uint8)
    for column, clip in enumerate(clips):
        frames[: len(clip), column] = clip
    if rows.differences:
        frames = with_differences(frames, None)
    assert rows.labels is not None
    return LabeledBatch(
        torch.from_numpy(frames),
        torch.from_numpy(lengths),
        torch.from_numpy(rows.labels[chosen]),
        rows.kind,
    )

"""What moves in a frame: its difference from the one before, as channels beside its own.

One function for training and for streams, so that both see the same to the bit.

Legend: T frames, H height, W width, C channels.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Frame: TypeAlias = npt.NDArray[np.uint8]

STILL = 128
"""What a pixel that does not change is, so that a difference is a byte too."""


def with_differences(frames: Frame, before: Frame | None) -> Frame:
    """(T, H, W, 2 C): frames (T, H, W, C), and 128 + half of their change, rounded down.

    `before` is the frame (H, W, C) before the first; None where there is none, so that nothing has
    changed.
    """
    if not len(frames):
        return np.concatenate([frames, frames], axis=-1)
    first = frames[:1] if before is None else before[None]
    earlier = np.concatenate([first, frames[:-1]])
    change = (frames.astype(np.int16) - earlier) >> 1
    return np.concatenate([frames, (change + STILL).astype(np.uint8)], axis=-1)

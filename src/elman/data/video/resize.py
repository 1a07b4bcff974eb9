"""From a source frame to one of the model: the region, gray or RGB, the size.

Legend: h, w a source frame; H, W, C one of the model.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from elman.data.video.frame_format import FrameFormat

Frame: TypeAlias = npt.NDArray[np.uint8]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in gray (ITU-R BT.601)."""


def fitted(frame: Frame, wanted: FrameFormat) -> Frame:
    """(H, W, C) of a frame (h, w) or (h, w, 3).

    Sizes are changed with a triangle filter as wide as a pixel of the smaller of both: where a
    frame shrinks every source pixel counts, where it grows it is bilinear interpolation between the
    centers of pixels. Gray is 0.299 R + 0.587 G + 0.114 B.
    """
    frame = _region(frame, wanted)
    if frame.ndim == 3 and frame.shape[2] == 1:
        frame = frame[:, :, 0]
    if frame.ndim == 3 and not wanted.colour:
        values = frame.astype(np.float32) @ _LUMA
    elif frame.shape[:2] == (wanted.height, wanted.width):
        plain = frame if frame.ndim == 3 else frame[:, :, None]
        return np.ascontiguousarray(np.broadcast_to(plain, wanted.shape))
    else:
        values = frame.astype(np.float32)
    height, width = values.shape[:2]
    if values.ndim == 2:
        values = _weights(height, wanted.height) @ values @ _weights(width, wanted.width).T
        values = values[:, :, None]
    else:
        values = np.moveaxis(values, 2, 0)
        values = _weights(height, wanted.height) @ values @ _weights(width, wanted.width).T
        values = np.moveaxis(values, 0, 2)
    rounded = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(rounded, wanted.shape))


def _region(frame: Frame, wanted: FrameFormat) -> Frame:
    """The part of a frame that is read, of a pixel at least."""
    left, top, width, height = wanted.region
    rows, columns = frame.shape[:2]
    first = min(round(top * rows), rows - 1), min(round(left * columns), columns - 1)
    last = round((top + height) * rows), round((left + width) * columns)
    return frame[first[0] : max(last[0], first[0] + 1), first[1] : max(last[1], first[1] + 1)]


@lru_cache(maxsize=16)
def _weights(source: int, size: int) -> npt.NDArray[np.float32]:
    """(size, source) what each source pixel of a line gives to each new one."""
    if source == size:
        return np.eye(size, dtype=np.float32)
    scale = source / size
    centers = (np.arange(size)[:, None] + 0.5) * scale
    distance = np.abs(np.arange(source) + 0.5 - centers)
    raw = np.maximum(1 - distance / max(scale, 1.0), 0)
    weights: npt.NDArray[np.float32] = (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)
    weights.setflags(write=False)
    return weights

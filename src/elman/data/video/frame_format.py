"""The frames that a model reads: how many a second, how large, gray or in colour."""

from __future__ import annotations

import math
from dataclasses import dataclass

from elman.errors import InputError

WHOLE = (0.0, 0.0, 1.0, 1.0)
"""The region of a frame that is all of it."""

HIGHEST_RATE = 1000.0
"""Frames a second that a model may read."""

MOST_SIDE = 1024
"""Pixels of the longer side of a frame that a model may read; clips of more do not fit a disk."""


@dataclass(frozen=True)
class FrameFormat:
    """The frames of a model, uint8 (H, W, C) each.

    Attributes:
        rate: frames a second.
        height: H, in pixels.
        width: W, in pixels.
        colour: RGB (C = 3), else gray (C = 1).
        region: left, top, width and height of the part of a source frame that is read, in shares of
            its width and height.

    Raises:
        InputError: a rate, a size or a region that no frame can have.
    """

    rate: float
    height: int
    width: int
    colour: bool = False
    region: tuple[float, float, float, float] = WHOLE

    def __post_init__(self) -> None:
        if not (math.isfinite(self.rate) and 0 < self.rate <= HIGHEST_RATE):
            raise InputError(
                f"a frame rate of {self.rate:g}, expected frames a second above 0 and up to"
                f" {HIGHEST_RATE:,.0f}; give --frame-rate 10, say"
            )
        if not (0 < self.height <= MOST_SIDE and 0 < self.width <= MOST_SIDE):
            raise InputError(
                f"a frame size of {self.height}x{self.width}, expected 1 to {MOST_SIDE} pixels a"
                " side; give --size 64, say"
            )
        left, top, width, height = self.region
        inside = left >= 0 and top >= 0 and left + width <= 1 + 1e-9 and top + height <= 1 + 1e-9
        if not (inside and width > 0 and height > 0):
            raise InputError(
                f"a region of {left:g},{top:g},{width:g},{height:g}, expected the left, the top,"
                " the width and the height of a part of the frame, in shares of it; give"
                " 0.25,0,0.5,1 for the middle half"
            )

    @property
    def channels(self) -> int:
        """C: 3 in colour, 1 gray."""
        return 3 if self.colour else 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of a frame."""
        return self.height, self.width, self.channels

    @property
    def size(self) -> int:
        """Bytes of a frame."""
        return self.height * self.width * self.channels

"""What a network that hears was given, and what it makes of it, over time.

Legend: T frames, F bins, S steps, K outputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Said:
    """A piece of text and the step at which it came out."""

    step: int
    text: str


@dataclass(frozen=True, eq=False)
class Heard:
    """A recording as a network sees it.

    Attributes:
        frames: (T, F) as the front end gives them, before they are normalized.
        stride: frames from one step to the next.
        frame_seconds: from one frame to the next; None where that is not known.
        hertz: (F,) the middle of each bin; None for features computed elsewhere.
        outputs: (S, K) the probability of each output after each step; (1, K) of a network that
            answers at the end only.
        names: (K,) what the outputs stand for; None for the blank.
        said: what came out, piece by piece; nothing where labels are given.
        result: the whole text, or the label.
    """

    frames: Floats
    stride: int
    frame_seconds: float | None
    hertz: Floats | None
    outputs: Floats
    names: tuple[str | None, ...]
    said: tuple[Said, ...]
    result: str

    @property
    def step_seconds(self) -> float | None:
        """Seconds from one step to the next, where that is known."""
        return None if self.frame_seconds is None else self.stride * self.frame_seconds

    @property
    def levels(self) -> Floats:
        """(S,) the mean of the frames from each step to the next, scaled to 0 … 1."""
        starts = range(0, len(self.frames), self.stride)
        means = np.array([self.frames[at : at + self.stride].mean() for at in starts], np.float32)
        low, high = float(means.min(initial=np.inf)), float(means.max(initial=-np.inf))
        return (means - np.float32(low)) / np.float32(max(high - low, 1e-6))

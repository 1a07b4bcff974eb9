"""Which frames of a source a model reads: one rule for files, arrays and streams.

Frame k of the model is the last source frame that is shown k / rate seconds after the first one. A
source that is faster loses frames, a slower one repeats them, and of variable rate each counts for
as long as it is shown.

Legend: h, w a source frame; H, W, C one of the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from elman.data.video.frame_format import FrameFormat
from elman.data.video.resize import Frame, fitted
from elman.errors import InputError

LONGEST_GAP = 3600.0
"""Seconds for which one frame may be shown: times in a damaged file jump by years."""

_SLACK = 0.1
"""Share of a frame of the model by which a source frame may be late: containers round their times,
WebM to milliseconds."""

Source: TypeAlias = Frame | Callable[[], Frame]
"""A frame (h, w) or (h, w, 3), or what makes one: a frame that is not read is not converted."""


@dataclass(frozen=True, eq=False)
class SamplerState:
    """What a sampler knows of the frames before.

    Attributes:
        frame: (H, W, C) the frame that is shown, fitted; None before the first.
        first: the second of the first frame.
        last: that of the frame that is shown.
        shown: seconds for which the frame before it was shown; 0 where there was none.
        count: frames that were given out.
        source: (h, w) of source frames; (0, 0) before the first.
    """

    frame: Frame | None = None
    first: float = 0.0
    last: float = 0.0
    shown: float = 0.0
    count: int = 0
    source: tuple[int, int] = (0, 0)


class FrameSampler:
    """Chooses frames as they come and fits them to the model.

    Args:
        wanted: the frames of the model.
        where: what errors call the source.
        state: of a sampler that is to be continued.
    """

    def __init__(
        self,
        wanted: FrameFormat,
        where: str = "video",
        state: SamplerState = SamplerState(),
    ) -> None:
        self.format, self.where = wanted, where
        self._state = state
        self._held: Source | None = None  # the frame that is shown, where it isn't fitted yet

    def push(
        self, frame: Source, seconds: float, size: tuple[int, int] | None = None
    ) -> list[Frame]:
        """Frames (H, W, C) that are known now that the next source frame begins at `seconds`.

        `size` is its (h, w), where `frame` is what makes it. A frame that is not later than the one
        before takes its place.

        Raises:
            InputError: another size than the frames before, a time that is no number, or one that
                is hours later.
        """
        state = self._state
        if not math.isfinite(seconds):
            raise InputError(f"{self.where}: a frame at {seconds} s, expected a number; correct it")
        if isinstance(frame, np.ndarray):
            _check(frame, self.where)
            size = frame.shape[0], frame.shape[1]
        size = size or state.source
        if not state.source[0]:
            self._state = SamplerState(None, seconds, seconds, 0.0, 0, size)
            self._held = frame
            return []
        if size != state.source:
            raise InputError(
                f"{self.where}: its frames change from {_named(state.source)} to {_named(size)}"
                " pixels; give one size (ffmpeg -i IN -vf scale=WIDTH:HEIGHT OUT.mp4), or cut it"
                " there"
            )
        passed = max(seconds - state.last, 0.0)
        found = self._until(state.last + passed)
        state = self._state
        shown = passed or state.shown
        self._state = SamplerState(
            None, state.first, state.last + passed, shown, state.count, state.source
        )
        self._held = frame
        return found

    def flush(self, end: float | None = None) -> list[Frame]:
        """The frames that are left, where the last source frame is shown until the second `end`.

        By default for as long as the one before it, and where there is no such, for one frame.
        """
        state = self._state
        if not state.source[0]:
            return []
        shown = state.shown if end is None else end - state.last
        due = state.last + shown
        if not state.count and due <= state.first:
            due = state.first + 1 / self.format.rate
        return self._until(due)

    @property
    def state(self) -> SamplerState:
        """What another sampler continues from."""
        if self._held is not None:
            state = self._state
            self._state = SamplerState(
                self._fit(), state.first, state.last, state.shown, state.count, state.source
            )
        return self._state

    def _until(self, seconds: float) -> list[Frame]:
        """The frames of the model for which the frame that is shown stands until `seconds`."""
        state, rate = self._state, self.format.rate
        if seconds - state.last > LONGEST_GAP:
            raise InputError(
                f"{self.where}: {seconds - state.last:,.0f} s between two frames, above the bound"
                f" of {LONGEST_GAP:,.0f}; its times are damaged: get it again"
            )
        due = math.ceil((seconds - state.first) * rate - _SLACK)
        repeats = max(due - state.count, 0)
        if not repeats:
            return []
        frame = self._fit()
        self._state = SamplerState(
            frame, state.first, state.last, state.shown, state.count + repeats, state.source
        )
        return [frame] * repeats

    def _fit(self) -> Frame:
        """(H, W, C) the frame that is shown."""
        if self._held is None:
            assert self._state.frame is not None
            return self._state.frame
        frame = self._held if isinstance(self._held, np.ndarray) else self._held()
        self._held = None
        return fitted(frame, self.format)


def _check(frame: Frame, where: str) -> None:
    good = frame.ndim == 2 or (frame.ndim == 3 and frame.shape[2] in (1, 3))
    if frame.dtype != np.uint8 or not good or not frame.size:
        raise InputError(
            f"{where}: a frame of {frame.dtype} and shape {frame.shape}, expected uint8 (height,"
            " width) or (height, width, 3); give whole numbers from 0 to 255"
        )


def _named(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"

"""Live video of a classifier: frames in as they come, items of the network out.

Legend: T frames, H, W, C of a frame, k 2 with differences, else 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self, final

import torch
from torch import Tensor

from elman.errors import InputError
from elman.predictors.classifier_streaming import ClassifierStreaming
from elman.predictors.classifier_videos import Frames, VideoEncoder
from elman.predictors.frame_input import HINT, FrameInput, RawFrames
from elman.predictors.live_session import Steps, below
from elman.predictors.segments import Place


@final
class VideoSteps:
    """Raw frames, pieces of a video file or arrays, as the items of a classifier.

    Args:
        videos: what makes items of frames.
        options: how frames come.
        where: what the stream is called in an error.
    """

    hint = HINT

    def __init__(
        self, videos: VideoEncoder, options: ClassifierStreaming, where: str = "standard input"
    ) -> None:
        raw = None
        if options.raw is not None:
            raw = RawFrames.of(options.raw, options.pixels)
        elif options.pixels is not None:
            raise InputError("--pixels: of bare pixels; add --raw WIDTHxHEIGHT, or leave it out")
        self._videos, self._options, self._where = videos, options, where
        self._input = FrameInput(videos.format, raw, options.fps, where)
        self.reset()

    @property
    def step_seconds(self) -> float:
        return 1 / self._videos.format.rate

    def reset(self) -> None:
        self._input.reset()
        self._items = self._videos.stream()
        self._given = 0

    def another(self) -> Self:
        return type(self)(self._videos, self._options, self._where)

    def read(self, chunk: Any) -> Iterator[Steps]:
        return map(self._steps, self._input.read(chunk))

    def end(self) -> Iterator[Steps]:
        return map(self._steps, self._input.end())

    @property
    def state(self) -> Place:
        held, place = self._input.state
        tensors = {f"frames/{name}": each for name, each in held.items()}
        if self._items.before is not None:
            tensors["before"] = torch.from_numpy(self._items.before.copy())
        return tensors, {"frames": place, "given": self._given}

    @state.setter
    def state(self, place: tuple[Mapping[str, Tensor], Mapping[str, Any]]) -> None:
        tensors, values = place
        before, given = tensors.get("before"), int(values["given"])
        shape = self._videos.format.shape
        if before is not None and (before.shape != shape or before.dtype != torch.uint8):
            raise ValueError(f"a frame of {before.dtype} and shape {tuple(before.shape)}")
        if given < 0 or (before is not None) != (self._videos.differences and given > 0):
            raise ValueError(f"{given} frames: no place in a stream")
        self._input.state = (below("frames/", tensors), values["frames"])
        self._items.before = None if before is None else before.numpy().copy()
        self._given = given

    def _steps(self, frames: Frames) -> Steps:
        rate, before = self._videos.format.rate, self._given
        self._given += len(frames)
        ends = [place / rate for place in range(before + 1, self._given + 1)]
        return Steps(torch.from_numpy(self._items.push(frames)), ends)

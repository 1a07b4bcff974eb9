"""Live sound of a classifier: samples in as they come, windows of frames out.

Legend: T frames, S steps, W frames of a step, F bins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self, final

import numpy as np
import torch
from torch import Tensor

from elman.data.labeled.encoded import windows
from elman.data.labeled.rows import Floats
from elman.errors import InputError
from elman.predictors.audio_input import HINT, AudioInput
from elman.predictors.classifier_sounds import SoundEncoder
from elman.predictors.live_session import Steps, below
from elman.predictors.segments import Place


@final
class SoundSteps:
    """Bytes of 16-bit PCM or of a WAV, or arrays of samples, as the steps of a classifier.

    Args:
        sounds: what makes frames of samples.
        source_rate: samples a second of what comes without its rate; None for the model's own.

    Raises:
        InputError: an encoder of features computed elsewhere.
    """

    hint = HINT

    def __init__(self, sounds: SoundEncoder, source_rate: int | None) -> None:
        bank = sounds.front_end.bank
        if bank is None:
            raise InputError(
                "this classifier was trained on features computed elsewhere, which no sound can be"
                " turned into here; train it on audio to stream"
            )
        self._sounds, self._source_rate = sounds, source_rate
        self._shift = bank.shift / bank.rate
        self._overlap = (bank.length - bank.shift) / bank.rate
        self._input = AudioInput(bank.rate, source_rate)
        self.reset()

    @property
    def step_seconds(self) -> float:
        return self._shift * self._sounds.window

    def reset(self) -> None:
        self._input.reset()
        self._frames = self._sounds.front_end.stream()
        self._held = np.zeros((0, self._sounds.front_end.bins), np.float32)
        self._given = 0

    def another(self) -> Self:
        return type(self)(self._sounds, self._source_rate)

    def read(self, chunk: Any) -> Iterator[Steps]:
        for samples in self._input.read(chunk):
            yield from self._cut(self._frames.push(samples), last=False)

    def end(self) -> Iterator[Steps]:
        fault = None
        try:
            for samples in self._input.end():
                yield from self._cut(self._frames.push(samples), last=False)
        except InputError as error:
            fault = error  # what was heard before it is answered first
        yield from self._cut(self._frames.flush(), last=True)
        if fault is not None:
            raise fault

    @property
    def state(self) -> Place:
        heard, place = self._input.state
        tensors = {"held": torch.from_numpy(self._held.copy())}
        tensors |= {f"samples/{name}": each for name, each in heard.items()}
        tensors |= {f"frames/{name}": each for name, each in self._frames.state.items()}
        return tensors, {"samples": place, "given": self._given}

    @state.setter
    def state(self, place: tuple[Mapping[str, Tensor], Mapping[str, Any]]) -> None:
        tensors, values = place
        held, given = tensors["held"].numpy(), int(values["given"])
        bins, most = self._sounds.front_end.bins, self._sounds.window - 1
        if held.ndim != 2 or held.shape[1] != bins or len(held) > most or given < 0:
            raise ValueError(f"frames of shape {held.shape} held back after {given} steps")
        if held.dtype != np.float32 or not np.isfinite(held).all():
            raise ValueError("frames that are not finite")
        self._frames.state = below("frames/", tensors)
        self._input.state = (below("samples/", tensors), values["samples"])
        self._held, self._given = held.copy(), given

    def _cut(self, frames: Floats, *, last: bool) -> Iterator[Steps]:
        """The steps that frames (T, F) complete; with `last`, of all that is held back too."""
        if not (last or len(frames)):
            return
        width = self._sounds.window
        held = np.concatenate([self._held, frames])
        ready = len(held) if last else len(held) // width * width
        items = torch.from_numpy(windows(held[:ready], width))
        self._held = held[ready:]
        before, self._given = self._given, self._given + len(items)
        if len(items):
            read = np.minimum(np.arange(1, len(items) + 1) * width, ready)
            yield Steps(items, ((before * width + read) * self._shift + self._overlap).tolist())

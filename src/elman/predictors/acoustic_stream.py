"""Samples in, the log-probabilities of an acoustic model out, step by step.

Legend: N samples, T frames, S network steps, F bins, W frames of a window, K outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias, final

import numpy as np
import torch
from torch import Tensor

from elman.data.labeled.rows import Floats
from elman.layers.state import State
from elman.models.acoustic import AcousticModel
from elman.predictors.front_end import FrontEnd
from elman.streaming.stream import Stream

Place: TypeAlias = tuple[State, dict[str, Tensor]]

_STEPS_AT_ONCE = 256


@final
class AcousticStream:
    """A front end and a network of one direction, in constant memory.

    However the samples are cut, the log-probabilities of all pushes and the last flush together are
    those of the whole recording: to the bit up to the network, and within the rounding of its
    matrix products behind it.
    """

    def __init__(self, model: AcousticModel, front_end: FrontEnd) -> None:
        self._model, self._front_end = model, front_end
        self._stream = Stream(model)
        self._frames = front_end.stream()
        self._held = np.zeros((0, front_end.bins), np.float32)

    def reset(self) -> None:
        self._stream.reset()
        self._frames = self._front_end.stream()
        self._held = self._held[:0]

    def push(self, samples: Floats) -> Iterator[Floats]:
        """Log-probabilities (S, K) of the windows that samples (N,) complete, if any."""
        return self._read(self._frames.push(samples), last=False)

    def flush(self) -> Iterator[Floats]:
        """Those of the windows that are left, filled up with zeros as in `AcousticModel`."""
        yield from self._read(self._frames.flush(), last=True)
        self.reset()

    @property
    def state(self) -> Place:
        """The state of the network, and the samples and frames of unfinished windows.

        Raises:
            InputError, KeyError, TypeError, ValueError: when set to what does not fit this model.
        """
        frames = {f"front_end.{name}": tensor for name, tensor in self._frames.state.items()}
        return self._stream.state, {**frames, "frames": torch.from_numpy(self._held.copy())}

    @state.setter
    def state(self, place: tuple[State, Mapping[str, Tensor]]) -> None:
        layers, tensors = place
        held = tensors["frames"].numpy().copy()
        longest = self._model.window.width
        if held.dtype != np.float32 or held.shape[1:] != (self._front_end.bins,):
            raise ValueError(f"frames of {held.dtype} and shape {held.shape}")
        if len(held) >= longest:
            raise ValueError(f"{len(held)} frames of a window of {longest} are held back")
        if not np.isfinite(held).all():
            raise ValueError("frames that are not finite")
        frames = self._front_end.stream()
        frames.state = {
            name.removeprefix("front_end."): tensor
            for name, tensor in tensors.items()
            if name.startswith("front_end.")
        }
        self._stream.state = layers
        self._frames, self._held = frames, held

    def _read(self, frames: Floats, *, last: bool) -> Iterator[Floats]:
        if not (last or len(frames)):
            return
        window = self._model.window
        held = np.concatenate((self._held, frames))
        if last:
            steps = window.steps(len(held))
            missing = max(0, (steps - 1) * window.stride + window.width - len(held))
            held = np.concatenate((held, np.zeros((missing, held.shape[1]), np.float32)))
        else:
            steps = max(0, (len(held) - window.width) // window.stride + 1)
        if not steps:
            self._held = held
            return
        # A copy, or the rest would keep all of a long chunk.
        self._held = held[steps * window.stride :].copy()
        windows = torch.from_numpy(held).unfold(0, window.width, window.stride)[:steps]
        windows = windows.transpose(1, 2)  # (S, W, F)
        if steps == 1:  # one step needs fewer calls than a scan of one
            yield self._stream.push(windows[0])[None].cpu().numpy()
            return
        for begin in range(0, steps, _STEPS_AT_ONCE):
            yield self._stream.push(windows[begin : begin + _STEPS_AT_ONCE]).cpu().numpy()

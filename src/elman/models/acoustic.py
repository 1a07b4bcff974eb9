"""The acoustic model: windows of frames through recurrent layers to log-probabilities of tokens.

Legend: T frames, S network steps, B batch, F bins, W width of a window, E width of a window that is
encoded, H features, K outputs: the tokens, and the blank as the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast, overload

import torch
from torch import Tensor, nn

from elman.errors import InputError
from elman.layers.lengths import Lengths, as_lengths
from elman.layers.regularize import Dropout, LockedDropout
from elman.layers.state import Active, State, only_active
from elman.models.stacked import StackedLayers

EncoderKind = Literal["stack", "conv"]

_MAPS, _KERNEL, _SKIP = 16, 5, 2
"""Of the convolution: its feature maps, and its size and stride over the bins."""


@dataclass(frozen=True)
class FrameWindow:
    """Which frames a network step reads: step s those of s stride … s stride + width - 1.

    T frames are S = ceil(T / stride) steps. Past the last frame a window reads zeros, the mean of
    normalized frames.

    Raises:
        InputError: sizes below 1, or a stride that skips frames.
    """

    width: int
    stride: int

    def __post_init__(self) -> None:
        if not 1 <= self.stride <= self.width:
            raise InputError(
                f"a window of {self.width} frames with a stride of {self.stride}; expected a stride"
                " of at least 1 and at most the width, so that no frame is skipped"
            )

    @overload
    def steps(self, frames: int) -> int: ...
    @overload
    def steps(self, frames: Tensor) -> Tensor: ...
    def steps(self, frames: int | Tensor) -> int | Tensor:
        """S of T."""
        return (frames + self.stride - 1) // self.stride

    def cut(self, frames: Tensor) -> Tensor:
        """The windows (S, B, W, F) of frames (T, B, F)."""
        steps = self.steps(len(frames))
        missing = max(steps - 1, 0) * self.stride + self.width - len(frames)
        if missing > 0:
            frames = torch.cat([frames, frames.new_zeros(missing, *frames.shape[1:])])
        # unfold puts the frames of a window on the last axis: (S, B, F, W)
        return frames.unfold(0, self.width, self.stride)[:steps].transpose(2, 3)


class Stack(nn.Module):
    """The frames of a window side by side: (…, W, F) -> (…, W F)."""

    def __init__(self, width: int, bins: int) -> None:
        super().__init__()
        self.output_size = width * bins

    def forward(self, windows: Tensor) -> Tensor:
        return windows.flatten(-2)


class WindowConvolution(nn.Module):
    """A convolution over the frames and bins of one window, with no padding: (…, W, F) -> (…, E).

        e = relu(conv(window)),    16 maps, 3 × 5 (fewer where the window is smaller), stride 1 × 2

    It sees no frame outside of its window, so a stream computes the same.
    """

    def __init__(self, width: int, bins: int) -> None:
        super().__init__()
        kernel = min(3, width), min(_KERNEL, bins)
        self.convolution = nn.Conv2d(1, _MAPS, kernel, stride=(1, _SKIP))
        across = (bins - kernel[1]) // _SKIP + 1
        self.output_size = _MAPS * (width - kernel[0] + 1) * across

    def forward(self, windows: Tensor) -> Tensor:
        flat = windows.reshape(-1, 1, *windows.shape[-2:])
        maps = torch.relu(self.convolution(flat))
        return maps.reshape(*windows.shape[:-2], self.output_size)


def window_encoder(kind: EncoderKind, window: FrameWindow, bins: int) -> Stack | WindowConvolution:
    """What a window (W, F) becomes before the recurrent layers; its width is `output_size`."""
    return (WindowConvolution if kind == "conv" else Stack)(window.width, bins)


class AcousticModel(nn.Module):
    """Windows of normalized frames, recurrent layers, and a softmax over tokens and the blank.

        x_s = encoder(frames_{s stride} … frames_{s stride + width - 1})
        h_s = layers(x_s, h_{s-1})
        log p_s = log_softmax(W h_s + b)

    It is trained with connectionist temporal classification (Graves 2006), whose blank is the last
    output, K - 1; the other outputs are token ids.

    Args:
        window: which frames a step reads.
        encoder: windows (S, B, W, F) to (S, B, E).
        layers: recurrent layers from E to H, each reading the outputs of the one before.
        features: H, the width that leaves the last layer, both directions together.
        outputs: K.
        input_dropout: on what enters the first layer.
        hidden_dropout: between layers.
        output_dropout: on what the read-out reads.
        locked_dropout: they draw one mask an utterance and keep it over time (Gal 2016).
    """

    item_axes = 2
    """An item of one stream is a window, (W, F)."""

    def __init__(
        self,
        window: FrameWindow,
        encoder: nn.Module,
        layers: Sequence[nn.Module],
        features: int,
        outputs: int,
        *,
        input_dropout: float = 0.0,
        hidden_dropout: float = 0.0,
        output_dropout: float = 0.0,
        locked_dropout: bool = True,
    ) -> None:
        super().__init__()
        self.window = window
        self.encoder = encoder
        self.layers = StackedLayers(layers, hidden_dropout, locked=locked_dropout)
        self.bidirectional = self.layers.bidirectional
        self.readout = nn.Linear(features, outputs)
        dropout = LockedDropout if locked_dropout else Dropout
        self.input_dropout = dropout(input_dropout)
        self.output_dropout = dropout(output_dropout)

    @property
    def blank(self) -> int:
        """The output that stands for no token, K - 1."""
        return self.readout.out_features - 1

    def forward(self, frames: Tensor, lengths: Lengths) -> tuple[Tensor, Tensor]:
        """Log-probabilities (S, B, K) of frames (T, B, F), and how many steps each row has, (B,).

        What stands past a row's length (B,) changes nothing. The log-probabilities are float32.

        Raises:
            TypeError, ValueError: lengths that do not fit the frames.
        """
        rows = as_lengths(lengths, len(frames), frames.shape[1], frames.device)
        past = torch.arange(len(frames), device=rows.device).unsqueeze(1) >= rows
        frames = frames.masked_fill(past.unsqueeze(-1), 0)
        steps = self.window.steps(rows)
        return self.from_windows(self.window.cut(frames), steps), steps

    def from_windows(self, windows: Tensor, steps: Tensor | None = None) -> Tensor:
        """Log-probabilities (S, B, K) of windows (S, B, W, F), `steps` (B,) of each row."""
        found, _ = self._read(windows, None, steps)
        return found

    def initial_state(self, batch_size: int) -> State:
        """The state before the first window."""
        self._require_one_direction()
        return self.layers.initial_state(batch_size)

    def step(
        self, item: Tensor, state: State, *, active: Active | None = None
    ) -> tuple[Tensor, State]:
        """One window of each row (B, W, F): log-probabilities (B, K) and the state after it.

        Rows where the mask `active` (B,) is false keep their state to the bit and get zeros.
        """
        self._require_one_direction()
        if active is not None:
            return only_active(self.step, item, state, active)
        x = self.encoder(item)
        if self.training:
            x = self.input_dropout(x[None])[0]
        x, state = self.layers.step(x, state)
        if self.training:
            x = self.output_dropout(x[None])[0]
        return self._log_probs(x), state

    def scan(
        self, items: Tensor, state: State, *, lengths: Lengths | None = None
    ) -> tuple[Tensor, State]:
        """`step` over windows (S, B, W, F): log-probabilities (S, B, K) and the state after them.

        With `lengths` (B,), 0 to S, outputs are zero past each row's end and the state is that
        after its last window; a row of length 0 keeps its state to the bit.
        """
        self._require_one_direction()
        if lengths is None:
            return self._read(items, state, None)
        rows = as_lengths(lengths, len(items), items.shape[1], items.device)
        found, state = self._read(items, state, rows)
        past = torch.arange(len(items), device=rows.device).unsqueeze(1) >= rows
        return found.masked_fill(past.unsqueeze(-1), 0), state

    def _read(
        self, windows: Tensor, state: State | None, steps: Tensor | None
    ) -> tuple[Tensor, State]:
        x = self.input_dropout(self.encoder(windows))
        x, state = self.layers(x, state, steps)
        return self._log_probs(self.output_dropout(x)), state

    def _log_probs(self, x: Tensor) -> Tensor:
        # Under autocast the read-out is in bfloat16, in which log-probabilities are too coarse.
        return torch.log_softmax(cast("Tensor", self.readout(x)).float(), -1)

    def _require_one_direction(self) -> None:
        if self.bidirectional:
            raise InputError("a bidirectional recognizer has to see the end before it can begin")

"""Recurrent layers whose states are maps: they see where in a frame something moves.

Legend: T time, B batch, H height, W width, C channels that come in, F maps of a state, E width of
an encoded frame; * is a convolution, ∘ the elementwise product.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from elman.errors import InputError
from elman.layers.lengths import Lengths, as_lengths
from elman.layers.recurrent import over_time
from elman.layers.state import Active, State, only_active
from elman.models.frames import FrameShape, convolutions, scaled

_MAP_SIDE = 16
"""The longer side of a state: a frame is halved until it fits."""

_MAPS = 32
_READ_SIDE = 4
"""The maps of a state, and the side of the means over them that a step is read from."""

_STEPS = 64
"""Frames of each row that are prepared at a time."""


class _ConvolutionalCell(nn.Module, ABC):
    """Abstract: the two convolutions of a cell over maps; `step` comes from the cells below.

    Args:
        channels: C.
        maps: F.
        height: H, of what comes in and of the state.
        width: W.
        kernel: the side of the kernels, odd, so that maps keep their size.

    Raises:
        InputError: an even kernel.
    """

    gates: int
    state_names: tuple[str, ...]

    def __init__(
        self, channels: int, maps: int, height: int, width: int, *, kernel: int = 3
    ) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise InputError(f"a kernel of {kernel}; give an odd one, so that maps keep their size")
        self.channels, self.maps, self.height, self.width = channels, maps, height, width
        self.input_convolution = nn.Conv2d(channels, self.gates * maps, kernel, padding="same")
        self.state_convolution = nn.Conv2d(maps, self.gates * maps, kernel, padding="same")
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def initial_state(self, batch_size: int) -> State:
        """Zeros (B, F, H, W)."""
        zeros = self.state_convolution.weight.new_zeros(
            batch_size, self.maps, self.height, self.width
        )
        return State(**dict.fromkeys(self.state_names, zeros))

    def forward(
        self, x: Tensor, state: State | None = None, *, lengths: Lengths | None = None
    ) -> tuple[Tensor, State]:
        """h_1 … h_T (T, B, F, H, W) of x (T, B, C, H, W), and the state after the last step.

        `lengths` (B,), 0 to T, ends rows early: their state is that of their last real step, and
        outputs past it are zero.
        """
        steps, rows = x.shape[:2]
        alive = None
        if lengths is not None:
            known = as_lengths(lengths, steps, rows, x.device)
            alive = torch.arange(steps, device=x.device).unsqueeze(1) < known
        begin = self.initial_state(rows) if state is None else state
        return self.over(x, begin, alive)

    def step(
        self, x_t: Tensor, state: State, *, active: Active | None = None
    ) -> tuple[Tensor, State]:
        """One step: x_t (B, C, H, W) -> h_t (B, F, H, W) and the state after it."""
        if active is not None:
            return only_active(self.step, x_t, state, active)
        return self.turn(self.input_convolution(x_t), state)

    def over(self, x: Tensor, state: State, alive: Tensor | None) -> tuple[Tensor, State]:
        """`forward` from `state`, with the mask (T, B) of the steps that are real."""
        if alive is not None:
            # A NaN in the padding must not come back through 0 * NaN.
            x = x.masked_fill(~alive[..., None, None, None], 0)
        # What comes in is convolved for all steps at once; only the states wait for one another.
        gates = self.input_convolution(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return over_time(_Turns(self), gates, state, alive, range(len(x)))

    @abstractmethod
    def turn(self, gates: Tensor, state: State) -> tuple[Tensor, State]:
        """h_t and the state after it, given W_x * x_t + b for each gate, (B, G F, H, W)."""


class _Turns(nn.Module):
    """A cell whose inputs have been convolved already."""

    def __init__(self, cell: _ConvolutionalCell) -> None:
        super().__init__()
        self._turn = cell.turn
        self.initial_state = cell.initial_state

    def step(self, x_t: Tensor, state: State) -> tuple[Tensor, State]:
        return self._turn(x_t, state)


class ConvLSTM(_ConvolutionalCell):
    """The LSTM whose products are convolutions.

        i, f, o = sigmoid(W_x * x_t + W_h * h_{t-1} + b)    each with weights of its own
        g = tanh(W_x * x_t + W_h * h_{t-1} + b)
        c_t = f ∘ c_{t-1} + i ∘ g
        h_t = o ∘ tanh(c_t)

    Gates lie in the order i, f, g, o. The forget gate begins with a bias of 1.

    Source: Shi et al. 2015, arXiv:1506.04214, eq. 3, without its peepholes (W_c ∘ c).
    """

    gates, state_names = 4, ("h", "c")

    def __init__(
        self, channels: int, maps: int, height: int, width: int, *, kernel: int = 3
    ) -> None:
        super().__init__(channels, maps, height, width, kernel=kernel)
        bias = cast("Tensor", self.input_convolution.bias)
        with torch.no_grad():
            bias[maps : 2 * maps] = 1

    def turn(self, gates: Tensor, state: State) -> tuple[Tensor, State]:
        i, f, g, o = (gates + self.state_convolution(state["h"])).chunk(4, 1)
        c = f.sigmoid() * state["c"] + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        return h, State(h=h, c=c)


class ConvGRU(_ConvolutionalCell):
    """The gated recurrent unit whose products are convolutions.

        r, z = sigmoid(W_x * x_t + W_h * h_{t-1} + b)       each with weights of its own
        n = tanh(W_x * x_t + b + r ∘ (W_h * h_{t-1} + b'))
        h_t = (1 - z) ∘ n + z ∘ h_{t-1}

    Gates lie in the order r, z, n, and r comes after the convolution, as in `elman.GRU`.

    Source: Shi et al. 2017, arXiv:1706.03458, eq. 1 (Ballas et al. 2016, arXiv:1511.06432, reset
    before it).
    """

    gates, state_names = 3, ("h",)

    def turn(self, gates: Tensor, state: State) -> tuple[Tensor, State]:
        h = state["h"]
        r_x, z_x, n_x = gates.chunk(3, 1)
        r_h, z_h, n_h = self.state_convolution(h).chunk(3, 1)
        n = (n_x + (r_x + r_h).sigmoid() * n_h).tanh()
        new = torch.lerp(n, h, (z_x + z_h).sigmoid())
        return new, State(h=new)


class FrameRecurrence(nn.Module):
    """Frames through a recurrence over maps, as the first of stacked layers.

        x_t = convolutions(frame_t)                  to at most 16 x 16
        h_t = cell(x_t, h_{t-1})
        y_t = W means(h_t) + b                       means over at most 4 x 4 places

    Its interface is that of a recurrent layer, but that it reads frames (T, B, H, W, C) of 0 to
    255, such as uint8. They are prepared a part at a time, so that without gradients a sequence of
    any length takes the memory of a part.

    Args:
        cell: ConvLSTM or ConvGRU.
        shape: H, W and C.
        output_size: E.
        maps: F.
    """

    bidirectional = False

    def __init__(
        self,
        cell: type[ConvLSTM | ConvGRU],
        shape: FrameShape,
        output_size: int,
        *,
        maps: int = _MAPS,
    ) -> None:
        super().__init__()
        self.shape, self.output_size = shape, output_size
        self.convolutions, small = convolutions(shape, maps // 2, _MAP_SIDE)
        self.cell = cell(small.channels, maps, small.height, small.width)
        self._sides = min(small.height, _READ_SIDE), min(small.width, _READ_SIDE)
        self.linear = nn.Linear(maps * self._sides[0] * self._sides[1], output_size)

    def initial_state(self, batch_size: int) -> State:
        """The cell's."""
        return self.cell.initial_state(batch_size)

    def step(
        self, x: Tensor, state: State, *, active: Active | None = None
    ) -> tuple[Tensor, State]:
        """One frame of each row (B, H, W, C): y_t (B, E) and the state after it."""
        if active is not None:
            return only_active(self.step, x, state, active)
        h, state = self.cell.step(self.convolutions(scaled(x, self.linear.weight.dtype)), state)
        return self._read(h), state

    def forward(
        self, x: Tensor, state: State | None = None, *, lengths: Lengths | None = None
    ) -> tuple[Tensor, State]:
        """y_1 … y_T (T, B, E) of frames (T, B, H, W, C), and the state after the last step.

        `lengths` (B,) are as those of `ConvLSTM`.
        """
        steps, rows = x.shape[:2]
        after = self.initial_state(rows) if state is None else state
        alive = None
        if lengths is not None:
            known = as_lengths(lengths, steps, rows, x.device)
            alive = torch.arange(steps, device=x.device).unsqueeze(1) < known
        outputs = []
        for part, there in _parts(x, alive):
            flat = scaled(part.flatten(0, 1), self.linear.weight.dtype)
            maps = self.convolutions(flat).unflatten(0, part.shape[:2])
            h, after = self.cell.over(maps, after, there)
            y = self._read(h.flatten(0, 1)).reshape(*part.shape[:2], -1)
            outputs.append(y if there is None else y.masked_fill(~there.unsqueeze(-1), 0))
        return torch.cat(outputs), after

    def _read(self, h: Tensor) -> Tensor:
        means = functional.adaptive_avg_pool2d(h, self._sides)
        return cast("Tensor", self.linear(means.flatten(1)))


def _parts(x: Tensor, alive: Tensor | None) -> Iterator[tuple[Tensor, Tensor | None]]:
    masks = [None] * -(-len(x) // _STEPS) if alive is None else torch.split(alive, _STEPS)
    return zip(torch.split(x, _STEPS), masks, strict=True)


RECURRENCES: dict[str, type[ConvLSTM | ConvGRU]] = {"convlstm": ConvLSTM, "convgru": ConvGRU}
"""What `--encoder` names beside the encoders of single frames."""

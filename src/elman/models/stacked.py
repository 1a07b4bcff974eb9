"""Recurrent layers of any cell, each reading the outputs of the one below it.

Legend: T time, B batch, I input, H hidden (of the last layer).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from elman.errors import InputError
from elman.layers import fast_path
from elman.layers.gru import GRU
from elman.layers.lstm import LSTM
from elman.layers.regularize import Dropout, LockedDropout
from elman.layers.rnn import RNN
from elman.layers.state import Active, State, only_active


@runtime_checkable
class RecurrentLayer(Protocol):
    """The interface of a layer: `elman.RNN`, `GRU`, `LSTM` and `Recurrent` have it."""

    def __call__(
        self, x: Tensor, hx: State, *, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]: ...

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]: ...

    def initial_state(self, batch_size: int) -> State: ...


class StackedLayers(nn.Module):
    """Each layer reads the outputs of the one below it: (T, B, I) -> (T, B, H).

    The state joins those of the layers as ``layer0.h`` and so on. A state may have other parts
    beside them, which `step` returns unchanged and `forward` leaves out.

    Args:
        layers: recurrent layers, time first.
        dropout: the probability of dropping a value between layers.
        locked: draw one dropout mask a sequence and keep it over time (Gal 2016), instead of a new
            one at every step (Zaremba 2014).

    Raises:
        InputError: no layers, or one that is not recurrent or expects the batch first.
    """

    def __init__(
        self, layers: Sequence[nn.Module], dropout: float = 0.0, *, locked: bool = True
    ) -> None:
        super().__init__()
        if not layers:
            raise InputError("expected at least one recurrent layer, got none")
        for depth, layer in enumerate(layers):
            if not isinstance(layer, RecurrentLayer):
                raise InputError(
                    f"layer {depth}, {type(layer).__name__}, has no step; use one of elman's, or "
                    "elman.convert for torch's"
                )
            if getattr(layer, "batch_first", False):
                raise InputError(
                    f"layer {depth} is batch_first; build it with time first, (T, B, I)"
                )
            # Its own children, so that parameters are named "0.weight_ih_l0" as in a ModuleList.
            self.add_module(str(depth), layer)
        self.dropout = (LockedDropout if locked else Dropout)(dropout)
        self._names = tuple(map(str, range(len(layers))))
        self._parts = tuple(f"layer{depth}" for depth in range(len(layers)))

    @property
    def bidirectional(self) -> bool:
        """Whether a layer reads in both directions, so that there is no `step`."""
        return any(getattr(layer, "bidirectional", False) for layer in self._layers)

    def initial_state(self, batch_size: int) -> State:
        """The state a sequence begins with."""
        states = [layer.initial_state(batch_size) for layer in self._layers]
        return State.join(dict(zip(self._parts, states, strict=True)))

    def forward(
        self, x: Tensor, state: State | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """The outputs (T, B, H) for x (T, B, I), and the state after the last step.

        `lengths` (B,) ends rows early: their state is that of their last real step.
        """
        entering = self.initial_state(x.shape[1]) if state is None else state
        if lengths is None and x.dim() == 3 and (done := self._in_one_call(x, entering)):
            y, tensors = done
            return y, State.with_axes(tensors, dict.fromkeys(tensors, 1))
        after: dict[str, State] = {}
        for part, layer in zip(self._parts, self._layers, strict=True):
            if after:
                x = self.dropout(x)
            x, after[part] = layer(x, entering.part(part), lengths=lengths)
        return x, State.join(after)

    def step(
        self, x: Tensor, state: State, *, active: Active | None = None
    ) -> tuple[Tensor, State]:
        """One step: x (B, I) -> the output (B, H) and the state after it.

        Rows where the mask `active` (B,) is false keep their state to the bit and get zero outputs.
        """
        if active is not None:
            return only_active(self.step, x, state, active)
        # One call as in `forward` takes longer than it saves: states are joined and separated.
        after: dict[str, State] = {}
        for part, layer in zip(self._parts, self._layers, strict=True):
            if after and self.training:
                x = self.dropout(x[None])[0]
            x, after[part] = layer.step(x, state.part(part))
        return x, state.with_parts(after)

    def _in_one_call(self, x: Tensor, state: State) -> tuple[Tensor, dict[str, Tensor]] | None:
        """The outputs and the tensors after them, of several plain layers of one kind; or None."""
        layers = self._layers
        first = layers[0]
        if len(layers) == 1 or (self.training and self.dropout.p):
            return None
        kind = type(first)
        if kind not in (LSTM, GRU, RNN) or any(type(layer) is not kind for layer in layers):
            return None
        names = [
            [f"{part}.{name}" for name in first.state_names]  # type: ignore[attr-defined]
            for part in self._parts
        ]
        try:
            entering = [[state[name] for name in own] for own in names]
        except KeyError:
            return None
        if not state.has_batch_on(1, (name for own in names for name in own)):
            return None
        done = fast_path.run_layers(layers, x, entering)
        if done is None:
            return None
        y, after = done
        return y, {
            name: tensor
            for own, tensors in zip(names, after, strict=True)
            for name, tensor in zip(own, tensors, strict=True)
        }

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, depth: int) -> nn.Module:
        return self.get_submodule(self._names[depth])

    def __iter__(self) -> Iterator[nn.Module]:
        return (self.get_submodule(name) for name in self._names)

    @property
    def _layers(self) -> list[RecurrentLayer]:
        modules = self._modules
        return cast("list[RecurrentLayer]", [modules[name] for name in self._names])


def output_width(layers: Sequence[nn.Module], input_size: int) -> int:
    """The width that leaves the last of `layers`, both directions together.

    Raises:
        InputError: a layer that expects another width than the one below it has.
    """
    for depth, layer in enumerate(layers):
        expected = getattr(layer, "input_size", input_size)
        if expected != input_size:
            raise InputError(f"layer {depth} expects inputs of {expected}, but gets {input_size}")
        width = getattr(layer, "output_size", None)
        if width is None:
            # The cell of a `Recurrent` need not name its width: one step over zeros shows it.
            recurrent = cast("RecurrentLayer", layer)
            state = recurrent.initial_state(1)
            like = next(iter(state.values()))
            with torch.no_grad():
                width = recurrent(like.new_zeros(1, 1, input_size), state)[0].shape[-1]
        else:
            width *= getattr(layer, "num_directions", 1)
        input_size = width
    return input_size

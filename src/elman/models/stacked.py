"""Recurrent layers one on the other, of any cell, with dropout between them.

Legend: T time, B batch, I input, H hidden (of the last layer).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

from torch import Tensor, nn

from elman.layers.regularize import LockedDropout
from elman.layers.state import State


class RecurrentLayer(Protocol):
    """What is asked of a layer: `elman.RNN`, `GRU`, `LSTM` and `Recurrent`."""

    def __call__(
        self, x: Tensor, hx: State, *, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]: ...

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]: ...

    def initial_state(self, batch_size: int) -> State: ...


class StackedLayers(nn.Module):
    """Each layer reads the outputs of the one before: (T, B, I) -> (T, B, H).

    The state joins those of the layers as ``layer0.h`` and so on.

    Args:
        layers: recurrent layers that read in one direction, time first.
        dropout: the share dropped between layers, one mask for all steps (Gal 2016).
    """

    def __init__(self, layers: Sequence[nn.Module], dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.dropout = LockedDropout(dropout)

    def initial_state(self, batch_size: int) -> State:
        """The state a sequence begins with."""
        states = [layer.initial_state(batch_size) for layer in self._layers]
        return State.join({f"layer{depth}": state for depth, state in enumerate(states)})

    def forward(
        self, x: Tensor, state: State | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """The outputs (T, B, H) for x (T, B, I), and the state after the last step.

        `lengths` (B,) ends rows early: their state is that of their last real step.
        """
        entering = self.initial_state(x.shape[1]) if state is None else state
        after = {}
        for depth, layer in enumerate(self._layers):
            name = f"layer{depth}"
            if depth:
                x = self.dropout(x)
            x, after[name] = layer(x, entering.part(name), lengths=lengths)
        return x, State.join(after)

    @property
    def _layers(self) -> list[RecurrentLayer]:
        return cast("list[RecurrentLayer]", list(self.layers))

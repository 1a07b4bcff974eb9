"""From the final state of an encoder to the initial state of a decoder.

Legend: B batch, W all numbers of a state's row.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from elman.layers.state import State


class Bridge(nn.Module):
    """s_0 = tanh(W [final state] + b), all tensors of a state concatenated to one row.

    Works for the states of any two cells: an LSTM's h and c, both directions, all layers.
    Tensors of the decoder's state that are not floating-point keep their initial value.

    Source: Bahdanau et al. 2014, arXiv:1409.0473, section A.2.2, from both directions.

    Args:
        encoder: a state of the encoder's layer, of any batch size.
        decoder: one of the decoder's layer.
    """

    def __init__(self, encoder: State, decoder: State) -> None:
        super().__init__()
        inputs, outputs = _rows(encoder).shape[1], _rows(decoder).shape[1]
        self.weight = nn.Linear(inputs, outputs)

    def forward(self, final: State, initial: State) -> State:
        """The decoder's `initial` state, its numbers computed from the encoder's `final` one."""
        rows = torch.tanh(self.weight(_rows(final)))
        tensors = dict(initial)
        place = 0
        for name, tensor in initial.items():
            if tensor.is_floating_point():
                shape = tensor.movedim(initial.axes[name], 0).shape
                size = shape[1:].numel()
                part = rows[:, place : place + size].reshape(shape)
                tensors[name] = part.movedim(0, initial.axes[name]).contiguous()
                place += size
        return State.with_axes(tensors, initial.axes)


def _rows(state: State) -> Tensor:
    """The floating-point numbers of a state as (B, W)."""
    parts = [
        tensor.movedim(state.axes[name], 0).flatten(1)
        for name, tensor in state.items()
        if tensor.is_floating_point()
    ]
    return torch.cat(parts, dim=1)

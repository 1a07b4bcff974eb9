"""The `torch` backend: ATen's recurrent functions, which use oneDNN or cuDNN where possible.

Legend: T time, B batch, I input, L layers, D directions, R output of a direction.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from elman.kernels.kind import CellKind, Stack, States, Weights


def run(stack: Stack, x: Tensor, states: States, lengths: Tensor | None) -> tuple[Tensor, States]:
    """All layers and directions: x (T, B, I), states (L * D, B, R) -> y (T, B, D * R), states."""
    if x.is_cpu and torch.is_autocast_enabled("cpu"):
        # Under autocast torch 2.13 calls oneDNN in bfloat16 for a float32 LSTM even on processors
        # without that primitive; for bfloat16 input it checks first.
        x = x.to(torch.get_autocast_dtype("cpu"))
    kind, weights = stack.kind, stack.weights
    flat = [tensor for one in weights for tensor in one.flat()]
    has_bias = weights[0].bias_ih is not None
    options = (flat, has_bias, stack.num_layers, stack.dropout, stack.training, stack.bidirectional)
    if lengths is None:
        y, *final = kind.aten_layers(x, _form(kind, states), *options, False)
        return y, tuple(final)

    # torch cannot pack empty rows: such a row runs one step over zeros, which is then discarded.
    empty = lengths == 0
    x = x.masked_fill(empty.view(1, -1, 1), 0)
    packed = pack_padded_sequence(x, lengths.clamp(min=1).cpu(), enforce_sorted=False)
    order, back = packed.sorted_indices, packed.unsorted_indices
    assert order is not None
    assert back is not None
    begin = tuple(state.index_select(1, order) for state in states)
    data, *final = kind.aten_layers(packed.data, packed.batch_sizes, _form(kind, begin), *options)
    y, _ = pad_packed_sequence(packed._replace(data=data), total_length=len(x))
    return y.masked_fill(empty.view(1, -1, 1), 0), tuple(
        torch.where(empty.view(1, -1, 1), before, after.index_select(1, back))
        for before, after in zip(states, final, strict=True)
    )


def step(kind: CellKind, x: Tensor, states: States, weights: Weights) -> States:
    """One step of one layer through ATen's cell: x (B, I), states (B, R)."""
    new = kind.aten_cell(
        x, _form(kind, states), weights.ih, weights.hh, weights.bias_ih, weights.bias_hh
    )
    return (new,) if kind.aten_single_state else tuple(new)


def _form(kind: CellKind, states: States) -> Tensor | States:
    return states[0] if kind.aten_single_state else states

"""The `torch` backend: ATen's recurrent functions, which are oneDNN's or cuDNN's where those serve.

Legend: T time, B batch, I input, L layers, D directions, R output of a direction.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from elman.kernels.kind import CellKind, States, Weights


def run(
    kind: CellKind,
    x: Tensor,
    states: States,
    weights: Sequence[Weights],
    *,
    lengths: Tensor | None,
    num_layers: int,
    bidirectional: bool,
    dropout: float,
    training: bool,
) -> tuple[Tensor, States]:
    """All layers and directions: x (T, B, I), states (L * D, B, R) -> y (T, B, D * R), states."""
    flat = [tensor for one in weights for tensor in one.flat()]
    has_bias = weights[0].bias_ih is not None
    options = (flat, has_bias, num_layers, dropout, training, bidirectional)
    if lengths is None:
        y, *final = kind.aten_layers(x, _form(kind, states), *options, False)
        return y, tuple(final)

    order = lengths.argsort(descending=True, stable=True)
    rows = order[: int((lengths > 0).sum())]
    # A row of length 0 has nothing to pack: its outputs are zeros, its state stays.
    width = (2 if bidirectional else 1) * states[0].shape[-1]
    y = x.new_zeros(*x.shape[:2], width)
    if not len(rows):
        return y, states
    packed = pack_padded_sequence(x.index_select(1, rows), lengths[rows].cpu())
    begin = tuple(state.index_select(1, rows) for state in states)
    data, *final = kind.aten_layers(packed.data, packed.batch_sizes, _form(kind, begin), *options)
    padded, _ = pad_packed_sequence(packed._replace(data=data), total_length=len(x))
    y = y.to(padded.dtype).index_copy(1, rows, padded)
    return y, tuple(
        state.to(last.dtype).index_copy(1, rows, last)
        for state, last in zip(states, final, strict=True)
    )


def step(kind: CellKind, x: Tensor, states: States, weights: Weights) -> States:
    """One step of one layer through ATen's cell: x (B, I), states (B, R)."""
    new = kind.aten_cell(
        x, _form(kind, states), weights.ih, weights.hh, weights.bias_ih, weights.bias_hh
    )
    return (new,) if kind.aten_single_state else tuple(new)


def _form(kind: CellKind, states: States) -> Tensor | States:
    return states[0] if kind.aten_single_state else states

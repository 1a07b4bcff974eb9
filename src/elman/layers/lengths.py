"""Ragged batches: how many steps each row has, and which rows take part in a step.

Legend: T time, B batch, I input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from elman.layers.state import State

Lengths: TypeAlias = Tensor | Sequence[int]
Active: TypeAlias = Tensor | Sequence[bool]
"""A mask (B,) of the rows that take part in a step."""


def as_lengths(lengths: Lengths, steps: int, batch_size: int, device: torch.device) -> Tensor:
    """`lengths` as an int64 tensor (B,) on `device`.

    Any order, zero allowed, any integer dtype or a list of ints.

    Raises:
        TypeError: not integers.
        ValueError: the wrong number of them, or one outside 0 to T.
    """
    given = lengths if isinstance(lengths, Tensor) else torch.as_tensor(list(lengths))
    if given.numel() == 0:
        given = given.long()
    if given.dtype == torch.bool or given.is_floating_point() or given.is_complex():
        raise TypeError(f"lengths should be integers, got {given.dtype}")
    if given.shape != (batch_size,):
        raise ValueError(
            f"lengths should have one entry for each of {batch_size} rows, "
            f"got shape {tuple(given.shape)}"
        )
    given = given.detach().to(device=device, dtype=torch.long)
    wrong = ((given < 0) | (given > steps)).nonzero()
    if len(wrong):
        row = int(wrong[0])
        raise ValueError(
            f"lengths should be from 0 to the {steps} steps of the input, "
            f"got {int(given[row])} in row {row}"
        )
    return given


def only_active(
    run: Callable[[Tensor, State], tuple[Tensor, State]],
    x: Tensor,
    state: State,
    active: Active,
    axis: int = 0,
) -> tuple[Tensor, State]:
    """`run` on the rows where `active` is true.

    The other rows are not read: they keep their state to the bit, and their outputs are zero.

    Args:
        run: one step, or a scan over a chunk.
        x: its input, with the batch on `axis`.
        state: the state of all rows.
        active: (B,) booleans.
        axis: the batch axis of `x` and of the outputs.

    Raises:
        TypeError: a mask that is not boolean.
        ValueError: a mask of another length than the batch.
    """
    mask = torch.as_tensor(active)
    if mask.dtype is not torch.bool and mask.numel():
        raise TypeError(f"active should be booleans, got {mask.dtype}")
    if mask.shape != (x.shape[axis],) or len(mask) != state.batch_size:
        raise ValueError(
            f"active should have one entry for each row, got shape {tuple(mask.shape)} for an "
            f"input of {x.shape[axis]} rows and a state of {state.batch_size}"
        )
    rows = mask.to(x.device).nonzero().squeeze(1)
    if len(rows) == len(mask):
        return run(x, state)
    if not len(rows):  # one run over zeros for the shape of the outputs
        y, _ = run(torch.zeros_like(x), state)
        return torch.zeros_like(y), state
    y, after = run(x.index_select(axis, rows), state.select(rows))
    shape = list(y.shape)
    shape[axis] = len(mask)
    return y.new_zeros(shape).index_copy(axis, rows, y), state.with_rows(rows, after)


def unpack(packed: PackedSequence) -> tuple[Tensor, Tensor]:
    """A PackedSequence as (T, B, I) in the caller's order of rows, and the lengths (B,)."""
    x, lengths = pad_packed_sequence(packed)
    return x, lengths.to(x.device)


def repack(y: Tensor, lengths: Tensor, like: PackedSequence) -> PackedSequence:
    """`y` (T, B, I) packed exactly as `like` is: the same order and the same batch sizes."""
    if like.sorted_indices is not None:
        y = y.index_select(1, like.sorted_indices)
        lengths = lengths.index_select(0, like.sorted_indices)
    data = pack_padded_sequence(y, lengths.cpu()).data
    return PackedSequence(data, like.batch_sizes, like.sorted_indices, like.unsorted_indices)

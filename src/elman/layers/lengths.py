"""Ragged batches: how many steps each row has. Legend: T time, B batch, I input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

Lengths: TypeAlias = Tensor | Sequence[int]


def as_lengths(lengths: Lengths, steps: int, batch_size: int, device: torch.device) -> Tensor:
    """`lengths`, any integers from 0 to T in any order, as an int64 tensor (B,) on `device`.

    TypeError for other than integers, ValueError for a wrong number of them or one out of range.
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


def repack(y: Tensor, lengths: Tensor, like: PackedSequence) -> PackedSequence:
    """`y` (T, B, I) packed exactly as `like` is: the same order and the same batch sizes."""
    if like.sorted_indices is not None:
        y = y.index_select(1, like.sorted_indices)
        lengths = lengths.index_select(0, like.sorted_indices)
    data = pack_padded_sequence(y, lengths.cpu()).data
    return PackedSequence(data, like.batch_sizes, like.sorted_indices, like.unsorted_indices)

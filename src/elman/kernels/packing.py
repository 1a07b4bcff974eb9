"""Ragged batches in the layout of the kernels.

Legend: T time, B batch, N all real steps, F features.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Packing:
    """The layout of a ragged batch, the longest row first.

    Attributes:
        order: (B,) the rows by decreasing length.
        inverse: (B,) its inverse.
        indices: (N,) the index of each packed step in the padded (T * B,).
        sizes: (T,) the number of rows that take part in each step.
    """

    order: Tensor
    inverse: Tensor
    indices: Tensor
    sizes: Tensor

    @classmethod
    def of(cls, lengths: Tensor, steps: int) -> Packing:
        """The packing of rows of `lengths` (B,), padded to `steps`."""
        ordered, order = lengths.sort(descending=True, stable=True)
        inside = torch.arange(steps).unsqueeze(1) < ordered
        t, j = inside.nonzero(as_tuple=True)
        return cls(order, order.argsort(), t * len(lengths) + order[j], inside.sum(1))

    def pack(self, x: Tensor) -> Tensor:
        """(T, B, F) -> (N, F)."""
        return x.flatten(0, 1).index_select(0, self.indices)

    def pad(self, packed: Tensor, steps: int) -> Tensor:
        """(N, F) -> (T, B, F), zero where there is no step."""
        rows = steps * len(self.order)
        padded = packed.new_zeros(rows, packed.shape[1]).index_copy(0, self.indices, packed)
        return padded.view(steps, len(self.order), packed.shape[1])

"""Ragged batches as the kernels take them.

Legend: T time, B batch, N all real steps, F features.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Packing:
    """Where each real step of a ragged batch stands, the longest row first.

    Attributes:
        order: (B,) the rows by falling length.
        back: (B,) its inverse.
        places: (N,) the place of each packed step among the padded (T * B,).
        sizes: (T,) how many rows take part in each step.
    """

    order: Tensor
    back: Tensor
    places: Tensor
    sizes: Tensor

    @classmethod
    def of(cls, lengths: Tensor, steps: int) -> Packing:
        """The packing of rows of `lengths` (B,) that are padded to `steps`."""
        ordered, order = lengths.sort(descending=True, stable=True)
        inside = torch.arange(steps).unsqueeze(1) < ordered
        t, j = inside.nonzero(as_tuple=True)
        return cls(order, order.argsort(), t * len(lengths) + order[j], inside.sum(1))

    def pack(self, x: Tensor) -> Tensor:
        """(T, B, F) -> (N, F)."""
        return x.flatten(0, 1).index_select(0, self.places)

    def pad(self, packed: Tensor, steps: int) -> Tensor:
        """(N, F) -> (T, B, F), zero where there is no step."""
        rows = steps * len(self.order)
        padded = packed.new_zeros(rows, packed.shape[1]).index_copy(0, self.places, packed)
        return padded.view(steps, len(self.order), packed.shape[1])

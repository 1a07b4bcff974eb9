"""Noise that keeps a recurrent network from learning by heart.

Legend: T time, B batch, H hidden, F features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def locked_mask(shape: tuple[int, ...], p: float, like: Tensor) -> Tensor:
    """A dropout mask of `shape`: 0 with probability `p`, else 1 / (1 - p)."""
    return torch.empty(shape, dtype=like.dtype, device=like.device).bernoulli_(1 - p).div_(1 - p)


class LockedDropout(nn.Module):
    """Dropout whose mask (1, B, F) is drawn once a call and kept over all steps of time.

    Source: Gal & Ghahramani 2016, arXiv:1512.05287, section 4, for inputs and outputs.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = probability("dropout", p)

    def forward(self, x: Tensor) -> Tensor:
        """`x` (T, B, F) times the mask while training; `x` itself otherwise."""
        if not self.training or self.p == 0:
            return x
        return x * locked_mask((1, *x.shape[1:]), self.p, x)

    def extra_repr(self) -> str:
        return f"p={self.p}"


def drop_weights(weight: Tensor, p: float) -> Tensor:
    """V with single weights dropped for all steps: DropConnect on the recurrent weights.

    Source: Merity et al. 2017, arXiv:1708.02182, section 2.
    """
    return functional.dropout(weight, p, training=True)


def probability(name: str, p: object) -> float:
    """`p` when it is a number from 0 up to, not including, 1.

    Raises:
        ValueError: naming the argument.
    """
    if isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p < 1:
        raise ValueError(f"{name} should be a number in range [0, 1), got {p!r}")
    return float(p)

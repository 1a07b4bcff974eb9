"""Noise that keeps a recurrent network from learning by heart.

Legend: T time, B batch, H hidden, F features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


_LEVELS = 2**16
"""How finely a probability is held on a CPU; masks are scaled by the rate that was really drawn."""


def dropout_mask(shape: tuple[int, ...], p: float, like: Tensor) -> Tensor:
    """A dropout mask of `shape`: 0 with probability `p`, else 1 / (1 - p)."""
    if like.device.type != "cpu":
        mask = torch.empty(shape, dtype=like.dtype, device=like.device)
        return mask.bernoulli_(1 - p).div_(1 - p)
    # A CPU draws one number after another. Four decisions from each 64 bits make a mask seven
    # times as fast as bernoulli_, which at a few megabytes a step is a tenth of the training.
    size = torch.Size(shape).numel()
    words = torch.empty(-(-size // 4), dtype=torch.int64).random_(-(2**63), None)
    bits = words.view(torch.int16)[:size].view(shape)
    kept = min(round((1 - p) * _LEVELS), _LEVELS - 1)
    return (bits < kept - _LEVELS // 2).to(like.dtype).mul_(_LEVELS / kept)


class Dropout(nn.Module):
    """Dropout with a new mask at every step of time, as `torch.nn.Dropout` has."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = probability("dropout", p)

    def forward(self, x: Tensor) -> Tensor:
        """`x` (T, B, F) times the mask while training; `x` itself otherwise."""
        if not self.training or self.p == 0:
            return x
        return x * dropout_mask(self._mask_shape(x), self.p, x)

    def _mask_shape(self, x: Tensor) -> tuple[int, ...]:
        return tuple(x.shape)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class LockedDropout(Dropout):
    """Dropout whose mask (1, B, F) is drawn once a call and kept over all steps of time.

    Source: Gal & Ghahramani 2016, arXiv:1512.05287, section 4, for inputs and outputs.
    """

    def _mask_shape(self, x: Tensor) -> tuple[int, ...]:
        return (1, *x.shape[1:])


def drop_weights(weight: Tensor, p: float) -> Tensor:
    """V with single weights dropped for all steps: DropConnect on the recurrent weights.

    Source: Merity et al. 2017, arXiv:1708.02182, section 2.
    """
    return weight * dropout_mask(tuple(weight.shape), p, weight)


def probability(name: str, p: object) -> float:
    """`p` when it is a number from 0 up to, not including, 1.

    Raises:
        ValueError: naming the argument.
    """
    if isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p < 1:
        raise ValueError(f"{name} should be a number in range [0, 1), got {p!r}")
    return float(p)

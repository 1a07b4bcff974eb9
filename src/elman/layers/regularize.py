"""Noise that keeps a recurrent network from learning by heart.

Legend: T time, B batch, H hidden, F features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_LEVELS = 2**16
"""How finely a probability is held on a CPU."""


def drawn(shape: tuple[int, ...], p: float, device: torch.device) -> Tensor:
    """Booleans of `shape`, each true with probability `p`; on a CPU to the nearest 2^-16.

    A CPU draws one number after another. Four decisions from each 64 bits make a mask seven times
    as fast as ``bernoulli_``, which at a few megabytes a step is a tenth of the training.
    """
    if device.type != "cpu":
        return torch.empty(shape, device=device).bernoulli_(p) > 0
    if torch.compiler.is_compiling():  # which knows no `random_`
        return torch.rand(shape) < p
    size = torch.Size(shape).numel()
    words = torch.empty(-(-size // 4), dtype=torch.int64).random_(-(2**63), None)
    bits = words.view(torch.int16)[:size].view(shape)
    return bits < _held(p) - _LEVELS // 2


def _held(p: float) -> int:
    # 1 itself would not fit into 16 bits, and no mask is drawn for it.
    return min(round(p * _LEVELS), _LEVELS - 1)


def dropout_mask(shape: tuple[int, ...], p: float, like: Tensor) -> Tensor:
    """A dropout mask of `shape`: 0 with probability `p`, else 1 / (1 - p)."""
    kept = _held(1 - p) / _LEVELS if like.device.type == "cpu" else 1 - p
    return drawn(shape, 1 - p, like.device).to(like.dtype).mul_(1 / kept)


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

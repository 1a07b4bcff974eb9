"""Regularization of recurrent networks: dropout of inputs, states and weights.

Legend: T time, B batch, H hidden, F features.
"""

from __future__ import annotations

from numbers import Real

import torch
from torch import Tensor, nn

_LEVELS = 2**16
"""Resolution of probabilities on a CPU."""


def bernoulli(shape: tuple[int, ...], p: float, device: torch.device) -> Tensor:
    """Booleans of `shape`, each true with probability `p`; on a CPU to the nearest 2^-16.

    On a CPU the generator is the bottleneck: four decisions from each 64 bits make a mask seven
    times as fast as ``bernoulli_``, which may take a tenth of training.
    """
    if device.type != "cpu":
        return torch.empty(shape, device=device).bernoulli_(p) > 0
    if torch.compiler.is_compiling():  # which does not support `random_`
        return torch.rand(shape) < p
    size = torch.Size(shape).numel()
    words = torch.empty(-(-size // 4), dtype=torch.int64).random_(-(2**63), None)
    bits = words.view(torch.int16)[:size].view(shape)
    return bits < _quantized(p) - _LEVELS // 2


def _quantized(p: float) -> int:
    # 1 itself does not fit into 16 bits.
    return min(round(p * _LEVELS), _LEVELS - 1)


def dropout_mask(shape: tuple[int, ...], p: float, like: Tensor) -> Tensor:
    """A dropout mask of `shape`: 0 with probability `p`, else 1 / (1 - p)."""
    kept = _quantized(1 - p) / _LEVELS if like.device.type == "cpu" else 1 - p
    return bernoulli(shape, 1 - p, like.device).to(like.dtype).mul_(1 / kept)


class Dropout(nn.Module):
    """Dropout with a new mask at every time step, like `torch.nn.Dropout`."""

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
    """Dropout with one mask (1, B, F) for all time steps of a call.

    Source: Gal & Ghahramani 2016, arXiv:1512.05287, section 4, for inputs and outputs.
    """

    def _mask_shape(self, x: Tensor) -> tuple[int, ...]:
        return (1, *x.shape[1:])


def drop_weights(weight: Tensor, p: float) -> Tensor:
    """DropConnect on the recurrent weights V, with one mask for all steps.

    Source: Merity et al. 2017, arXiv:1708.02182, section 2.
    """
    return weight * dropout_mask(tuple(weight.shape), p, weight)


def probability(name: str, p: object) -> float:
    """`p`, if it is a number in [0, 1); otherwise a ValueError that names the argument."""
    if isinstance(p, bool) or not isinstance(p, Real) or not 0 <= float(p) < 1:
        raise ValueError(f"{name} should be a number in range [0, 1), got {p!r}")
    return float(p)

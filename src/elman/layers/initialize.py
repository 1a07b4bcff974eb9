"""Initialization of recurrent weights."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

Initialization: TypeAlias = Literal["torch", "orthogonal", "identity"]


def uniform(parameters: Iterable[Tensor], hidden_size: int) -> None:
    """torch's default: every weight and bias uniform in ±1 / sqrt(hidden_size)."""
    bound = 1 / math.sqrt(hidden_size)
    for parameter in parameters:
        nn.init.uniform_(parameter, -bound, bound)


@torch.no_grad()
def orthogonal(weight_hh: Tensor, gates: int) -> None:
    """Each gate's block of V (G * H, R) orthogonal, so a step keeps the length of h.

    Source: Saxe et al. 2014, arXiv:1312.6120.
    """
    for block in weight_hh.chunk(gates):
        nn.init.orthogonal_(block)


@torch.no_grad()
def identity(weight_ih: Tensor, weight_hh: Tensor, biases: Iterable[Tensor | None]) -> None:
    """V the identity, biases zero, U small, so that a ReLU cell keeps its state.

    Source: Le et al. 2015, arXiv:1504.00941, section 4 (U Gaussian of deviation 0.001).
    """
    nn.init.eye_(weight_hh)
    nn.init.normal_(weight_ih, std=0.001)
    for bias in biases:
        if bias is not None:
            nn.init.zeros_(bias)


@torch.no_grad()
def gate_bias(bias_ih: Tensor, bias_hh: Tensor, gate: int, gates: int, value: float) -> None:
    """Set the bias of one gate, the sum of both vectors, to `value`.

    Source: Jozefowicz et al. 2015: a forget-gate bias of 1 or 2 lets an LSTM remember from
    the first update on.
    """
    bias_ih.chunk(gates)[gate].fill_(value)
    bias_hh.chunk(gates)[gate].zero_()


@torch.no_grad()
def chrono(
    bias_ih: Tensor, bias_hh: Tensor, gates: int, forget: int, write: int | None, longest: float
) -> None:
    """Spread the time constants of the units over 1 to `longest` steps.

    A forget gate of value g keeps the state for about 1 / (1 - g) steps, so its bias starts at ln t
    with t uniform in 1 … `longest` - 1, and that of the input gate at -ln t. `forget` and `write`
    are the indices of those gates; None where one gate does both.

    Source: Tallec & Ollivier 2018, arXiv:1804.11188, section 3.
    """
    block = bias_ih.chunk(gates)[forget]
    bias = torch.empty_like(block).uniform_(1, longest - 1).log_()
    for gate, value in ((forget, bias), (write, -bias)):
        if gate is not None:
            bias_ih.chunk(gates)[gate].copy_(value)
            bias_hh.chunk(gates)[gate].zero_()

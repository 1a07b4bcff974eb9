"""Elman's cell (Elman 1990): the whole hidden state is rewritten at every step."""

from __future__ import annotations

import torch
from torch import _VF, Tensor

from elman.kernels.kind import CellKind, States, Weights, dropped


def tanh_step(u: Tensor, states: States, weights: Weights, mask: Tensor | None) -> States:
    """h' = tanh(U x + V h + b_h), with `u` = U x + bias_ih (B, H)."""
    (h,) = states
    return (torch.tanh(u + weights.recurrent_part(dropped(h, mask))),)


def relu_step(u: Tensor, states: States, weights: Weights, mask: Tensor | None) -> States:
    """h' = max(0, U x + V h + b_h), with `u` = U x + bias_ih (B, H)."""
    (h,) = states
    return (torch.relu(u + weights.recurrent_part(dropped(h, mask))),)


RNN_TANH = CellKind("rnn", 1, ("h",), tanh_step, _VF.rnn_tanh, _VF.rnn_tanh_cell)
RNN_RELU = CellKind("rnn-relu", 1, ("h",), relu_step, _VF.rnn_relu, _VF.rnn_relu_cell)

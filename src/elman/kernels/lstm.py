"""Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate Gers et al. 2000).

Gate order i, f, g, o. With a projection (Sak et al. 2014) what is fed back is W_hr h.
"""

from __future__ import annotations

import torch
from torch import _VF, Tensor
from torch.nn import functional

from elman.kernels.kind import CellKind, States, Weights, dropped


def gates(u: Tensor, h: Tensor, weights: Weights, mask: Tensor | None = None) -> States:
    """i, f, g, o, each (…, H), with `u` = U x + bias_ih (…, 4 * H) and h before the step.

    i, f, o = sigmoid, g = tanh of u + V h + bias_hh.
    """
    i, f, g, o = (u + weights.recurrent_part(dropped(h, mask))).chunk(4, dim=-1)
    return torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)


def step(u: Tensor, states: States, weights: Weights, mask: Tensor | None) -> States:
    """One step, with `u` = U x + bias_ih (B, 4 * H).

    c' = f * c + i * g; h' = o * tanh(c'), with c' normalized inside the tanh where the layer is
    (Ba et al. 2016, equation 22).
    """
    h, c = states
    i, f, g, o = gates(u, h, weights, mask)
    c = f * c + i * g
    inner = c
    if weights.norm_c is not None:
        inner = functional.layer_norm(c, weights.norm_c.shape, weights.norm_c, weights.norm_c_bias)
    h = o * torch.tanh(inner)
    if weights.hr is not None:
        h = functional.linear(h, weights.hr)
    return h, c


LSTM = CellKind(
    "lstm",
    4,
    ("h", "c"),
    step,
    _VF.lstm,
    _VF.lstm_cell,
    aten_single_state=False,
    gate_names=("input", "forget", "candidate", "output"),
    gate_values=gates,
)

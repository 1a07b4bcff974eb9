"""Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate Gers et al. 2000).

Gate order i, f, g, o. With a projection (Sak et al. 2014) what is fed back is W_hr h.
"""

from __future__ import annotations

import torch
from torch import _VF, Tensor
from torch.nn import functional

from elman.kernels.kind import CellKind, States, Weights, dropped


def step(u: Tensor, states: States, weights: Weights, mask: Tensor | None) -> States:
    """One step, with `u` = U x + bias_ih (B, 4 * H).

    i, f, o = sigmoid, g = tanh of u + V h + bias_hh; c' = f * c + i * g; h' = o * tanh(c'),
    with c' normalized inside the tanh where the layer is (Ba et al. 2016, equation 22).
    """
    h, c = states
    gates = u + weights.recurrent_part(dropped(h, mask))
    i, f, g, o = gates.chunk(4, dim=-1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    inner = c
    if weights.norm_c is not None:
        inner = functional.layer_norm(c, weights.norm_c.shape, weights.norm_c, weights.norm_c_bias)
    h = torch.sigmoid(o) * torch.tanh(inner)
    if weights.hr is not None:
        h = functional.linear(h, weights.hr)
    return h, c


LSTM = CellKind("lstm", 4, ("h", "c"), step, _VF.lstm, _VF.lstm_cell, aten_single_state=False)

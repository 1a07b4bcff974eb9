"""The gated recurrent unit (Cho et al. 2014), in torch's variant.

The reset gate acts after the product with V, and the candidate keeps a bias of its own inside
the reset. Gate order r, z, n.
"""

from __future__ import annotations

import torch
from torch import _VF, Tensor

from elman.kernels.kind import CellKind, States, Weights, dropped


def gates(u: Tensor, h: Tensor, weights: Weights, mask: Tensor | None = None) -> States:
    """r, z, n, each (…, H), with `u` = U x + bias_ih (…, 3 * H) and h before the step.

    r = sigmoid(u_r + v_r), z = sigmoid(u_z + v_z), n = tanh(u_n + r * v_n), v = V h + bias_hh.
    """
    v = weights.recurrent_part(dropped(h, mask))
    u_r, u_z, u_n = u.chunk(3, dim=-1)
    v_r, v_z, v_n = v.chunk(3, dim=-1)
    r = torch.sigmoid(u_r + v_r)
    z = torch.sigmoid(u_z + v_z)
    return r, z, torch.tanh(u_n + r * v_n)


def step(u: Tensor, states: States, weights: Weights, mask: Tensor | None) -> States:
    """One step, with `u` = U x + bias_ih (B, 3 * H): h' = (1 - z) * n + z * h."""
    (h,) = states
    _, z, n = gates(u, h, weights, mask)
    return ((1 - z) * n + z * h,)


GRU = CellKind(
    "gru",
    3,
    ("h",),
    step,
    _VF.gru,
    _VF.gru_cell,
    gate_names=("reset", "update", "candidate"),
    gate_values=gates,
)

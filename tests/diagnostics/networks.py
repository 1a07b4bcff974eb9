"""Networks whose memory is known on paper."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from elman import Recurrent, State


class LinearCell(nn.Module):
    """h' = U x + V h."""

    def __init__(self, u: Tensor, v: Tensor) -> None:
        super().__init__()
        self.u, self.v = nn.Parameter(u), nn.Parameter(v)

    def initial_state(self, batch_size: int) -> State:
        return State(h=self.v.new_zeros(batch_size, len(self.v)))

    def step(self, x_t: Tensor, state: State) -> tuple[Tensor, State]:
        h = x_t @ self.u.T + state["h"] @ self.v.T
        return h, State(h=h)


def orthogonal(size: int, rho: float) -> Tensor:
    """rho times an orthogonal matrix, in float64."""
    return rho * nn.init.orthogonal_(torch.empty(size, size, dtype=torch.float64))


def linear(rho: float, size: int = 8, inputs: int = 3) -> Recurrent:
    """A linear network whose step keeps rho of the length of its state."""
    return Recurrent(LinearCell(torch.randn(size, inputs).double(), orthogonal(size, rho)))

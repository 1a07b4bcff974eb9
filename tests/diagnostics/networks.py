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


@torch.no_grad()
def scale_memory(layer: nn.Module, rho: float) -> nn.Module:
    """Give every V of `layer` the form rho times orthogonal, gate by gate, and no biases."""
    for name, parameter in layer.named_parameters():
        if "weight_hh" in name:
            for block in parameter.chunk(len(parameter) // parameter.shape[1]):
                block.copy_(orthogonal(parameter.shape[1], rho))
        elif "bias" in name:
            parameter.zero_()
        else:
            parameter.mul_(0.3)
    return layer


@torch.no_grad()
def bias_gate(layer: nn.Module, gate: int, value: float) -> nn.Module:
    """Set the bias of one gate of every layer and direction."""
    for name, parameter in layer.named_parameters():
        if "bias_ih" in name:
            gates = len(parameter) // layer.hidden_size  # type: ignore[operator]
            parameter.chunk(gates)[gate].fill_(value)
        elif "bias_hh" in name:
            parameter.zero_()
    return layer


@torch.no_grad()
def still(layer: nn.Module, share: float, bias: float) -> nn.Module:
    """Cut some units of an RNN off from all but their bias."""
    units = int(share * layer.hidden_size)  # type: ignore[operator]
    for name, parameter in layer.named_parameters():
        if "weight" in name:
            parameter[:units] = 0
        else:
            parameter[:units] = bias / 2
    return layer

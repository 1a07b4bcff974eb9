"""Networks built to be ill in a known way, and healthy ones: every verdict right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import elman
from elman.diagnostics import THRESHOLDS, diagnose
from tests.diagnostics.networks import bias_gate, linear, scale_memory, still

I, H = 3, 16  # noqa: E741
INPUT, FORGET, OUTPUT = 0, 1, 3
RESET, UPDATE = 0, 1


def rnn(rho: float, kind: Any = elman.RNN, **options: Any) -> nn.Module:
    return scale_memory(kind(I, H, **options), rho)


def relu(rho: float, kind: Any = elman.RNN) -> nn.Module:
    """Excited by its bias: all units are in the linear part."""
    layer = kind(I, H, nonlinearity="relu")
    with torch.no_grad():
        layer.weight_hh_l0.copy_(rho * torch.eye(H))
        layer.bias_ih_l0.fill_(1.0)
        layer.bias_hh_l0.zero_()
    return layer  # type: ignore[no-any-return]


def loud(layer: nn.Module) -> nn.Module:
    with torch.no_grad():
        layer.weight_ih_l0.mul_(300)  # type: ignore[operator]
    return layer


def still_relu(kind: Any) -> nn.Module:
    return still(relu(0.95, kind), 0.3, -5.0)


def gate(kind: Any, *settings: tuple[int, float], **options: Any) -> nn.Module:
    layer = kind(I, H, **options)
    for which, bias in settings:
        bias_gate(layer, which, bias)
    return layer  # type: ignore[no-any-return]


class Decay(nn.Module):
    """A cell of one's own whose memory is a leak."""

    def __init__(self, kept: float) -> None:
        super().__init__()
        self.kept = nn.Parameter(torch.tensor(kept))

    def initial_state(self, batch_size: int) -> elman.State:
        return elman.State(h=torch.zeros(batch_size, I))

    def step(self, x_t: Tensor, state: elman.State) -> tuple[Tensor, elman.State]:
        h = self.kept * state["h"] + x_t
        return h, elman.State(h=h)


class Stack(nn.Module):
    """Two layers of different kinds, in somebody's own model."""

    def __init__(self) -> None:
        super().__init__()
        self.lower = bias_gate(nn.LSTM(I, H), FORGET, 3.0)
        self.upper = scale_memory(nn.RNN(H, H), 0.5)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.upper(self.lower(x)[0])
        return y  # type: ignore[no-any-return]


def one_ill_direction() -> nn.Module:
    layer = scale_memory(elman.RNN(I, H, bidirectional=True), 0.95)
    with torch.no_grad():
        layer.weight_hh_l0_reverse.mul_(0.4)  # type: ignore[operator]
    return layer


Make = Callable[[], nn.Module]
ILL: dict[str, tuple[Make, dict[str, int], set[str]]] = {
    "linear, radius 0.5": (lambda: linear(0.5), {}, {"vanishing"}),
    "linear, radius 1.5": (lambda: linear(1.5), {}, {"exploding"}),
    "tanh, radius 0.5": (lambda: rnn(0.5), {}, {"vanishing"}),
    "torch's tanh, radius 0.5": (lambda: rnn(0.5, nn.RNN), {}, {"vanishing"}),
    "torch's tanh as torch starts it": (lambda: nn.RNN(I, 64), {}, {"vanishing"}),
    "ReLU, radius 1.5": (lambda: relu(1.5), {}, {"exploding"}),
    "torch's ReLU, radius 1.5": (lambda: relu(1.5, nn.RNN), {}, {"exploding"}),
    "ReLU, radius 0.5": (lambda: relu(0.5), {}, {"vanishing"}),
    "LSTM, forget bias -5": (
        lambda: gate(elman.LSTM, (FORGET, -5.0)), {}, {"vanishing", "saturated gates"},
    ),
    "torch's LSTM, forget bias -5": (
        lambda: gate(nn.LSTM, (FORGET, -5.0)), {}, {"vanishing", "saturated gates"},
    ),
    "GRU, forget bias -5": (
        lambda: gate(elman.GRU, (UPDATE, -5.0)), {}, {"vanishing", "saturated gates"},
    ),
    "LSTM, input gate shut": (
        lambda: gate(elman.LSTM, (FORGET, 3.0), (INPUT, -5.0)), {}, {"saturated gates"},
    ),
    "LSTM, output gate stuck open": (
        lambda: gate(elman.LSTM, (FORGET, 3.0), (OUTPUT, 8.0)), {}, {"saturated gates"},
    ),
    "GRU, reset gate shut": (
        lambda: gate(nn.GRU, (UPDATE, 3.0), (RESET, -8.0)), {}, {"saturated gates"},
    ),
    "tanh, inputs too large": (
        lambda: loud(rnn(0.9)), {}, {"vanishing", "saturated gates"},
    ),
    "LSTM, truncation 5 at lag 50": (
        lambda: gate(elman.LSTM, (FORGET, 6.0)), {"truncation": 5, "needs": 50},
        {"short truncation"},
    ),
    "GRU, truncation 5 at lag 50": (
        lambda: gate(nn.GRU, (UPDATE, 6.0)), {"truncation": 5, "needs": 50}, {"short truncation"},
    ),
    "tanh, truncation 5 at lag 50": (
        lambda: rnn(0.5), {"truncation": 5, "needs": 50},
        {"vanishing", "short reach", "short truncation"},
    ),
    "linear, truncation below its reach": (
        lambda: linear(0.93), {"truncation": 20}, {"short truncation"},
    ),
    "LSTM as torch starts it, at lag 50": (
        lambda: nn.LSTM(I, H), {"needs": 50}, {"vanishing", "short reach"},
    ),
    "ReLU, dead units": (lambda: still_relu(elman.RNN), {}, {"dead units"}),
    "torch's ReLU, dead units": (lambda: still_relu(nn.RNN), {}, {"dead units"}),
    "tanh, constant units": (lambda: still(rnn(0.95), 0.3, 0.5), {}, {"constant units"}),
    "torch's tanh, constant units": (
        lambda: still(rnn(0.95, nn.RNN), 0.3, 0.5), {}, {"constant units"},
    ),
    "a leak of one's own": (lambda: elman.Recurrent(Decay(0.4)), {}, {"vanishing"}),
    "one layer of a model": (Stack, {}, {"vanishing"}),
    "one direction": (one_ill_direction, {}, {"vanishing"}),
}  # fmt: skip
HEALTHY: dict[str, tuple[Make, dict[str, int]]] = {
    "linear": (lambda: linear(0.93), {"truncation": 100}),
    "tanh, orthogonal": (lambda: rnn(0.95), {}),
    "ReLU, identity": (lambda: relu(0.98), {"needs": 40}),
    "LSTM, forget bias 3": (lambda: gate(elman.LSTM, (FORGET, 3.0)), {"truncation": 100}),
    "torch's LSTM, forget bias 6, at lag 50": (
        lambda: gate(nn.LSTM, (FORGET, 6.0)), {"needs": 50, "truncation": 100},
    ),
    "torch's GRU, forget bias 3": (lambda: gate(nn.GRU, (UPDATE, 3.0)), {}),
    "two layers and directions": (
        lambda: gate(elman.GRU, (UPDATE, 3.0), num_layers=2, bidirectional=True), {},
    ),
}  # fmt: skip


def verdicts(make: Make, known: dict[str, int]) -> tuple[Any, ...]:
    torch.manual_seed(3)
    network = make()
    x = torch.randn(72, 6, I).to(next(network.parameters()).dtype)
    return diagnose(network, x, **known).verdicts


@pytest.mark.parametrize("name", ILL)
def test_what_ails_it(name: str) -> None:
    make, known, expected = ILL[name]
    found = verdicts(make, known)
    assert {verdict.name for verdict in found} == expected, found
    for verdict in found:
        assert any(character.isdigit() for character in verdict.evidence)
        assert verdict.remedy
        assert verdict.name in THRESHOLDS


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy(name: str) -> None:
    (verdict,) = verdicts(*HEALTHY[name])
    assert verdict.is_healthy, verdict


def test_there_are_enough_of_them() -> None:
    assert len(ILL) >= 20
    assert len(HEALTHY) >= 5


def test_the_place_is_named() -> None:
    assert [v.place for v in verdicts(*ILL["one layer of a model"][:2])] == ["upper"]
    assert [v.place for v in verdicts(*ILL["one direction"][:2])] == ["l0_reverse"]

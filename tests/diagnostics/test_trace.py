"""States against the stream's own, gates against the equations written out once more."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import elman
from elman import State
from elman.diagnostics.trace import Trace, trace
from elman.errors import InputError
from elman.kernels.kind import CellKind
from elman.layers.gru import GRU
from elman.layers.stack import RecurrentStack
from tests.cases import CELLS, Case


class Sum(nn.Module):
    """A cell of one's own: a running sum, and a count of the steps."""

    def initial_state(self, batch_size: int) -> State:
        return State(total=torch.zeros(batch_size, 3), steps=torch.zeros(batch_size))

    def step(self, x_t: Tensor, state: State) -> tuple[Tensor, State]:
        new = State(total=state["total"] + x_t, steps=state["steps"] + 1)
        return new["total"], new


def close(got: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("extras", [{}, {"layer_norm": True}, {"zoneout": 0.3}])
@pytest.mark.parametrize("cell", CELLS)
def test_states_are_those_of_a_stream(cell: str, extras: dict[str, Any]) -> None:
    case = Case(cell=cell, layers=2)
    layer, x = case.ours(**extras).eval(), case.input()
    torch.manual_seed(4)
    begin = layer.initial_state(case.batch)
    begin = State.with_axes({n: torch.randn_like(t) for n, t in begin.items()}, begin.axes)
    traces = list(trace(layer, lambda: layer(x, begin)).values())
    stream = elman.stream(layer, batch_size=case.batch, state=begin)
    for t, x_t in enumerate(x):
        stream.push(x_t)
        for name, tensor in stream.state.items():
            for depth in range(2):
                close(traces[depth].states[name][t], tensor[depth])


def by_the_book(layer: RecurrentStack, depth: int, x: Tensor, h: Tensor) -> dict[str, Tensor]:
    """The gates of one step, block by block, from torch's parameters."""
    parameters = dict(layer.named_parameters())
    u = x @ parameters[f"weight_ih_l{depth}"].T + parameters[f"bias_ih_l{depth}"]
    v = h @ parameters[f"weight_hh_l{depth}"].T + parameters[f"bias_hh_l{depth}"]
    size = layer.hidden_size
    block = [slice(n * size, (n + 1) * size) for n in range(4)]
    if layer.kind.name == "gru":
        r = 1 / (1 + torch.exp(-(u[:, block[0]] + v[:, block[0]])))
        z = 1 / (1 + torch.exp(-(u[:, block[1]] + v[:, block[1]])))
        return {
            "reset": r,
            "update": z,
            "candidate": torch.tanh(u[:, block[2]] + r * v[:, block[2]]),
        }
    total = u + v
    return {
        "input": 1 / (1 + torch.exp(-total[:, block[0]])),
        "forget": 1 / (1 + torch.exp(-total[:, block[1]])),
        "candidate": torch.tanh(total[:, block[2]]),
        "output": 1 / (1 + torch.exp(-total[:, block[3]])),
    }


def check_gates(cell: str) -> None:
    case = Case(cell=cell, layers=2)
    layer, x = case.ours(), case.input()
    begin = layer.initial_state(case.batch)["h"]
    for depth, one in enumerate(trace(layer, lambda: layer(case.input())).values()):
        for t in range(case.steps):
            h = one.states["h"][t - 1] if t else begin[depth]
            expected = by_the_book(layer, depth, x[t], h)
            assert list(one.gates) == list(expected)
            for name, values in expected.items():
                close(one.gates[name][t], values)
        x = one.states["h"]


@pytest.mark.parametrize("cell", ["gru", "lstm", "lstm-proj"])
def test_gates_are_those_of_the_equations(cell: str) -> None:
    check_gates(cell)


def test_swapped_gates_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    kind: CellKind = GRU.kind
    wrong = replace(kind, gate_names=("update", "reset", "candidate"))
    monkeypatch.setattr(GRU, "kind", wrong)
    with pytest.raises(AssertionError):
        check_gates("gru")


def test_an_elman_network_has_no_gates() -> None:
    layer = Case(cell="rnn").ours()
    (one,) = trace(layer, lambda: layer(Case().input())).values()
    assert (one.gates, one.keep, one.time_constants()) == ({}, None, None)


def test_a_cell_of_ones_own() -> None:
    x = Case().input().float()
    layer = elman.Recurrent(Sum())
    (one,) = trace(layer, lambda: layer(x)).values()
    torch.testing.assert_close(one.states["total"], x.cumsum(0))
    assert one.states["steps"][:, 0, 0].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_a_time_constant_is_the_lag_that_leaves_one_in_e() -> None:
    keep = torch.full((50, 2, 3), math.exp(-1 / 20))
    keep[..., 1] = 0
    keep[::2, :, 2], keep[1::2, :, 2] = math.exp(-0.1), math.exp(-0.3)
    tau = Trace({}, {"forget": keep}, "forget").time_constants()
    assert tau is not None
    assert tau.tolist() == pytest.approx([20, 0, 5], abs=2e-3)


class Wrapped(nn.Module):
    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.below = elman.LSTM(3, 5, num_layers=2, **options)
        self.above = nn.GRU(5, 4, bidirectional=True, **options)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.below(x)
        z, _ = self.above(y)
        return z  # type: ignore[no-any-return]


@pytest.mark.parametrize("batch_first", [False, True])
def test_the_layers_inside_any_model(batch_first: bool) -> None:
    model = Wrapped(batch_first=batch_first)
    x = Case().input().float()
    given = x.transpose(0, 1) if batch_first else x
    outputs = []
    traces = trace(model, lambda: outputs.append(model(given)))
    assert list(traces) == ["below.l0", "below.l1", "above.l0", "above.l0_reverse"]
    both = torch.cat([traces[f"above.l0{end}"].states["h"] for end in ("", "_reverse")], -1)
    torch.testing.assert_close(both.transpose(0, 1) if batch_first else both, outputs[0])
    assert set(traces["below.l0"].gates) == {"input", "forget", "candidate", "output"}


def test_a_model_without_a_recurrent_layer() -> None:
    model = nn.Linear(3, 2)
    with pytest.raises(InputError, match="recurrent"):
        trace(model, lambda: model(torch.zeros(3)))

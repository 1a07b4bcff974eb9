"""What replacing an input or a state does, against what is known on paper."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

import elman
from elman.diagnostics import DiagnosisInput, gradient_by_lag, intervene, reach_by_gradient
from tests.diagnostics.networks import linear


@pytest.mark.parametrize("rho", [0.6, 0.9])
def test_in_a_linear_network_the_two_reaches_are_one(rho: float) -> None:
    network, x = linear(rho), torch.randn(110, 6, 3).double()
    by_input, by_state = intervene(DiagnosisInput.of(network, x), 80)
    assert (by_input.what, by_state.what) == ("input", "state")
    expected = math.log(0.01) / math.log(rho)
    assert by_state.reach.steps == pytest.approx(expected, rel=0.05)
    # One input is less than a state, which holds the inputs of 1 / (1 - rho²) steps.
    less = 0.5 * math.log(1 - rho**2) / math.log(rho)
    assert by_input.reach.steps == pytest.approx(expected - less, abs=3)
    # A displacement that shrinks by rho moves the output by rho² as much.
    rates = by_state.median[1:40] / by_state.median[:39]
    torch.testing.assert_close(rates.median(), torch.tensor(rho**2).double(), rtol=0.1, atol=0)
    gradient = reach_by_gradient(gradient_by_lag(network, x, max_lag=80).profile())
    assert gradient.steps == pytest.approx(expected, rel=1e-4)


class Last(nn.Module):
    """Says which of 4 symbols stood `lag` steps ago, being a delay line."""

    def __init__(self, lag: int) -> None:
        super().__init__()
        self.rnn = elman.RNN(4, 4 * (lag + 1), nonlinearity="relu", bias=False)
        with torch.no_grad():
            self.rnn.weight_ih_l0.zero_()
            self.rnn.weight_ih_l0[:4] = torch.eye(4)
            self.rnn.weight_hh_l0.copy_(torch.eye(4 * (lag + 1)).roll(4, 0))
            self.rnn.weight_hh_l0[:4] = 0

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.rnn(x)
        return 5 * y[..., -4:]  # type: ignore[no-any-return]


def test_a_delay_line_remembers_to_the_step() -> None:
    """The gradient by the input is there at one lag only, and so is the intervention's effect."""
    lag = 7
    symbols = torch.randint(4, (40, 8))
    targets = symbols.roll(lag, 0)
    x = nn.functional.one_hot(symbols, 4).float()
    diagnosis_input = DiagnosisInput.of(Last(lag), (x, targets))
    assert diagnosis_input.categorical
    by_input, by_state = intervene(diagnosis_input, 20)
    moved = by_input.median
    assert float(moved[lag]) > 1
    assert float(moved[torch.arange(21) != lag].amax()) < 1e-9
    assert lag <= by_input.reach.steps <= lag + 1
    assert float(by_state.median[: lag + 1].amin()) > 1
    assert lag <= by_state.reach.steps <= lag + 1


def test_outputs_at_the_end_only() -> None:
    class End(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = linear(0.8)
            self.weight = nn.Parameter(torch.randn(8, 2).double())

        def forward(self, x: Tensor) -> Tensor:
            y, _ = self.rnn(x)
            return y[-1] @ self.weight  # type: ignore[no-any-return]

    _, by_state = intervene(DiagnosisInput.of(End(), torch.randn(60, 8, 3).double()), 59)
    expected = math.log(0.01) / math.log(0.8)
    assert by_state.reach.steps == pytest.approx(expected, rel=0.15)


def test_one_row_has_nothing_to_exchange() -> None:
    assert intervene(DiagnosisInput.of(linear(0.8), torch.randn(20, 1, 3).double()), 10) == []


def test_inputs_that_are_all_the_same_are_not_exchanged() -> None:
    found = intervene(DiagnosisInput.of(linear(0.8), torch.ones(20, 3, 3).double()), 10)
    assert [one.what for one in found] == ["state"]

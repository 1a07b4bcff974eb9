"""Step Jacobians and Lyapunov exponents against what is known on paper."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

import elman
from elman.diagnostics import jacobians, lyapunov, step_jacobian
from elman.diagnostics.jacobians import spectral_radius
from elman.diagnostics.steps import flat, record
from tests.diagnostics.networks import linear, scale_memory


def steps_of(layer: nn.Module, x: torch.Tensor, place: str = "l0") -> Any:
    with torch.no_grad():
        _, steps = record(layer, lambda: layer(x))
    return steps[place]


def at_a_fixed_point() -> tuple[nn.Module, Any]:
    """A tanh network under an input that does not change, long enough to have settled."""
    layer = scale_memory(elman.RNN(3, 6, dtype=torch.float64), 0.9)
    x = torch.randn(3).double().expand(600, 2, 3)
    return layer, steps_of(layer, x)


def test_the_jacobian_of_a_tanh_network_at_a_fixed_point() -> None:
    layer, steps = at_a_fixed_point()
    h = layer(torch.cat([step.x[:1] for step in steps]).unsqueeze(1))[0][-1, 0]
    torch.testing.assert_close(steps[-1].after["h"][0], h)
    expected = (1 - h**2).diag() @ layer.weight_hh_l0  # type: ignore[operator]
    torch.testing.assert_close(step_jacobian(steps[-1]), expected.detach(), rtol=1e-9, atol=1e-12)
    found = jacobians(steps)
    torch.testing.assert_close(found.singular[-1], torch.linalg.svdvals(expected)[0].detach())
    radius = torch.linalg.eigvals(expected).abs().amax().detach()
    torch.testing.assert_close(found.radius[-1], radius)


def test_the_exponents_at_a_fixed_point_are_those_of_its_eigenvalues() -> None:
    _, steps = at_a_fixed_point()
    eigenvalues = torch.linalg.eigvals(step_jacobian(steps[-1])).abs().sort(descending=True)[0]
    found = lyapunov(steps[-400:], count=2)
    torch.testing.assert_close(found.exponents, eigenvalues[:2].log(), rtol=5e-3, atol=5e-3)


@pytest.mark.parametrize("rho", [0.5, 1.0, 1.5])
def test_the_exponents_of_a_linear_network_are_ln_rho(rho: float) -> None:
    network = linear(rho)
    steps = steps_of(network, torch.randn(60, 3, 3).double(), "forward")
    found = lyapunov(steps)
    expected = torch.full((4,), math.log(rho), dtype=torch.float64)
    torch.testing.assert_close(found.exponents, expected, rtol=1e-10, atol=1e-10)
    assert float(found.errors.amax()) < 1e-10
    assert found.steps == 54 * 3


def test_the_error_of_an_exponent_is_about_its_spread_over_repetitions() -> None:
    """Steps that stretch by e^z, z normal of deviation 0.5: the error is 0.5 / sqrt(steps)."""

    class Random(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def initial_state(self, batch_size: int) -> elman.State:
            return elman.State(h=torch.ones(batch_size, 1))

        def step(self, x_t: torch.Tensor, state: elman.State) -> Any:
            h = state["h"] * (0.5 * x_t).exp()
            return h, elman.State(h=h)

    found = lyapunov(steps_of(elman.Recurrent(Random()), torch.randn(1000, 4, 1), "forward"))
    expected = 0.5 / math.sqrt(found.steps)
    assert 0.6 * expected < float(found.errors[0]) < 1.5 * expected
    assert abs(float(found.exponents[0])) < 4 * expected


@pytest.mark.parametrize("kind", [elman.RNN, elman.GRU, elman.LSTM])
def test_finite_differences_agree(kind: Any) -> None:
    layer = kind(3, 4, dtype=torch.float64)
    step = steps_of(layer, torch.randn(5, 2, 3).double())[3]
    matrix, small = step_jacobian(step, 1), 1e-6
    before = flat(step.before)[1]
    for unit, push in enumerate(small * torch.eye(len(before), dtype=torch.float64)):
        ends = []
        for pushed in (before + push, before - push):
            parts = pushed.split(4)
            named = {n: p[None] for n, p in zip(step.before, parts, strict=True)}
            ends.append(flat(step.advance(step.x[1:2], named))[0])
        slope = (ends[0] - ends[1]) / (2 * small)
        torch.testing.assert_close(matrix[:, unit], slope.detach(), rtol=1e-6, atol=1e-9)


def test_the_spectral_radius_of_a_wide_matrix() -> None:
    wide = torch.randn(700, 700, dtype=torch.float64) / math.sqrt(700)
    exact = torch.linalg.eigvals(wide).abs().amax()
    torch.testing.assert_close(spectral_radius(wide), exact, rtol=0.02, atol=0)
    wide[0, 0] += 3
    exact = torch.linalg.eigvals(wide).abs().amax()
    torch.testing.assert_close(spectral_radius(wide), exact, rtol=1e-6, atol=0)

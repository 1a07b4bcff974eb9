"""Gradients of gradients, many gradients at once, and forward mode, beside the plain loop's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils._pytree import tree_leaves

import elman
from elman.layers.stack import RecurrentStack
from tests.cases import Case

Run = Callable[[RecurrentStack, Tensor], Any]


def plainly(layer: RecurrentStack, x: Tensor) -> Any:
    return layer(x)


def begun(layer: RecurrentStack, x: Tensor) -> Any:
    torch.manual_seed(6)
    sizes = [(layer.num_layers, x.shape[1], width) for width in layer.state_widths]
    given = [torch.randn(size).mul(x.mean()) for size in sizes]
    return layer(x, given[0] if len(given) == 1 else tuple(given))


def begun_by_a_view(layer: RecurrentStack, x: Tensor) -> Any:
    made = [x.mean().expand(1, x.shape[1], width) for width in layer.state_widths]
    wide = [state.expand(layer.num_layers, -1, -1) for state in made]
    return layer(x, wide[0] if len(wide) == 1 else tuple(wide))


def in_chunks(layer: RecurrentStack, x: Tensor) -> Any:
    _first, state = layer(x[:3])
    second, state = layer(x[3:], state)
    return second, state


def by_steps(layer: RecurrentStack, x: Tensor) -> Any:
    state, outputs = layer.initial_state(x.shape[1]), []
    for x_t in x[:3]:
        y, state = layer.step(x_t, state)
        outputs.append(y)
    return outputs[2]


def with_tied_layers(layer: RecurrentStack, x: Tensor) -> Any:
    layer.weight_hh_l1 = layer.weight_hh_l0
    return layer(x)


def ragged(layer: RecurrentStack, x: Tensor) -> Any:
    first, state = layer(x, lengths=[3, 7, 1, 5])
    return layer(x + first.mean(), state, lengths=[2, 2, 7, 4])


def of_a_gradient(layer: RecurrentStack, run: Run, x: Tensor) -> Tensor:
    """The gradients of a function of the gradient of x and of the weights, in one row."""
    x = x.detach().requires_grad_()
    layer.zero_grad()
    total = sum((out * out).sum() + out.sum() for out in tree_leaves(run(layer, x)))
    assert isinstance(total, Tensor)
    weights = list(layer.parameters())
    first = torch.autograd.grad(total, (x, *weights), create_graph=True)
    sum(one.square().sum() for one in first).backward()  # type: ignore[union-attr]
    found = (*first, *[t.grad for t in (x, *weights)])
    return torch.cat([t.detach().flatten() for t in found])


RUNS = [plainly, begun, begun_by_a_view, in_chunks, by_steps, with_tied_layers, ragged]


@pytest.mark.parametrize("extra", [{}, {"layer_norm": True}, {"recompute": True}], ids=str)
@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm", "lstm-proj"])
def test_a_gradient_of_a_gradient(cell: str, run: Run, extra: dict[str, Any]) -> None:
    case = Case(cell, torch.float32, layers=2)
    found = []
    for backend in ("native", "reference"):
        with elman.use_backend(backend):  # type: ignore[arg-type]
            found.append(of_a_gradient(case.ours(**extra), run, case.input()))
    scale = float(found[1].abs().max())
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("extra", [{}, {"layer_norm": True}], ids=str)
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm", "lstm-proj"])
def test_a_jacobian_row_by_row_and_at_once(cell: str, extra: dict[str, Any]) -> None:
    case = Case(cell, torch.float32, steps=3, batch=2, layers=2)
    layer, x = case.ours(**extra), case.input()

    def outputs(x: Tensor) -> Tensor:
        y: Tensor = layer(x)[0]
        return y

    rows = torch.autograd.functional.jacobian(outputs, x)
    at_once = torch.autograd.functional.jacobian(outputs, x, vectorize=True)
    torch.testing.assert_close(at_once, rows, rtol=1e-4, atol=1e-5)
    assert rows.abs().max() > 0
    layer(x)[0].sum().backward()
    grads = [p.grad for p in layer.parameters()]
    assert all(grad is not None and not grad.requires_grad for grad in grads)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # of torch's own
@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_forward_mode(cell: str, frozen: bool) -> None:
    """A tangent goes through the plain loop; no kernel of ours would carry it."""
    case = Case(cell, torch.float32)
    layer, x = case.ours().requires_grad_(not frozen), case.input()
    tangent = torch.randn_like(x)
    with forward_ad.dual_level():
        y, _ = layer(forward_ad.make_dual(x, tangent))
        found = forward_ad.unpack_dual(y).tangent
    step = 1e-2
    with torch.no_grad():
        ahead, behind = (layer(x + sign * step * tangent)[0] for sign in (1, -1))
    assert found is not None
    torch.testing.assert_close(found, (ahead - behind) / (2 * step), rtol=1e-2, atol=2e-3)

"""Training in one call of an operator, and one back: gradients as the slow path gives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from elman import State
from elman.layers.stack import RecurrentStack
from tests.cases import CELLS, Case
from tests.layers.test_fast_path import PLAIN, both_paths, equal

pytestmark = pytest.mark.usefixtures("poisoned_memory")
FUSED = "_FusedStackBackward"


def gradients(layer: RecurrentStack, x: Tensor, hx: Any = None, pick: Any = tree_leaves) -> Any:
    """What the layer gives, and the gradients of x, hx and the weights for some loss of it.

    `pick` has of the outputs and states what the loss is of.
    """
    x = x.detach().requires_grad_()
    begin = [state.detach().requires_grad_() for state in tree_leaves(hx) if state is not None]
    given = hx if hx is None else tuple(begin) if isinstance(hx, tuple) else begin[0]
    layer.zero_grad()
    made = layer(x, given)
    torch.manual_seed(5)
    sum((out * torch.randn_like(out)).sum() for out in tree_leaves(pick(made))).backward()
    kept = [t.grad for t in (x, *begin, *layer.parameters())]
    return made, [torch.zeros(0) if grad is None else grad for grad in kept]


def both(layer: RecurrentStack, run: Callable[[], Any]) -> tuple[list[Tensor], list[Tensor]]:
    return both_paths(layer, run, torch.enable_grad)


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_all_gradients(case: Case) -> None:
    layer, x = case.ours(), case.input()
    equal(both(layer, lambda: gradients(layer, x, case.hx(layer))))


@pytest.mark.parametrize("cell", CELLS)
def test_it_is_one_call(cell: str) -> None:
    case = Case(cell, torch.float32, layers=2)
    layer, x = case.ours(), case.input()
    assert type(layer(x)[0].grad_fn).__name__ == FUSED
    y, state = layer.step(x[0], layer.initial_state(case.batch))
    assert type(y.grad_fn).__name__ == type(state["h"].grad_fn).__name__ == FUSED
    layer.requires_grad_(False)
    assert layer(x)[0].grad_fn is None


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("pick", [lambda out: out[0], lambda out: out[1], lambda out: out[0][2:4]])
def test_a_loss_of_some_of_what_it_gives(cell: str, pick: Callable[[Any], Any]) -> None:
    case = Case(cell, torch.float32, layers=3, begin="given")
    layer, x = case.ours(), case.input()
    equal(both(layer, lambda: gradients(layer, x, case.hx(layer), pick)))


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_some_of_what_it_takes(cell: str) -> None:
    case = Case(cell, torch.float32, layers=2)
    layer, x = case.ours(), case.input()
    layer.weight_hh_l0.requires_grad_(False)
    layer.bias_ih_l1.requires_grad_(False)
    equal(both(layer, lambda: gradients(layer, x)))
    layer.zero_grad()
    layer(x)[0].sum().backward()
    assert layer.weight_hh_l0.grad is None
    assert layer.weight_ih_l0.grad is not None


@pytest.mark.parametrize("cell", CELLS)
def test_through_a_stream(cell: str) -> None:
    """Steps and chunks with a graph, the state carried: the gradients of the whole sequence."""
    case = Case(cell, torch.float32, layers=2)
    layer, x = case.ours(), case.input()
    found = []
    for pieces in ([case.steps], [1] * case.steps, [3, 4]):
        layer.zero_grad()
        state, outputs = layer.initial_state(case.batch), []
        for chunk in x.split(pieces):
            y, state = layer.scan(chunk, state) if len(chunk) > 1 else layer.step(chunk[0], state)
            outputs.append(y if y.dim() == 3 else y.unsqueeze(0))
        torch.cat(outputs).square().sum().backward()
        found.append(torch.cat([p.grad.flatten() for p in layer.parameters()]))
    for one in found[1:]:
        torch.testing.assert_close(one, found[0], rtol=1e-5, atol=1e-5)


def test_weights_that_changed_in_between_are_noticed() -> None:
    case = Case(dtype=torch.float32)
    layer = case.ours()
    y, _ = layer(case.input())
    with torch.no_grad():
        layer.weight_hh_l0.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize(
    "extra", [{"recompute": True}, {"zoneout": 0.5}, {"learn_initial_state": True}]
)
def test_what_goes_layer_by_layer(extra: dict[str, Any]) -> None:
    case = Case(dtype=torch.float32)
    layer, x = case.ours(**extra).eval(), case.input()
    assert type(layer(x)[0].grad_fn).__name__ != FUSED
    made, found = gradients(layer, x)
    assert all(grad.numel() for grad in found)
    assert made[0].shape[0] == case.steps


def test_a_state_that_is_a_view() -> None:
    case = Case(dtype=torch.float32, batch=6)
    layer, x = case.ours(), case.input()
    learned = [torch.randn(1, 1, 5, requires_grad=True) for _ in range(2)]

    def run() -> Any:
        for one in learned:
            one.grad = None
        tensors = {n: t.expand(-1, 6, -1) for n, t in zip("hc", learned, strict=True)}
        layer(x, State.with_axes(tensors, {"h": 1, "c": 1}))[0].sum().backward()
        return [one.grad for one in learned]

    equal(both(layer, run))

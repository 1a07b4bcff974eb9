"""Outputs and final states that are changed in place before the backward pass."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

import elman
from elman.kernels.in_place import Version


def gradients(layer: Any, x: Tensor, *, in_place: bool, through: Any = None) -> tuple[Tensor, ...]:
    y, final = through(layer, x) if through else layer(x)
    final = list(final) if isinstance(final, tuple) else [final]
    if in_place:
        y += 1
        y.transpose(0, 1).mul_(2)
        for state in final:
            state *= 3
    else:
        y, final = (y + 1) * 2, [state * 3 for state in final]
    loss = y.square().sum() + sum(state.square().sum() for state in final)
    return torch.autograd.grad(loss, [x, *layer.parameters()])


@pytest.mark.fault(21)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_layers": 2},
        {"bidirectional": True},
        {"batch_first": True},
        {"layer_norm": True},
        {"recompute": True},
        {"zoneout": 0.2},
    ],
    ids=lambda options: next(iter(options), "plain"),
)
@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
def test_gradients_are_those_of_a_change_into_a_new_tensor(
    name: str, options: dict[str, Any]
) -> None:
    layer = getattr(elman, name)(4, 6, **options)
    x = torch.randn(5, 3, 4, requires_grad=True)
    found = []
    for in_place in (False, True):
        torch.manual_seed(1)
        found.append(gradients(layer, x, in_place=in_place))
    for expected, got in zip(*found, strict=True):
        torch.testing.assert_close(got, expected, rtol=0, atol=0)


@pytest.mark.fault(21)
def test_inside_a_checkpoint() -> None:
    layer, x = elman.LSTM(4, 6), torch.randn(5, 3, 4, requires_grad=True)

    def through(layer: Any, x: Tensor) -> Any:
        return checkpoint(layer, x, use_reentrant=False)

    expected = gradients(layer, x, in_place=False)
    got = gradients(layer, x, in_place=True, through=through)
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_a_changed_input_is_still_an_error() -> None:
    layer, x = elman.GRU(4, 6), torch.randn(5, 3, 4)
    y, _ = layer(x)
    x += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_a_version_holds_no_memory() -> None:
    tensor = torch.ones(3)
    version = Version(tensor)
    assert version._probe.untyped_storage().nbytes() == 0
    assert not version.is_changed
    tensor.view(3, 1).add_(1)
    assert version.is_changed

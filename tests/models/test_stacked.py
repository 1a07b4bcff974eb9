"""Layers stacked: step == chunk == whole, states by name, dropout between layers only."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

import elman
from elman.errors import InputError
from elman.layers.state import State
from elman.models.cells import CellOptions, recurrent_layers
from elman.models.stacked import StackedLayers, output_width
from tests.models.networks import LAYERS, assert_equal_states

T, B, E, H = 7, 3, 4, 5


def stack(cell: str = "lstm", **options: float | bool) -> StackedLayers:
    torch.manual_seed(0)
    made = StackedLayers([LAYERS[cell](E, H), LAYERS[cell](H, H)], **options)  # type: ignore[arg-type]
    return made.double().eval()


@pytest.mark.parametrize("cell", LAYERS)
def test_step_by_step_is_the_layers_one_after_the_other(cell: str) -> None:
    layers = stack(cell)
    x = torch.randn(T, B, E, dtype=torch.double)
    below, first = layers[0](x, layers[0].initial_state(B))  # type: ignore[operator]
    wanted, second = layers[1](below, layers[1].initial_state(B))  # type: ignore[operator]
    whole, end = layers(x)
    assert torch.equal(whole, wanted)
    assert_equal_states(end, State.join({"layer0": first, "layer1": second}), 0)

    state = layers.initial_state(B).beside(State(other=torch.zeros(B)))
    outputs = []
    for t in range(T):
        y, state = layers.step(x[t], state)
        outputs.append(y)
    torch.testing.assert_close(torch.stack(outputs), whole)
    assert_equal_states(state, end.beside(State(other=torch.zeros(B))), 1e-10)


def test_rows_end_early() -> None:
    layers, x = stack(), torch.randn(T, B, E, dtype=torch.double)
    x[4:, 1] = torch.nan
    together, end = layers(x, lengths=torch.tensor([T, 4, 0]))
    alone, state = layers(x[:4, 1:2])
    torch.testing.assert_close(together[:4, 1:2], alone)
    assert_equal_states(end.select([1]), state, 1e-10)
    assert_equal_states(end.select([2]), layers.initial_state(1), 0)


@pytest.mark.parametrize("locked", [True, False])
def test_dropout_is_between_layers_alone(locked: bool) -> None:
    layers = stack(dropout=0.5, locked=locked).train()
    read: list[torch.Tensor] = []
    for layer in layers:
        layer.register_forward_pre_hook(lambda _, arguments: read.append(arguments[0]))
    y, _ = layers(torch.randn(T, B, E, dtype=torch.double))
    zero = read[1] == 0
    assert not (read[0] == 0).any()
    assert not (y == 0).any()
    assert 0.1 < zero.double().mean() < 0.9
    assert bool((zero == zero[:1]).all()) is locked
    with torch.no_grad():
        drawn = [layers.step(torch.ones(B, E).double(), layers.initial_state(B))[0] for _ in "ab"]
    assert not torch.equal(*drawn)


def test_a_layer_that_is_replaced_or_copied_is_the_one_that_runs() -> None:
    layers = stack()
    twin = copy.deepcopy(layers)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    x = torch.randn(T, B, E, dtype=torch.double)
    assert bool(layers(x)[0].any())
    assert not twin(x)[0].any()
    layers.add_module("1", twin[1])
    assert not layers(x)[0].any()
    assert next(name for name, _ in layers.named_parameters()) == "0.weight_ih_l0"
    assert len(layers) == 2


def test_widths_follow_from_the_layers() -> None:
    both = recurrent_layers("gru", E, [H, H], CellOptions(), bidirectional=True)
    assert output_width(both, E) == 2 * H
    assert StackedLayers(both).bidirectional
    assert StackedLayers(both)(torch.randn(T, B, E))[0].shape == (T, B, 2 * H)
    own = recurrent_layers("tests.models.networks:Leaky", E, [H, H], CellOptions())
    assert StackedLayers(own)(torch.randn(T, B, E))[0].shape == (T, B, H)


@pytest.mark.parametrize(
    ("layers", "match"),
    [
        ([], "at least one"),
        ([nn.GRU(E, H)], "layer 0, GRU, has no step"),
        ([elman.GRU(E, H, batch_first=True)], "batch_first"),
    ],
)
def test_what_is_no_stack(layers: list[nn.Module], match: str) -> None:
    with pytest.raises(InputError, match=match):
        StackedLayers(layers)

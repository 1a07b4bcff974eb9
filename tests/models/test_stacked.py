"""Layers stacked: step == chunk == whole, states by name, dropout between layers only."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import elman
from elman.errors import InputError
from elman.layers import fast_path
from elman.layers.instrument import watched
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


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_plain_layers_run_in_one_call_with_the_same_outputs(
    cell: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    layers = StackedLayers(recurrent_layers(cell, E, [H, H, H], CellOptions())).eval()
    x, other = torch.randn(T, B, E), State(other=torch.zeros(B))
    fused: list[bool] = []
    in_one_call = fast_path.run_layers

    def spied(*given: Any) -> Any:
        done = in_one_call(*given)
        fused.append(done is not None)
        return done

    def run() -> tuple[torch.Tensor, State, torch.Tensor, State]:
        with torch.no_grad():
            y, state = layers(x)
            y_t, after = layers.step(x[0], state.beside(other))
        return y, state, y_t, after

    monkeypatch.setattr(fast_path, "run_layers", spied)
    found = run()
    assert fused == [True]
    found[1].save(tmp_path / "state.safetensors")  # which tensors that share memory do not allow
    monkeypatch.setattr(fast_path, "run_layers", lambda *_: None)
    for one, wanted in zip(found, run(), strict=True):
        if isinstance(one, torch.Tensor):
            assert torch.equal(one, wanted)
        else:
            assert_equal_states(one, wanted, 0)
            assert one.axes == wanted.axes


def test_one_call_tells_of_wrong_shapes_as_the_layers_do() -> None:
    layers = StackedLayers([elman.LSTM(E, H), elman.LSTM(H, H)]).eval()
    state = layers.initial_state(B)
    with torch.no_grad(), pytest.raises(RuntimeError, match="Expected 4, got 6"):
        layers(torch.randn(T, B, E + 2), state)
    with torch.no_grad(), pytest.raises(RuntimeError, match="Expected hidden"):
        layers.step(torch.randn(B + 1, E), state)


def test_hooks_watchers_and_other_weights_are_not_passed_over() -> None:
    layers = StackedLayers([elman.LSTM(E, H), elman.LSTM(H, H)]).eval()
    x, calls = torch.randn(T, B, E), 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    handle = layers[1].register_forward_hook(count)
    with torch.no_grad():
        layers(x)
        assert calls == 1
        handle.remove()
        layers(x)
        assert calls == 1
        with watched(layers, count):
            layers(x)
    assert calls > T

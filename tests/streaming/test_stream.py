"""Items, chunks, saved, restored, forked: all are the model over the whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import elman
from elman.errors import InputError
from elman.layers.state import State
from elman.streaming.stream import Stream, evaluating
from tests.models.networks import (
    LAYERS,
    TOLERANCE,
    VOCAB,
    Leaky,
    assert_equal_states,
    language_model,
)


def cut(data: st.DataObject, steps: int) -> list[int | slice]:
    """Single items and chunks, in order, that make up a sequence."""
    pieces: list[int | slice] = []
    at = 0
    while at < steps:
        size = data.draw(st.integers(0, steps - at))
        pieces.append(slice(at, at + size) if size else at)
        at += size or 1
    return pieces


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("cell", LAYERS)
@given(data=st.data(), batch_size=st.sampled_from([None, 1, 3]))
@settings(max_examples=12)
def test_items_and_chunks_are_the_whole(
    cell: str, dtype: torch.dtype, data: st.DataObject, batch_size: int | None
) -> None:
    model, tolerance = language_model(cell, dtype), TOLERANCE[dtype]
    tokens = torch.randint(VOCAB, (9, batch_size or 1))
    with evaluating(model), torch.no_grad():
        whole, end = model.scan(tokens, model.initial_state(batch_size or 1))
    stream = Stream(model, batch_size)
    pushed = tokens if batch_size else tokens[:, 0]
    outputs = []
    for piece in cut(data, 9):
        got = stream.push(pushed[piece])
        outputs.append(got[None] if isinstance(piece, int) else got)
        if data.draw(st.booleans()):  # saved and restored, in another stream
            stream = Stream(model, batch_size, stream.state)
    got = torch.cat(outputs) if batch_size else torch.cat(outputs)[:, None]
    torch.testing.assert_close(got.clone(), whole, rtol=tolerance, atol=tolerance)
    assert_equal_states(stream.state, end, tolerance)


@pytest.mark.parametrize("make", [elman.RNN, elman.GRU, elman.LSTM, Leaky], ids=str)
def test_a_layer_or_cell_streams_vectors(make: Callable[..., nn.Module]) -> None:
    layer: Any = make(3, 5).double()
    x = torch.randn(7, 2, 3, dtype=torch.float64)
    run = layer if isinstance(layer, elman.LSTM | elman.GRU | elman.RNN) else elman.Recurrent(layer)
    whole, end = run(x, layer.initial_state(2))
    stream = Stream(layer, 2)
    outputs = torch.cat([stream.push(x[:4]), stream.push(x[4])[None], stream.push(x[5:])])
    torch.testing.assert_close(outputs.clone(), whole.detach(), rtol=1e-10, atol=1e-10)
    assert_equal_states(stream.state, end.detach(), 1e-10)
    # One stream without batch axis, fed with whatever holds numbers.
    one = Stream(layer)
    lists, array = x[:4, 0].tolist(), x[4:, 0].numpy()
    outputs = torch.cat([one.push(lists), one.push(array[0])[None], one.push(array[1:])])
    torch.testing.assert_close(outputs.clone(), whole[:, 0].detach(), rtol=1e-10, atol=1e-10)


def test_saved_to_a_file_and_restored(tmp_path: Path) -> None:
    model = language_model("lstm")
    stream = Stream(model, 2)
    stream.push(torch.randint(VOCAB, (5, 2)))
    stream.state.save(tmp_path / "state.safetensors")
    rest = torch.randint(VOCAB, (4, 2))
    wanted = stream.push(rest)
    other = Stream(model, 2, State.load(tmp_path / "state.safetensors"))
    assert torch.equal(other.push(rest), wanted)


def test_a_fork_knows_nothing_of_the_other() -> None:
    model = language_model("custom")
    stream = Stream(model)
    stream.push([1, 2, 3])
    fork = stream.fork()
    before = fork.state
    stream.push([4, 5])
    assert_equal_states(fork.state, before, 0.0)
    fork.push([4, 5])
    assert_equal_states(fork.state, stream.state, 0.0)


def test_a_state_taken_out_is_a_copy() -> None:
    stream = Stream(language_model("lstm"))
    stream.push([1, 2])
    taken = stream.state
    wanted = stream.fork().push(3)
    for tensor in taken.values():
        tensor.zero_()
    stream_wanted = stream.fork()
    assert torch.equal(stream_wanted.push(3), wanted)
    given_away = stream.state
    stream.state = given_away
    for tensor in given_away.values():
        tensor.zero_()
    assert torch.equal(stream.push(3), wanted)


def test_a_state_taken_out_can_train() -> None:
    model = language_model("gru")
    stream = Stream(model, 2)
    stream.push([[1, 2], [3, 4]])
    features, _ = model.train()(torch.randint(VOCAB, (3, 2)), stream.state)
    model.loss(features, torch.randint(VOCAB, (3, 2)))[0].backward()
    assert model.embedding.weight.grad is not None


@pytest.mark.parametrize(
    "rows", [[1], torch.tensor([False, True, False]), torch.tensor([1]), np.array([1])], ids=str
)
def test_rows_begin_anew_alone(rows: Any) -> None:
    model = language_model("lstm-dressed")  # its initial state is not zero
    stream, tokens = Stream(model, 3), torch.randint(VOCAB, (4, 3))
    stream.push(tokens)
    before = stream.state
    stream.reset(rows)
    with torch.no_grad():
        initial = model.initial_state(3)
    assert_equal_states(stream.state.select([1]), initial.select([1]), 0.0)
    assert_equal_states(stream.state.select([0, 2]), before.select([0, 2]), 0.0)
    stream.reset([])
    assert_equal_states(stream.state.select([0, 2]), before.select([0, 2]), 0.0)
    stream.reset()
    assert_equal_states(stream.state, initial, 0.0)


def test_nan_in_a_row_stays_there() -> None:
    layer = elman.LSTM(3, 4)
    clean, poisoned = Stream(layer, 2), Stream(layer, 2)
    x = torch.randn(5, 2, 3)
    wanted = clean.push(x)
    x[2, 1] = float("nan")
    got = poisoned.push(x)
    assert got[2:, 1].isnan().any()
    assert torch.equal(got[:, 0], wanted[:, 0])
    poisoned.reset([1])
    clean.reset([1])
    assert torch.equal(poisoned.push(x[:2]), clean.push(x[:2]))


def test_the_model_is_left_in_its_mode() -> None:
    model = language_model("lstm-dressed").train()
    model.layers[1].eval()
    stream = Stream(model)
    first = stream.fork().push([1, 2, 3])
    assert torch.equal(first, stream.push([1, 2, 3]))  # no dropout
    assert model.training
    assert model.layers[0].training
    assert not model.layers[1].training
    with pytest.raises(InputError):
        stream.push(VOCAB)
    assert model.training
    assert not first.requires_grad


def test_a_failed_push_leaves_the_state() -> None:
    stream = Stream(language_model("gru"))
    stream.push([1, 2])
    before = stream.state
    for wrong in ([1, VOCAB], -1, [], 0.5, [[1], [2]], "a", [[1], [2, 3]], True, None):
        with pytest.raises(InputError) as error:
            stream.push(wrong)  # type: ignore[arg-type]
        assert "\n" not in str(error.value)
    assert_equal_states(stream.state, before, 0.0)
    with pytest.raises(InputError, match="at least one item"):
        stream.push([])


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (lambda: Stream(language_model("lstm"), 3).state, "batch of 3, expected 2"),
        (lambda: Stream(language_model("gru"), 2).state, "another model"),
        (lambda: Stream(language_model("lstm", depth=1), 2).state, "another model"),
        (lambda: Stream(elman.LSTM(3, 8), 2).state, "another model"),
    ],
)
def test_a_state_from_elsewhere(state: Callable[[], State], said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        Stream(language_model("lstm"), 2, state())
    assert "\n" not in str(error.value)
    assert "this stream" in str(error.value)


def test_wrong_sizes() -> None:
    model = language_model("lstm")
    with pytest.raises(InputError, match="batch_size"):
        Stream(model, 0)
    stream = Stream(model, 3)
    for wrong in ([1, 2], [[1, 2]], 1):
        with pytest.raises(InputError):
            stream.push(wrong)
    for rows in ([3], [-4]):
        with pytest.raises(InputError, match="rows"):
            stream.reset(rows)
    with pytest.raises(InputError, match="rows"):
        stream.reset(torch.tensor([True]))


def test_a_state_of_another_precision_is_converted() -> None:
    double = Stream(language_model("lstm", torch.float64))
    double.push([1, 2])
    single = Stream(language_model("lstm", torch.float32), state=double.state)
    torch.testing.assert_close(single.push(3).double(), double.push(3), rtol=1e-5, atol=1e-5)

"""Rows that take part in a step, and rows of length 0: any subsets over time == each row alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import elman
from elman import State
from elman.layers.instrument import watched
from elman.models.classifier import Classifier
from elman.models.language_model import LanguageModel
from elman.models.memory import MemoryNetwork
from elman.models.stacked import StackedLayers
from elman.streaming.stream import Stream, evaluating
from tests.cases import CELLS, Case
from tests.layers.test_equality import EXTRAS, Leaky

ROWS, STEPS, VOCAB = 3, 5, 6


def _layers(dtype: torch.dtype) -> dict[str, nn.Module]:
    cells = {cell: Case(cell=cell, layers=2, dtype=dtype).ours() for cell in CELLS}
    dressed = Case(cell="lstm", dtype=dtype).ours(**EXTRAS[-1], learn_initial_state=True)
    nn.init.normal_(dressed.get_parameter("initial_c"))
    return {**cells, "dressed": dressed}


def _models() -> dict[str, nn.Module]:
    torch.manual_seed(1)
    layer = elman.Recurrent(Leaky(3, 5))
    return {
        **_layers(torch.float64),
        **{f"{name} in float32": layer for name, layer in _layers(torch.float32).items()},
        "cell": elman.LSTMCell(3, 5, dtype=torch.float64),
        "Recurrent": layer,
        "a user's cell": Leaky(3, 5),
        "stacked": StackedLayers([elman.GRU(3, 5), elman.RNN(5, 4)]).double(),
        "memory network": MemoryNetwork(layer, 5, 2).double(),
        "language model": LanguageModel(VOCAB, 3, [elman.GRU(3, 5), elman.RNN(5, 4)]).double(),
        "classifier": Classifier(None, [elman.GRU(3, 5)], 5, 2).double(),
        "tagger": Classifier(nn.Embedding(VOCAB, 3), [elman.LSTM(3, 5)], 5, 2, pooling=None),
    }


MODELS = {name: model.eval() for name, model in _models().items()}
SCANNED = [name for name, model in MODELS.items() if getattr(model, "scan", None)]


def inputs(model: Any, steps: int = STEPS) -> Tensor:
    torch.manual_seed(2)
    if getattr(model, "item_axes", 1) == 0:
        return torch.randint(VOCAB, (steps, ROWS))
    return torch.randn(steps, ROWS, 3, dtype=next(model.parameters()).dtype)


def poisoned(x: Tensor, mask: Tensor) -> Tensor:
    """`x` with what cannot be read in the rows that don't take part."""
    bad = VOCAB + 7 if x.dtype == torch.long else float("nan")
    return x.masked_fill(~mask.view(*mask.shape, *[1] * (x.dim() - mask.dim())), bad)


def close(found: Tensor, wanted: Tensor) -> None:
    tolerance = 1e-5 if found.dtype == torch.float32 else 1e-10
    torch.testing.assert_close(found, wanted, rtol=tolerance, atol=tolerance)


masks = st.lists(st.lists(st.booleans(), min_size=ROWS, max_size=ROWS), min_size=1, max_size=STEPS)


@pytest.mark.parametrize("name", MODELS)
@given(subsets=masks)
@settings(max_examples=10)
def test_any_subsets_over_time_are_each_row_alone(name: str, subsets: list[list[bool]]) -> None:
    model: Any = MODELS[name]
    x, masks = inputs(model, len(subsets)), torch.tensor(subsets)
    stream = Stream(model, ROWS)
    state = begin = model.initial_state(ROWS)
    alone = [begin.select([row]) for row in range(ROWS)]
    with torch.no_grad():
        for x_t, mask in zip(x, masks, strict=True):
            before, items = state, poisoned(x_t, mask)
            pushed = stream.push(items, active=mask)
            if name == "a user's cell":  # whose own step knows no mask
                y, state = pushed, stream.state
            else:
                y, state = model.step(items, before, active=mask)
                assert torch.equal(pushed, y)
            for row in range(ROWS):
                if mask[row]:
                    one, alone[row] = model.step(x_t[row : row + 1], alone[row])
                    close(y[row : row + 1], one)
                    for part in state:
                        close(state.select([row])[part], alone[row][part])
                else:
                    assert not y[row].any()
                    for part in state:
                        assert torch.equal(state.select([row])[part], before.select([row])[part])


@pytest.mark.parametrize("name", SCANNED)
@given(lengths=st.lists(st.integers(0, STEPS), min_size=ROWS, max_size=ROWS))
@settings(max_examples=10)
def test_a_scan_with_lengths_is_each_row_alone(name: str, lengths: list[int]) -> None:
    model: Any = MODELS[name]
    x, begin = inputs(model), Stream(model, ROWS)
    begin.push(x)  # a state that is not the initial one
    state = begin.state
    with torch.no_grad():
        y, after = model.scan(x, state, lengths=lengths)
        for row, length in enumerate(lengths):
            own = state.select([row])
            if length:
                one, own = model.scan(x[:length, row : row + 1], own)
                close(y[:length, row : row + 1], one)
            assert not y[length:, row].any()
            for part in after:
                close(after.select([row])[part], own[part])
                if not length:
                    assert torch.equal(after.select([row])[part], own[part])


@pytest.mark.parametrize("name", MODELS)
def test_a_chunk_for_some_rows(name: str) -> None:
    model: Any = MODELS[name]
    x, mask = inputs(model), torch.tensor([True, False, True])
    stream, others = Stream(model, ROWS), Stream(model, 2)
    stream.push(x)
    others.state = stream.state.select([0, 2])
    before = stream.state
    y = stream.push(poisoned(x.transpose(0, 1), mask).transpose(0, 1), active=mask)
    close(y[:, [0, 2]], others.push(x[:, [0, 2]]))
    assert not y[:, 1].any()
    for part in before:
        assert torch.equal(stream.state.select([1])[part], before.select([1])[part])


@pytest.mark.parametrize("mask", [[True, False, True], [False] * 3])
def test_gradients_pass_rows_that_rest(mask: list[bool]) -> None:
    layer = Case(cell="lstm").ours()
    x = inputs(layer)[0]
    given = {name: torch.randn_like(t) for name, t in layer.initial_state(ROWS).items()}
    for tensor in given.values():
        tensor.requires_grad_()
    state = State.with_axes(given, dict.fromkeys(given, 1))
    y, after = layer.step(poisoned(x, torch.tensor(mask)), state, active=mask)
    torch.stack([y.sum(), *[part.sum() for part in after.values()]]).sum().backward()  # type: ignore[no-untyped-call]
    for tensor in given.values():
        assert tensor.grad is not None
        assert tensor.grad[:, ~torch.tensor(mask)].eq(1).all()
        assert tensor.grad.isfinite().all()


def test_a_watcher_sees_the_rows_that_take_part() -> None:
    layer = Case(cell="gru").ours()
    seen: list[Any] = []
    state = layer.initial_state(ROWS)
    with watched(layer, seen.append), evaluating(layer):
        y, _ = layer.step(inputs(layer)[0], state, active=[True, False, True])
    assert [len(step.x) for step in seen] == [2]
    close(y, layer.eval().step(inputs(layer)[0], state, active=[True, False, True])[0])


@pytest.mark.parametrize(
    ("mask", "error"),
    [([1, 0, 1], TypeError), ([True], ValueError), ([[True] * 3], ValueError)],
)
def test_masks_that_are_none(mask: Any, error: type[Exception]) -> None:
    layer = Case(cell="gru").ours().eval()
    with pytest.raises(error, match="active should"):
        layer.step(inputs(layer)[0], layer.initial_state(ROWS), active=mask)
    stream = Stream(layer, ROWS)
    with pytest.raises(elman.InputError, match="active should"):
        stream.push(inputs(layer), active=mask)


def test_a_stream_of_one_row_has_no_mask() -> None:
    layer = Case(cell="gru").ours()
    with pytest.raises(elman.InputError, match="batch_size"):
        Stream(layer).push(inputs(layer)[0, 0], active=[True])

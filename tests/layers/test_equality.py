"""Steps == chunks == whole; alone == in a batch; a row's NaN stays in its row; any threads."""

from __future__ import annotations

import functools
import itertools
import random
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import elman
from elman import State
from elman.layers.stack import RecurrentStack
from tests.cases import CELLS, SAMPLE, TOLERANCE, Case

EXTRAS: list[dict[str, Any]] = [
    {},
    {"layer_norm": True},
    {"zoneout": 0.3},
    {"learn_initial_state": True},
    {"layer_norm": True, "zoneout": 0.2, "recurrent_dropout": 0.4, "weight_dropout": 0.3},
]


SERVED = [(cell, backend) for cell in CELLS for backend in ("torch", "reference", "native")]


def dtype_of(backend: str) -> torch.dtype:
    return torch.float32 if backend == "native" else torch.float64


class Leaky(nn.Module):
    """A cell of a user's own, with two tensors in its state."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.mix = nn.Linear(input_size + hidden_size, hidden_size, dtype=torch.float64)

    def initial_state(self, batch_size: int) -> State:
        start = self.mix.weight.new_zeros(batch_size, self.mix.out_features)
        return State(level=start, count=start[:, 0])

    def step(self, x_t: Tensor, state: State) -> tuple[Tensor, State]:
        new = torch.tanh(self.mix(torch.cat([x_t, state["level"]], -1)))
        level = 0.7 * state["level"] + 0.3 * new
        return level * 2, State(level=level, count=state["count"] + 1)


@functools.cache
def layers() -> list[nn.Module]:
    built: list[nn.Module] = [
        Case(cell=cell, layers=2).ours(**extras).eval() for cell in CELLS for extras in EXTRAS
    ]
    return [*built, elman.Recurrent(Leaky(3, 5))]


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def same(a: State, b: State) -> None:
    a.require_like(b, "test")
    for name in a:
        close(a[name], b[name])


@settings(max_examples=40)
@given(which=st.integers(0, 25), cuts=st.lists(st.integers(1, 11), max_size=4, unique=True))
def test_steps_and_chunks_give_the_whole(which: int, cuts: list[int]) -> None:
    layer = layers()[which]
    torch.manual_seed(which)
    x = torch.randn(12, 4, 3, dtype=torch.float64)
    begin = layer.initial_state(4)  # type: ignore[operator]
    whole, final = layer(x, begin)

    state, chunks = begin, []
    edges = [0, *sorted(cuts), 12]
    for start, stop in itertools.pairwise(edges):
        y, state = layer(x[start:stop], state)
        chunks.append(y)
    close(torch.cat(chunks), whole)
    same(state, final)

    state, steps = begin, []
    for x_t in x:
        y_t, state = layer.step(x_t, state)  # type: ignore[operator]
        steps.append(y_t)
    close(torch.stack(steps), whole)
    same(state, final)

    if isinstance(layer, RecurrentStack):
        scanned, state = layer.scan(x, begin)
        close(scanned, whole)
        same(state, final)


@pytest.mark.parametrize("index", range(26))
def test_alone_is_as_in_a_ragged_batch(index: int) -> None:
    layer = layers()[index]
    lengths = [9, 0, 1, 5]
    x = torch.randn(9, 4, 3, dtype=torch.float64)
    y, final = layer(x, layer.initial_state(4), lengths=lengths)  # type: ignore[operator]
    for row, length in enumerate(lengths):
        assert not y[length:, row].any()
        one = layer.initial_state(1)  # type: ignore[operator]
        if length:
            alone, one = layer(x[:length, row : row + 1], one)
            close(y[:length, row : row + 1], alone)
        same(final.select([row]), one)


@pytest.mark.parametrize(("cell", "backend"), SERVED)
@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_poison_stays_in_its_row(cell: str, backend: str, poison: float) -> None:
    case = Case(cell=cell, layers=2, bidirectional=True, dtype=dtype_of(backend))
    layer = case.ours()
    x = case.input()
    x[2, 1] = poison
    x.requires_grad_()
    with elman.use_backend(backend):  # type: ignore[arg-type]
        y, _ = layer(x)
    others = [0, 2, 3]
    assert y[:, others].isfinite().all()
    y[:, others].sum().backward()
    assert x.grad is not None
    assert x.grad[:, others].isfinite().all()


@pytest.mark.parametrize(("cell", "backend"), SERVED)
def test_nothing_in_the_padding_is_read(cell: str, backend: str) -> None:
    case = Case(cell=cell, layers=2, bidirectional=True, dtype=dtype_of(backend))
    layer = case.ours()
    x = case.input()
    for row, length in enumerate([7, 0, 3, 1]):
        x[length:, row] = float("nan")
    x.requires_grad_()
    with elman.use_backend(backend):  # type: ignore[arg-type]
        y, final = layer(x, layer.initial_state(4), lengths=[7, 0, 3, 1])
    (y.sum() + sum(part.sum() for part in final.values())).backward()
    assert y.isfinite().all()
    for parameter in layer.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
    assert x.grad is not None
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("case", SAMPLE, ids=str)
def test_a_run_repeats_itself_to_the_bit(case: Case) -> None:
    layer, x = case.ours(), case.input()
    first, _ = layer(x, case.hx(layer), lengths=case.row_lengths())
    again, _ = layer(x, case.hx(layer), lengths=case.row_lengths())
    assert torch.equal(first, again)


@pytest.mark.parametrize("dtype", list(TOLERANCE), ids=str)
@pytest.mark.parametrize("cell", CELLS)
def test_the_number_of_threads_does_not_matter(cell: str, dtype: torch.dtype) -> None:
    case = replace(Case(), cell=cell, dtype=dtype, steps=35, batch=20, hidden_size=64)
    layer, x = case.ours(), case.input()
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(layer(x)[0])
    torch.testing.assert_close(*results, rtol=case.tolerance, atol=case.tolerance)


def test_the_order_of_rows_does_not_matter() -> None:
    generator = random.Random(0)
    layer = Case(cell="gru", bidirectional=True).ours()
    lengths = [generator.randint(0, 7) for _ in range(6)]
    x = torch.randn(7, 6, 3, dtype=torch.float64)
    y, final = layer(x, lengths=lengths)
    order = [3, 0, 5, 1, 4, 2]
    shuffled, last = layer(x[:, order], lengths=[lengths[row] for row in order])
    close(shuffled, y[:, order])
    close(last, final[:, order])

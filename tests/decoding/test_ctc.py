"""Greedy search of connectionist temporal classification, and what all its searches share."""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

import numpy as np
import pytest
import torch

from elman.decoding.ctc import (
    Emission,
    GreedySearch,
    GreedyState,
    Hypothesis,
    decode,
)
from elman.errors import InputError, RunFailed
from elman.streaming.session import Snapshot
from tests.decoding.alignments import labelling, random_steps

BLANK = 3
CHUNKS = [[1] * 60, [7] * 8 + [4], [0, 13, 0, 47], [60]]


def one_hot(outputs: list[int], width: int = BLANK + 1, sure: float = 0.7) -> np.ndarray:
    """Log-probabilities (S, K) of steps that are as sure of `outputs`."""
    rest = (1 - sure) / (width - 1)
    return np.log([[sure if k == output else rest for k in range(width)] for output in outputs])


def cut(steps: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    ends = np.cumsum(sizes)
    assert ends[-1] == len(steps)
    return np.split(steps, ends[:-1])


@pytest.mark.parametrize(
    ("outputs", "tokens", "steps", "ends"),
    [
        ([], (), (), ()),
        ([BLANK, BLANK], (), (), ()),
        ([0], (0,), (0,), (1,)),
        ([0, 0, BLANK, 0, 1], (0, 0, 1), (0, 3, 4), (2, 4, 5)),
        ([BLANK, 2, 2, 2, BLANK, BLANK, 1], (2, 1), (1, 6), (4, 7)),
        ([1, 2, 1, 1], (1, 2, 1), (0, 1, 2), (1, 2, 4)),
    ],
)
def test_repeats_are_merged_and_blanks_left_out(
    outputs: list[int], tokens: tuple[int, ...], steps: tuple[int, ...], ends: tuple[int, ...]
) -> None:
    search = GreedySearch()
    log_probs = one_hot(outputs) if outputs else np.zeros((0, BLANK + 1))
    found = search.best(search.advance(search.start(), log_probs))
    assert (found.tokens, found.steps, found.ends) == (tokens, steps, ends)
    assert found.log_probability == found.score == pytest.approx(len(outputs) * math.log(0.7))


def test_the_confidence_is_the_largest_probability_of_the_run() -> None:
    log_probs = np.log([[0.5, 0.3, 0.2], [0.9, 0.05, 0.05], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1]])
    search = GreedySearch()
    found = search.best(search.advance(search.start(), log_probs))
    assert found.tokens == (0, 1)
    assert found.confidences == pytest.approx((0.9, 0.8))


def test_it_is_the_labelling_of_the_most_probable_outputs() -> None:
    steps = random_steps(60, 5, seed=3)
    found = decode(steps[:, None], [60])[0][0]
    best = steps.argmax(1).tolist()
    assert found.tokens == labelling(best, 4)
    firsts = [next(run)[0] for key, run in groupby(enumerate(best), lambda x: x[1]) if key != 4]
    assert found.steps == tuple(firsts)
    assert found.log_probability == pytest.approx(steps.max(1).sum())


@pytest.mark.parametrize("sizes", CHUNKS)
def test_chunks_equal_the_whole_to_the_bit(sizes: list[int]) -> None:
    steps, search = random_steps(60, 6, seed=1), GreedySearch()
    state = search.start()
    for chunk in cut(steps, sizes):
        state = search.advance(state, chunk)
    assert search.best(state) == decode(steps[:, None], [60])[0][0]


def test_rows_share_nothing_and_padding_is_not_read() -> None:
    steps = np.stack([random_steps(9, 4, seed=seed) for seed in range(3)], axis=1)
    lengths = [9, 0, 4]
    for row, length in enumerate(lengths):
        steps[length:, row] = math.nan
    found = decode(torch.from_numpy(steps), torch.tensor(lengths))
    alone = [decode(steps[:n, row, None], [n])[0] for row, n in enumerate(lengths)]
    assert found == alone
    assert found[1] == [Hypothesis((), (), (), 0.0, 0.0, ())]


def test_advance_leaves_the_state_that_it_was_given() -> None:
    search = GreedySearch()
    state = search.advance(search.start(), one_hot([0, 1]))
    before = search.best(state)
    search.advance(state, one_hot([1, 2]))
    assert search.best(state) == before


def test_what_is_settled_can_be_taken_and_the_state_stays_small() -> None:
    search, steps = GreedySearch(), random_steps(400, 5, seed=8)
    whole = search.best(search.advance(search.start(), steps))
    state: GreedyState = search.start()
    taken: list[Emission] = []
    for chunk in np.split(steps, 40):
        emitted, state = search.take(search.advance(state, chunk))
        taken += emitted
        assert len(search.best(state).tokens) <= 1
    rest = search.best(state)
    assert Hypothesis.of(taken, 0, 0).tokens + rest.tokens == whole.tokens
    assert Hypothesis.of(taken, 0, 0).steps + rest.steps == whole.steps
    assert Hypothesis.of(taken, 0, 0).ends + rest.ends == whole.ends
    assert (rest.log_probability, rest.score) == (whole.log_probability, whole.score)


@pytest.mark.parametrize("place", [0, 1, 17, 60])
def test_a_snapshot_goes_on_where_it_was_taken(place: int) -> None:
    search, steps = GreedySearch(), random_steps(60, 4, seed=5)
    state = search.advance(search.start(), steps[:place])
    tensors, values = search.pack(state)
    kept = Snapshot.from_bytes(Snapshot("k", "m", tensors=tensors, values=values).to_bytes())
    again = search.advance(search.unpack(kept.tensors, kept.values), steps[place:])
    assert search.best(again) == search.best(search.advance(state, steps[place:]))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"open": True, "path.last": [-1]}, "without a path"),
        ({"path.last": [5]}, "at 5"),
        ({"path.before": [4, 0]}, "at 4"),
        ({"path.confidences": [0.5]}, "shorter"),
    ],
)
def test_a_snapshot_that_does_not_fit_is_refused(change: dict[str, Any], error: str) -> None:
    search = GreedySearch()
    tensors, values = search.pack(search.advance(search.start(), one_hot([0, 1, BLANK])))
    for name, value in change.items():
        if name in tensors:
            tensors[name] = torch.tensor(value)
        else:
            values[name] = value
    with pytest.raises(ValueError, match=error):
        search.unpack(tensors, values)


def test_numbers_that_are_none_are_refused() -> None:
    search = GreedySearch()
    with pytest.raises(RunFailed, match="not numbers"):
        search.advance(search.start(), np.full((2, 3), math.nan))


@pytest.mark.parametrize("lengths", [[1], [1, 4], [-1, 2], [1, 2, 3]])
def test_lengths_that_do_not_fit_are_refused(lengths: list[int]) -> None:
    with pytest.raises(InputError, match="lengths must be 2 numbers from 0 to 3"):
        decode(np.zeros((3, 2, 4)), lengths)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match=r"\(steps, rows, outputs\), got \(3, 4\)"):
        decode(np.zeros((3, 4)), [3])
    with pytest.raises(InputError, match=r"\(steps, outputs\), got \(3,\)"):
        GreedySearch().advance(GreedyState(), np.zeros(3))

"""Chunks of tokens: order, targets, state resets, resuming, and every token scored once."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elman.data.batching import IGNORE, Batch, TokenChunks, evaluation_chunks
from elman.errors import InputError

START = 999


def chunks(count: int, batch_size: int, length: int, **options: object) -> TokenChunks:
    return TokenChunks(np.arange(count, dtype=np.uint16), batch_size, length, START, **options)  # type: ignore[arg-type]


def epoch(source: TokenChunks) -> list[Batch]:
    batches = [next(source)]
    while source.state_dict()["position"]:
        batches.append(next(source))
    return batches


def same(a: Batch, b: Batch) -> bool:
    return torch.equal(a.inputs, b.inputs) and torch.equal(a.targets, b.targets)


def test_streams_run_side_by_side_and_inputs_are_the_tokens_before() -> None:
    first, second = itertools.islice(chunks(11, 2, 3), 2)
    assert first.inputs.tolist() == [[START, 4], [0, 5], [1, 6]]
    assert first.targets.tolist() == [[0, 5], [1, 6], [2, 7]]
    assert second.inputs.tolist() == [[2, 7], [3, 8]]
    assert second.targets.tolist() == [[3, 8], [4, 9]]
    assert first.inputs.dtype == first.targets.dtype == torch.int64
    assert first.lengths is None


def test_the_state_begins_anew_with_each_epoch_only() -> None:
    resets = [batch.reset for batch in itertools.islice(chunks(20, 2, 4), 6)]
    assert [reset.tolist() for reset in resets if reset is not None] == [
        [True, True],
        [False, False],
        [False, False],
    ] * 2


@given(st.integers(2, 300), st.integers(1, 7), st.integers(1, 40), st.booleans(), st.integers(0, 3))
def test_an_epoch_is_each_stream_once(
    count: int, batch_size: int, length: int, random_length: bool, seed: int
) -> None:
    count = max(count, 2 * batch_size)
    source = chunks(count, batch_size, length, random_length=random_length, seed=seed)
    for _ in range(2):
        batches = epoch(source)
        targets = torch.cat([batch.targets for batch in batches])
        inputs = torch.cat([batch.inputs for batch in batches])
        kept = count // batch_size * batch_size
        assert targets.T.flatten().tolist() == list(range(kept))
        assert inputs.T.flatten().tolist() == [START, *range(kept - 1)]
        if not random_length:
            assert len(batches) == source.steps_per_epoch


@pytest.mark.parametrize("random_length", [False, True])
def test_resumed_at_any_place_it_goes_on_to_the_bit(random_length: bool) -> None:
    def fresh() -> TokenChunks:
        return chunks(500, 3, 16, random_length=random_length, seed=5)

    source = fresh()
    places, batches = [], []
    for _ in range(40):
        places.append(json.loads(json.dumps(source.state_dict())))
        batches.append(next(source))
    for start, place in enumerate(places):
        resumed = fresh()
        resumed.load_state_dict(place)
        assert all(same(next(resumed), batch) for batch in batches[start:])


def test_random_lengths_are_those_of_awd_lstm() -> None:
    source = chunks(65_000, 1, 70, random_length=True)
    lengths = np.array([len(batch.inputs) for batch in epoch(source)[:-1]])
    short = lengths < 50
    assert 0.02 < short.mean() < 0.09
    assert abs(lengths[~short].mean() - 70) < 1
    assert abs(lengths[short].mean() - 35) < 4
    assert 4 < lengths[~short].std() < 6
    assert abs(len(lengths) + 1 - source.steps_per_epoch) < 25


def test_random_lengths_differ_by_epoch_and_seed_and_are_at_least_five() -> None:
    def lengths(seed: int) -> list[list[int]]:
        source = chunks(2000, 1, 8, random_length=True, seed=seed)
        return [[len(batch.inputs) for batch in epoch(source)] for _ in range(2)]

    first, second = lengths(0)
    assert first != second
    assert lengths(0) == [first, second] != lengths(1)
    assert min(first[:-1]) == 5
    assert max(len(b.inputs) for b in epoch(chunks(50, 1, 2, random_length=True))) < 25


@given(st.integers(1, 200), st.integers(1, 9), st.integers(1, 30))
def test_evaluation_scores_every_token_once(count: int, batch_size: int, length: int) -> None:
    tokens = np.arange(count, dtype=np.uint8)
    batches = list(evaluation_chunks(tokens, batch_size, length, START))
    assert sum(batch.units for batch in batches) == count
    scored: list[int] = []
    for number, batch in enumerate(batches):
        assert batch.reset is not None
        assert batch.reset.tolist() == [number == 0] * min(batch_size, count)
        real = batch.targets != IGNORE
        # Each scored target stands behind the token before it in the text.
        before = torch.where(batch.targets == 0, START, batch.targets - 1)
        assert torch.equal(batch.inputs[real], before[real])
        assert (batch.inputs[~real] == 0).all()
        lengths = real.sum(0)
        assert torch.equal(lengths, lengths if batch.lengths is None else batch.lengths)
        assert batch.lengths is not None or bool(real.all())
        scored += batch.targets[real].tolist()
    assert sorted(scored) == list(range(count))


def test_rows_of_an_evaluation_go_on_where_they_stopped() -> None:
    batches = list(evaluation_chunks(np.arange(11), 2, 4, START))
    assert torch.cat([batch.targets for batch in batches]).T.tolist() == [
        [0, 1, 2, 3, 4, 5],
        [6, 7, 8, 9, 10, IGNORE],
    ]
    assert [None if b.lengths is None else b.lengths.tolist() for b in batches] == [None, [2, 1]]


def test_only_the_slices_asked_for_are_read(tmp_path: Path) -> None:
    class Watched(np.memmap):  # type: ignore[type-arg]
        read = 0

        def __getitem__(self, key: object) -> object:
            value = super().__getitem__(key)  # type: ignore[call-overload]
            Watched.read += np.size(value)
            return value

    np.arange(10_000, dtype=np.uint16).tofile(tmp_path / "t")
    source = TokenChunks(Watched(tmp_path / "t", dtype=np.uint16, mode="r"), 4, 10, START)
    assert next(source).units == 40
    assert Watched.read == 44


def test_a_batch_splits_by_rows() -> None:
    batch = next(evaluation_chunks(np.arange(9), 5, 4, START))
    parts = batch.split(2)
    assert [part.batch_size for part in parts] == [3, 2]
    for name in ("inputs", "targets"):
        assert torch.equal(torch.cat([getattr(p, name) for p in parts], 1), getattr(batch, name))
    for name in ("reset", "lengths"):
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(batch, name))
    assert sum(part.units for part in parts) == batch.units == 9
    bare = Batch(batch.inputs, batch.targets).split(5)
    assert [part.reset for part in bare] == [part.lengths for part in bare] == [None] * 5


def test_a_batch_moves_whole() -> None:
    batch = next(evaluation_chunks(np.arange(9), 5, 4, START)).to("meta")
    assert all(getattr(batch, n).is_meta for n in ("inputs", "targets", "reset", "lengths"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: chunks(7, 4, 3), "7 tokens.*batch size 4 needs at least 8"),
        (lambda: chunks(7, 0, 3), "batch size must be at least 1, got 0"),
        (lambda: chunks(7, 1, 0), "at least 1 token, got 0"),
        (lambda: next(evaluation_chunks(np.arange(0), 1, 1, 0)), "no tokens"),
        (lambda: next(evaluation_chunks(np.arange(5), 0, 1, 0)), "batch size"),
        (lambda: next(chunks(9, 3, 2)).split(4), "3 rows into 4 parts"),
        (lambda: next(chunks(9, 3, 2)).split(0), "3 rows into 0 parts"),
    ],
)
def test_wrong_sizes_are_named(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]


@pytest.mark.parametrize(
    "place",
    [
        {},
        {"epoch": 0, "position": 10, "index": 0},
        {"epoch": -1, "position": 0, "index": 0},
        {"epoch": 0, "position": 1.0, "index": 0},
        {"epoch": 0, "position": 0, "index": True},
    ],
)
def test_a_place_that_is_not_in_the_text_is_refused(place: dict[str, int]) -> None:
    source = chunks(20, 2, 4)
    next(source)
    before = source.state_dict()
    with pytest.raises(InputError, match="resume with the data"):
        source.load_state_dict(place)
    assert source.state_dict() == before

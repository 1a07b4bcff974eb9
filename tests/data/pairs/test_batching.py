from pathlib import Path

import numpy as np
import pytest
import torch

from elman.data.batching import IGNORE
from elman.data.pairs.batching import EncodedPairs, PairBatch, PairBatches, in_order
from elman.errors import InputError

START = 1


def encoded(count: int = 60, seed: int = 0) -> EncodedPairs:
    """Pairs of ids from 2 on, each side closed by START; the first id of both is the pair's own."""
    draw = np.random.default_rng(seed)

    def row(place: int) -> np.ndarray:
        ids = draw.integers(2, 9, draw.integers(0, 12))
        return np.array([100 + place, *ids, START], dtype=np.int64)

    return EncodedPairs.of([row(p) for p in range(count)], [row(p) for p in range(count)])


def columns(batch: PairBatch) -> list[tuple[list[int], list[int], list[int]]]:
    found = []
    for b, length in enumerate(batch.source_lengths.tolist()):
        scored = batch.targets[:, b] != IGNORE
        inputs, targets = batch.inputs[scored, b].tolist(), batch.targets[scored, b].tolist()
        found.append((batch.source[:length, b].tolist(), inputs, targets))
    return found


def test_every_pair_comes_once_an_epoch_and_whole() -> None:
    pairs = encoded()
    source = PairBatches(pairs, 64, 16, START, seed=5)
    for _ in range(3):
        rows = [row for _ in range(source.steps_per_epoch) for row in columns(next(source))]
        assert sorted(row[0][0] for row in rows) == list(range(100, 160))
        for read, inputs, targets in rows:
            place = read[0] - 100
            begin = pairs.source_ends[place - 1] if place else 0
            assert read == pairs.source[begin : pairs.source_ends[place]].tolist()
            assert (targets[0], targets[-1]) == (read[0], START)
            assert inputs == [START, *targets[:-1]]


@pytest.mark.parametrize(("tokens", "rows"), [(64, 16), (40, 100), (13, 3), (1, 9)])
def test_batches_are_as_large_as_they_may_be(tokens: int, rows: int) -> None:
    source = PairBatches(encoded(), tokens, rows, START, seed=0)
    for _ in range(source.steps_per_epoch):
        batch = next(source)
        longest = max(len(batch.source), len(batch.inputs))
        assert batch.batch_size <= rows
        assert batch.batch_size == 1 or longest * batch.batch_size <= tokens
        assert batch.units == int((batch.targets != IGNORE).sum())
        assert (batch.source[batch.source_lengths - 1, range(batch.batch_size)] == START).all()


def test_batches_hold_pairs_of_like_length() -> None:
    source = PairBatches(encoded(400), 200, 99, START, seed=0)
    padding = total = 0
    for _ in range(source.steps_per_epoch):
        batch = next(source)
        padding += int((batch.targets == IGNORE).sum())
        total += batch.targets.numel()
    assert padding < 0.1 * total


def test_resumed_is_uninterrupted() -> None:
    whole, cut = (PairBatches(encoded(), 64, 16, START, seed=2) for _ in range(2))
    for _ in range(whole.steps_per_epoch + 3):
        next(whole)
    cut.load_state_dict(whole.state_dict())
    for _ in range(2 * whole.steps_per_epoch):
        one, other = next(whole), next(cut)
        assert torch.equal(one.source, other.source)
        assert torch.equal(one.targets, other.targets)
        assert one.number == other.number > whole.steps_per_epoch


def test_seeds_and_epochs_differ() -> None:
    orders = []
    for seed in (0, 1):
        source = PairBatches(encoded(), 64, 16, START, seed=seed)
        for _ in range(2):
            batches = [next(source) for _ in range(source.steps_per_epoch)]
            orders.append([row[0][0] for batch in batches for row in columns(batch)])
    assert len({tuple(order) for order in orders}) == 4


@pytest.mark.parametrize("place", [{}, {"epoch": 0, "index": 10**6}, {"epoch": -1, "index": 0}])
def test_a_place_that_is_none(place: dict[str, int]) -> None:
    with pytest.raises(InputError, match="the place in the data"):
        PairBatches(encoded(), 64, 16, START, seed=0).load_state_dict(place)


def test_parts_make_the_whole() -> None:
    batch = next(PairBatches(encoded(), 64, 16, START, seed=0))
    parts = batch.split(3)
    assert [row for part in parts for row in columns(part)] == columns(batch)
    assert sum(part.units for part in parts) == batch.units
    assert batch.to("cpu").number == batch.number


def test_in_order() -> None:
    batches = list(in_order(encoded(), 64, 16, START))
    assert sorted(row[0][0] for b in batches for row in columns(b)) == list(range(100, 160))
    lengths = [len(batch.inputs) for batch in batches]
    assert lengths == sorted(lengths)


def test_saved_and_loaded(tmp_path: Path) -> None:
    pairs = encoded()
    pairs.save(tmp_path / "pairs.safetensors")
    again = EncodedPairs.load(tmp_path / "pairs.safetensors")
    assert (again.source == pairs.source).all()
    assert (again.target_ends == pairs.target_ends).all()
    EncodedPairs.of([np.array([START])], [np.array([5])]).save(tmp_path / "short.safetensors")
    assert len(EncodedPairs.load(tmp_path / "short.safetensors")) == 1
    chosen = pairs.select(np.array([3, 0]))
    assert chosen.source[0] == 103
    assert chosen.source[chosen.source_ends[0]] == 100


def test_damaged_files(tmp_path: Path) -> None:
    path = tmp_path / "pairs.safetensors"
    pairs = encoded()
    empty = np.concatenate([pairs.source_ends[:1], pairs.source_ends[:-2], pairs.source_ends[-1:]])
    for ends in (pairs.source_ends + 1, empty, pairs.source_ends[1:], pairs.source_ends[:, None]):
        EncodedPairs(pairs.source, ends, pairs.target, pairs.target_ends).save(path)
        with pytest.raises(InputError, match="damaged"):
            EncodedPairs.load(path)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(InputError, match="cannot be read as encoded pairs"):
        EncodedPairs.load(path)

"""Every row once an epoch, in an order that can be gone on with; padding is never a label."""

from pathlib import Path

import numpy as np
import pytest
import torch

from elman.data.batching import IGNORE
from elman.data.labeled.encoded import Bucketed, Encoded, LabeledBatch
from elman.data.labeled.rows import offsets_of
from elman.errors import InputError

LENGTHS = [3, 1, 5, 2, 2, 4, 1, 6, 3, 2, 5]


def rows(kind: str = "one") -> Encoded:
    steps = np.arange(sum(LENGTHS))
    labels = {
        "one": np.arange(len(LENGTHS)),
        "step": steps % 3,
        "many": np.arange(len(LENGTHS) * 2).reshape(-1, 2) % 3 == 0,
    }[kind]
    return Encoded(steps, offsets_of(LENGTHS), labels, kind)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["one", "step", "many"])
def test_a_batch_has_the_rows_asked_for(kind: str) -> None:
    data = rows(kind)
    batch = data.rows(np.array([2, 1]))
    assert batch.inputs.T.tolist() == [[4, 5, 6, 7, 8], [3, 0, 0, 0, 0]]
    assert batch.lengths.tolist() == [5, 1]
    assert batch.targets is not None
    if kind == "step":
        wanted = [[1, 2, 0, 1, 2], [0, *[IGNORE] * 4]]
        assert batch.targets.T.tolist() == wanted
        assert batch.units == 6
    else:
        assert data.labels is not None
        assert batch.targets.tolist() == data.labels[[2, 1]].tolist()
        assert batch.units == 2


def test_numbers_keep_their_channels() -> None:
    values = np.arange(10, dtype=np.float32).reshape(5, 2)
    batch = Encoded(values, offsets_of([2, 3]), None, "one").rows(np.array([0, 1]))
    assert batch.inputs.shape == (3, 2, 2)
    assert batch.inputs[:, 0].tolist() == [[0, 1], [2, 3], [0, 0]]
    assert batch.targets is None


@pytest.mark.parametrize("kind", ["one", "step", "many"])
def test_parts_of_a_batch_make_the_batch(kind: str) -> None:
    batch = rows(kind).rows(np.arange(7))
    parts = batch.split(3)
    axis = 1 if kind == "step" else 0
    assert torch.equal(torch.cat([p.inputs for p in parts], 1), batch.inputs)
    assert torch.equal(torch.cat([p.targets for p in parts], axis), batch.targets)  # type: ignore[misc]
    assert sum(p.units for p in parts) == batch.units
    with pytest.raises(InputError, match="8 parts"):
        batch.split(8)
    few = batch.select(torch.tensor([1, 3]))
    assert few.inputs.T.tolist() == [[3, 0], [9, 10]]


def test_every_row_once_an_epoch() -> None:
    source = Bucketed(rows(), 4, seed=1)
    assert source.steps_per_epoch == 3
    epochs = [[next(source) for _ in range(3)] for _ in range(2)]
    labels = [[_labels(batch) for batch in epoch] for epoch in epochs]
    for epoch in labels:
        assert sorted(label for batch in epoch for label in batch) == list(range(len(LENGTHS)))
    assert labels[0] != labels[1]
    # Rows of like length side by side: less padding than by chance.
    assert sum(batch.inputs.numel() for batch in epochs[0]) <= sum(LENGTHS) + 8


@pytest.mark.parametrize("taken", [0, 1, 3, 4, 7])
def test_going_on_from_a_place(taken: int) -> None:
    source = Bucketed(rows(), 4, seed=2)
    for _ in range(taken):
        next(source)
    other = Bucketed(rows(), 4, seed=2)
    other.load_state_dict(source.state_dict())
    for _ in range(5):
        assert torch.equal(next(source).inputs, next(other).inputs)


@pytest.mark.parametrize("place", [{}, {"epoch": 0, "index": 3}, {"epoch": 0, "index": -1}])
def test_a_place_that_is_none(place: dict[str, int]) -> None:
    with pytest.raises(InputError, match="not one of these rows"):
        Bucketed(rows(), 4, seed=2).load_state_dict(place)


def test_evaluation_sees_every_row_once() -> None:
    places = [place for chosen, _ in rows().batches(4) for place in chosen]
    assert sorted(places) == list(range(len(LENGTHS)))
    long = Encoded(np.zeros(3 << 16, np.int64), offsets_of([1 << 16] * 3), None, "one")
    assert [len(chosen) for chosen, _ in long.batches()] == [1, 1, 1]


@pytest.mark.parametrize("kind", ["one", "step", "many"])
def test_saved_and_opened(tmp_path: Path, kind: str) -> None:
    data = rows(kind)
    data.save(tmp_path)
    again = Encoded.open(tmp_path, data.kind)
    assert np.array_equal(again.steps, data.steps)
    assert np.array_equal(again.offsets, data.offsets)
    assert np.array_equal(again.labels, data.labels)  # type: ignore[arg-type]


def test_damaged_files(tmp_path: Path) -> None:
    rows().save(tmp_path)
    whole = (tmp_path / "steps.npy").read_bytes()
    (tmp_path / "steps.npy").write_bytes(whole[:-9])
    with pytest.raises(InputError, match=r"steps\.npy: cannot be read"):
        Encoded.open(tmp_path, "one")
    np.save(tmp_path / "steps.npy", np.arange(5))
    with pytest.raises(InputError, match="do not fit together"):
        Encoded.open(tmp_path, "one")


def _labels(batch: LabeledBatch) -> list[int]:
    assert batch.targets is not None
    found: list[int] = batch.targets.tolist()
    return found

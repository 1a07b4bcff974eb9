"""Tests of batches of utterances: what they hold, their order, and what is drawn for each row."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elman.data.arrays import Array
from elman.data.audio.augment import SpecAugment
from elman.data.audio.signals import Signals, SignalWriter
from elman.data.audio.utterances import (
    Augmentation,
    EncodedUtterances,
    Tokens,
    UtteranceBatch,
    UtteranceBatches,
    steps_needed,
)
from elman.data.labeled.rows import Floats
from elman.errors import InputError

ROWS = 23


def kept(array: Array) -> Floats:
    return array


def of_samples(array: Array) -> Floats:
    """A stand-in for a filter bank: pairs of samples."""
    return array[: len(array) // 2 * 2].reshape(-1, 2)


def stored(folder: Path, kind: Any = np.float32) -> EncodedUtterances:
    """Rows of 1 to 23 frames, or of ten times as many samples, in a mixed order."""
    draw = np.random.default_rng(0)
    lengths = draw.permutation(ROWS) + 1
    signals = {}
    for speed in (0.5, 1.0) if kind is np.float32 else (1.0,):
        with SignalWriter(folder, f"speed-{speed}", kind, 2 if kind is np.float32 else None) as out:
            for length in lengths:
                if kind is np.float32:
                    out.append(np.full((round(length / speed), 2), length / 10 + speed, kind))
                else:
                    out.append(draw.integers(-9000, 9000, 10 * length).astype(kind))
        signals[speed] = Signals.open(folder, f"speed-{speed}")
    return EncodedUtterances(signals, Tokens.of([np.arange(n % 4) for n in range(ROWS)]))


def batches_of(rows: EncodedUtterances, **changes: Any) -> UtteranceBatches:
    settings: dict[str, Any] = {
        "to_frames": of_samples if rows.has_samples else kept,
        "batch_size": 4,
        "fits": lambda row, frames: True,
        "augmentation": Augmentation(),
        "sort_first": True,
        "seed": 3,
    }
    return UtteranceBatches(rows, **{**settings, **changes})


def flat(batches: Iterable[list[int]]) -> list[int]:
    return [length for batch in batches for length in batch]


def same(one: UtteranceBatch, other: UtteranceBatch) -> bool:
    names = ("frames", "lengths", "tokens", "token_lengths")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


@pytest.mark.parametrize(("ids", "needed"), [([], 0), ([4], 1), ([1, 2], 2), ([1, 1, 2, 2, 2], 8)])
def test_equal_neighbors_need_a_blank_between_them(ids: list[int], needed: int) -> None:
    assert steps_needed(np.array(ids, np.int64)) == needed


def test_a_batch_holds_its_rows_padded(tmp_path: Path) -> None:
    rows = stored(tmp_path)
    chosen = np.array([5, 2, 7])
    batch = rows.batch(chosen, [rows.row(place) for place in chosen])
    assert batch.tokens.tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 2]]
    assert batch.token_lengths.tolist() == [1, 2, 3]
    assert batch.lengths.tolist() == rows.lengths[chosen].tolist()
    assert batch.units == 6
    for place, row in enumerate(chosen):
        length = rows.lengths[row]
        np.testing.assert_array_equal(batch.frames[:length, place], rows.row(row))
        assert not batch.frames[length:, place].any()
    few = batch.select(torch.tensor([1, 0]))
    assert few.tokens.tolist() == [[0, 1], [0, 0]]
    assert len(few.frames) == max(rows.lengths[[2, 5]])
    one, other = batch.split(2)
    assert one.tokens.tolist() == [[0, 0, 0], [0, 1, 0]]
    assert other.token_lengths.tolist() == [3]
    assert torch.equal(other.frames, batch.frames[:, 2:])


def test_a_row_of_silence_counts_as_one_unit(tmp_path: Path) -> None:
    rows = stored(tmp_path)
    assert rows.batch(np.array([0, 4, 1]), [rows.row(0)] * 3).units == 3


def test_the_first_epoch_goes_from_short_to_long_and_every_epoch_has_every_row(
    tmp_path: Path,
) -> None:
    rows = stored(tmp_path)
    source = batches_of(rows)
    assert source.steps_per_epoch == 6
    epochs = [[next(source).lengths.tolist() for _ in range(6)] for _ in range(3)]
    assert flat(epochs[0]) == sorted(rows.lengths)
    for epoch in epochs:
        assert sorted(flat(epoch)) == sorted(rows.lengths)
    assert len({str(epoch) for epoch in epochs}) == 3
    unsorted = batches_of(rows, sort_first=False)
    assert [next(unsorted).lengths.tolist() for _ in range(6)] != epochs[0]


@pytest.mark.parametrize("kind", [np.float32, np.int16])
def test_a_source_goes_on_from_its_place_to_the_bit(tmp_path: Path, kind: Any) -> None:
    rows = stored(tmp_path, kind)
    noise = 0.0 if kind is np.float32 else 0.5
    chosen = Augmentation((0.5, 1.0), noise, (0.0, 10.0), masks=SpecAugment(1, 3, 1, 1))
    whole = batches_of(rows, augmentation=chosen)
    for _ in range(8):
        next(whole)
    place = whole.state_dict()
    resumed = batches_of(rows, augmentation=chosen)
    resumed.load_state_dict(place)
    for _ in range(8):
        assert same(next(whole), next(resumed))


def test_what_is_drawn_differs_from_epoch_to_epoch_and_not_with_the_other_rows(
    tmp_path: Path,
) -> None:
    rows = stored(tmp_path)
    chosen = Augmentation((0.5, 1.0))

    def lengths(batch_size: int, epochs: int) -> dict[float, list[int]]:
        source = batches_of(rows, augmentation=chosen, batch_size=batch_size, sort_first=False)
        found: dict[float, list[int]] = {}
        for _ in range(epochs * source.steps_per_epoch):
            batch = next(source)
            for place, length in enumerate(batch.lengths.tolist()):
                value = float(batch.frames[0, place, 0])
                base = round(value - (0.5 if length > 10 * (value - 1) + 0.5 else 1), 3)
                found.setdefault(base, []).append(length)
        return found

    four, seven = lengths(4, 4), lengths(7, 4)
    assert four == seven
    assert any(len(set(each)) == 2 for each in four.values())


def test_a_speed_that_leaves_no_room_for_the_text_is_not_taken(tmp_path: Path) -> None:
    rows = stored(tmp_path)
    asked: list[int] = []

    def fits(row: int, frames: int) -> bool:
        asked.append(row)
        return frames == rows.lengths[row]

    source = batches_of(rows, augmentation=Augmentation((0.5,)), fits=fits)
    assert flat(next(source).lengths.tolist() for _ in range(6)) == sorted(rows.lengths)
    assert sorted(asked) == list(range(ROWS))


def test_masks_hide_frames(tmp_path: Path) -> None:
    rows = stored(tmp_path)
    source = batches_of(rows, augmentation=Augmentation(masks=SpecAugment(0, 0, 1, 2)))
    hidden = 0
    for _ in range(6):
        batch = next(source)
        hidden += int((batch.frames[0] == 0).sum())
    assert hidden


def test_samples_become_frames_at_their_speed(tmp_path: Path) -> None:
    rows = stored(tmp_path, np.int16)
    assert rows.has_samples
    assert rows.row(3).dtype == np.float32
    assert np.abs(rows.row(3)).max() < 0.3
    assert len(rows.row(3, 0.5)) == 2 * len(rows.row(3))


def test_all_rows_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.data.audio.utterances.FRAMES_AT_ONCE", 30)
    rows = stored(tmp_path)
    seen, sizes = [], []
    for chosen, batch in rows.in_order(kept):
        assert batch.lengths.tolist() == rows.lengths[chosen].tolist()
        assert len(chosen) == 1 or batch.frames.shape[0] * batch.batch_size <= 30
        seen += chosen.tolist()
        sizes.append(len(chosen))
    assert sorted(seen) == list(range(ROWS))
    assert rows.lengths[seen].tolist() == sorted(rows.lengths)
    assert max(sizes) > 1


def test_damaged_tokens_are_named(tmp_path: Path) -> None:
    Tokens.of([np.arange(3), np.arange(0)]).save(tmp_path)
    assert Tokens.open(tmp_path).row(0).tolist() == [0, 1, 2]
    np.save(tmp_path / "tokens-offsets.npy", np.array([0, 4]))
    with pytest.raises(InputError, match="its tokens do not fit together"):
        Tokens.open(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks the kernel of Linux")
def test_memory_does_not_grow_with_the_data(tmp_path: Path) -> None:
    rows, frames = 5000, 250
    path = tmp_path / "speed-1.npy"
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (rows * frames, 40)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + rows * frames * 160)  # 200 MB that take no room on the disk
    np.save(tmp_path / "speed-1-offsets.npy", np.arange(rows + 1) * frames)
    before = anonymous()
    signals = {1.0: Signals.open(tmp_path, "speed-1")}
    many = EncodedUtterances(signals, Tokens.of([np.arange(9)] * rows))
    source = batches_of(many, batch_size=50, sort_first=False)
    for _ in range(30):
        next(source)
    assert anonymous() - before < 100


def anonymous() -> float:
    """MB of this process that no file holds."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1000

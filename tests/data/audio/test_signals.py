"""Tests of rows that are written one by one and read from disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from elman.data.audio.signals import Signals, SignalWriter
from elman.errors import InputError


@pytest.mark.parametrize(("kind", "width"), [(np.float32, 3), (np.int16, None)])
def test_rows_come_back_as_they_were(tmp_path: Path, kind: type, width: int | None) -> None:
    draw = np.random.default_rng(0)
    across = () if width is None else (width,)
    rows = [draw.integers(-9, 9, (size, *across)).astype(kind) for size in (4, 0, 1, 700)]
    with SignalWriter(tmp_path / "train", "frames", kind, width) as writer:
        for row in rows:
            writer.append(row)
    found = Signals.open(tmp_path / "train", "frames")
    assert len(found) == 4
    assert found.lengths.tolist() == [4, 0, 1, 700]
    assert isinstance(found.values, np.memmap)
    for place, row in enumerate(rows):
        assert found.row(place).dtype == kind
        np.testing.assert_array_equal(found.row(place), row)


def test_what_was_not_finished_is_not_opened(tmp_path: Path) -> None:
    def stop() -> None:
        with SignalWriter(tmp_path, "frames", np.float32, 2) as writer:
            writer.append(np.zeros((3, 2), np.float32))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    with pytest.raises(InputError, match="frames-offsets"):
        Signals.open(tmp_path, "frames")


def test_arrays_that_do_not_fit_together_are_named(tmp_path: Path) -> None:
    with SignalWriter(tmp_path, "frames", np.float32, 2) as writer:
        writer.append(np.zeros((3, 2), np.float32))
    np.save(tmp_path / "frames-offsets.npy", np.array([0, 4]))
    with pytest.raises(InputError, match="the arrays of 'frames' do not fit together"):
        Signals.open(tmp_path, "frames")

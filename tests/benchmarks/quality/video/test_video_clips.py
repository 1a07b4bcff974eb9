"""Clips that benchmarks write: back to the bit, and digits that no frame tells the direction of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality.video.actions import ACTIONS, OPPOSITE, Video
from benchmarks.quality.video.clips import read, write_lossless
from benchmarks.quality.video.digits import DIRECTIONS, LENGTHS, STEPS, moving


def test_a_lossless_clip_gives_back_each_value(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (5, 12, 20), np.uint8)
    write_lossless(tmp_path / "clip.avi", frames, 10)
    np.testing.assert_array_equal(read(tmp_path / "clip.avi"), frames)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_digit_moves_in_its_direction_and_comes_in_again(direction: str) -> None:
    pytest.importorskip("sklearn")
    clip = moving("train", direction, np.random.default_rng(3))
    assert LENGTHS[0] <= len(clip) <= LENGTHS[1]
    moves = (clip - clip.min(0)).astype(float)  # less what stands still
    differs = {
        name: min(
            np.abs(np.roll(moves[:-1], tuple(n * np.array(step)), (1, 2)) - moves[1:]).mean()
            for n in STEPS
        )
        for name, step in DIRECTIONS.items()
    }
    assert min(differs, key=differs.__getitem__) == direction


def test_even_people_test_and_one_clip_an_action_validates() -> None:
    every = [
        Video(Path("x.mp4"), action, person, trial)
        for action in ACTIONS
        for person in range(1, 9)
        for trial in range(1, 5)
    ]
    validating = [v for v in every if v.part == "valid"]
    assert sorted(v.action for v in validating) == sorted(ACTIONS)
    assert {v.person for v in validating} == {1, 3, 5, 7}
    assert {v.person for v in every if v.part == "test"} == {2, 4, 6, 8}
    assert {v.person for v in every if v.part == "train"} == {1, 3, 5, 7}


def test_actions_are_numbered_as_the_files_are() -> None:
    assert ACTIONS.index("sit to stand") + 1 == 24
    assert ACTIONS.index("stand to sit") + 1 == 25
    assert len(ACTIONS) == 27
    assert all(OPPOSITE[other] == action for action, other in OPPOSITE.items())

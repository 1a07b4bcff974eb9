"""Clips varied by chance: the same each time, all frames alike, turned around only when asked."""

from __future__ import annotations

import numpy as np
import pytest

from elman.tasks.video.augment import Augmentation

ALL = Augmentation(crop=0.3, speed=0.3, brightness=0.3, mirror=True, reverse=True)


def clip() -> np.ndarray:
    draw = np.random.default_rng(0)
    return draw.integers(256, size=(6, 8, 10, 3), dtype=np.uint8)


def test_nothing_asked_is_nothing_done() -> None:
    found = Augmentation().frames(clip(), np.random.default_rng(1))
    np.testing.assert_array_equal(found, clip())
    assert Augmentation().frames(clip(), np.random.default_rng(1), 4).shape == (4, 8, 10, 3)


def test_a_draw_can_be_drawn_again_and_others_differ() -> None:
    found = [ALL.frames(clip(), np.random.default_rng(seed)).tobytes() for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("seed", range(5))
def test_frames_that_are_alike_stay_alike(seed: int) -> None:
    still = np.repeat(clip()[:1], 7, axis=0)
    found = ALL.frames(still, np.random.default_rng(seed))
    assert (found == found[0]).all()


@pytest.mark.parametrize("field", ["mirror", "reverse"])
def test_half_of_the_clips_are_turned_around_when_asked(field: str) -> None:
    turned = clip()[:, :, ::-1] if field == "mirror" else clip()[::-1]
    augmentation = Augmentation(**{field: True})
    found = [augmentation.frames(clip(), np.random.default_rng(seed)) for seed in range(20)]
    both = [(each == turned).all() or (each == clip()).all() for each in found]
    assert all(both)
    assert 3 < sum((each == turned).all() for each in found) < 17


def test_speed_changes_the_number_of_frames_and_keeps_their_order() -> None:
    marked = np.arange(40, dtype=np.uint8)[:, None, None, None].repeat(2, 1)
    lengths = set()
    for seed in range(20):
        found = Augmentation(speed=0.5).frames(marked, np.random.default_rng(seed))
        lengths.add(len(found))
        assert (np.diff(found[:, 0, 0, 0].astype(int)) >= 0).all()
        assert found[0, 0, 0, 0] == 0
        assert found[-1, 0, 0, 0] >= 36
    assert min(lengths) < 35
    assert max(lengths) > 45

"""The strip of a clip: which frames it shows, and that it can be drawn of any clip."""

from pathlib import Path

import numpy as np
import pytest

from elman.errors import InputError
from elman.plots.strip import Strip, Thumbnails, draw_strip

NAMES = ("walk", "run", "sit")


def frames(count: int, channels: int = 1) -> np.ndarray:
    """(T, 8, 12, C), frame t of brightness t."""
    levels = np.arange(count, dtype=np.uint8)[:, None, None, None]
    return np.broadcast_to(levels, (count, 8, 12, channels)).copy()


def outputs(steps: int) -> np.ndarray:
    found = np.random.default_rng(0).random((steps, 3)).astype(np.float32) + 0.3
    return found / found.sum(1, keepdims=True)


@pytest.mark.parametrize(("count", "pictures"), [(1, 1), (5, 5), (24, 12), (250, 12)])
def test_pictures_are_spread_over_the_clip(count: int, pictures: int) -> None:
    kept = Thumbnails(most=40)
    for begin in range(0, count, 7):
        kept.push(frames(count)[begin : begin + 7])
    shown = [int(frame[0, 0, 0]) for frame in kept.spread(pictures)]
    wanted = (np.arange(pictures) + 0.5) * count / pictures
    assert len(shown) == pictures
    # Long clips are thinned out, so a picture may be a few frames off.
    assert np.abs(np.array(shown) - wanted).max() <= max(count / 20, 1)
    assert shown == sorted(shown)


@pytest.mark.parametrize(("count", "steps", "channels"), [(1, 1, 1), (30, 30, 3), (30, 1, 1)])
@pytest.mark.parametrize("segmented", [True, False])
def test_any_clip_is_drawn(
    tmp_path: Path, count: int, steps: int, channels: int, *, segmented: bool
) -> None:
    kept = Thumbnails()
    kept.push(frames(count, channels))
    middle, end = count / 20, count / 10
    segments = ((0.0, middle, "run", 0.6), (middle, end, "a label", 0.5)) if segmented else ()
    names = (*NAMES[:2], "a label") if segmented else NAMES
    strip = Strip("a & b.mp4", kept, 10.0, 0.0, outputs(steps), names, segments)
    draw_strip(strip, tmp_path / "strip.svg")
    drawn = (tmp_path / "strip.svg").read_text(encoding="utf-8")
    texts = ["a &amp; b.mp4", "probability of each class", *names]
    assert ("segments" in drawn) == segmented
    assert ("known at the end" in drawn) == (steps < count)
    assert all(f"<!-- {text}" in drawn for text in texts)


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    kept = Thumbnails()
    kept.push(frames(3))
    with pytest.raises(InputError, match="must end in"):
        draw_strip(Strip("a", kept, 10.0, 0.0, outputs(3), NAMES), tmp_path / "strip.mp4")

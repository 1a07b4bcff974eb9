"""Segments: where labels begin and end, in one piece and after any stop."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.predictors.segments import Blocks, Segment, Segmenter

A, B, C = np.eye(3, dtype=np.float32) * 0.7 + 0.1


def found(segmenter: Segmenter, blocks: list[tuple[np.ndarray, int]]) -> list[Segment]:
    segments = [each for p, steps in blocks for each in segmenter.push(p, steps)]
    return segments + list(segmenter.flush())


def test_a_segment_begins_where_its_label_does() -> None:
    got = found(Segmenter(3, 2), [(A, 3), (B, 2), (C, 4)])
    assert [(each.begin, each.end, each.label) for each in got] == [(0, 3, 0), (3, 5, 1), (5, 9, 2)]
    assert [each.probability for each in got] == pytest.approx([0.8, 0.8, 0.8])


def test_what_is_short_belongs_to_what_it_interrupts() -> None:
    got = found(Segmenter(3, 3), [(A, 4), (B, 2), (A, 4)])
    assert [(each.begin, each.end, each.label) for each in got] == [(0, 10, 0)]
    assert got[0].probability == pytest.approx((8 * 0.8 + 2 * 0.1) / 10)
    # One short label after another: the segment lasts until one stays.
    got = found(Segmenter(3, 3), [(A, 4), (B, 2), (C, 5)])
    assert [(each.begin, each.end, each.label) for each in got] == [(0, 6, 0), (6, 11, 2)]
    assert got[0].probability == pytest.approx((4 * 0.8 + 2 * 0.1) / 6)


def test_nothing_has_no_segments() -> None:
    assert found(Segmenter(3, 1), []) == []


@settings(max_examples=20, deadline=None)
@given(labels=st.lists(st.integers(0, 2), min_size=1, max_size=20), stop=st.integers(0, 20))
def test_it_goes_on_from_its_state(labels: list[int], stop: int) -> None:
    blocks = [((A, B, C)[label], 1 + place % 3) for place, label in enumerate(labels)]
    wanted = found(Segmenter(3, 3), blocks)
    assert [wanted[0].begin, wanted[-1].end] == [0, sum(steps for _, steps in blocks)]
    for one, other in pairwise(wanted):
        assert one.end == other.begin
        assert one.label != other.label
    first = Segmenter(3, 3)
    before = [each for p, steps in blocks[:stop] for each in first.push(p, steps)]
    second = Segmenter(3, 3)
    second.state = first.state
    assert before + found(second, blocks[stop:]) == wanted


@pytest.mark.parametrize(
    "change", [{"labels": [3, -1]}, {"begins": [0, 9]}, {"steps": -1}, {"labels": [-1, -1]}]
)
def test_what_is_no_place_is_refused(change: dict[str, object]) -> None:
    segmenter = Segmenter(3, 2)
    list(segmenter.push(A, 4))
    tensors, values = segmenter.state
    with pytest.raises(ValueError, match="no place in segments"):
        Segmenter(3, 2).state = (tensors, {**values, **change})


@pytest.mark.parametrize("steps", [1, 3, 4, 11, 12, 13, 29])
def test_a_block_is_the_mean_of_the_windows_that_hold_it(steps: int) -> None:
    rows, size = 3, 4
    generator = np.random.default_rng(steps)
    begins, settled = [0] * rows, list[np.ndarray]()
    windows: dict[tuple[int, int, int], np.ndarray] = {}
    blocks = Blocks(rows, size, 3)
    for step in range(size, steps, size):
        row, window = step // size % rows, generator.random(3).astype(np.float32)
        windows[begins[row], step, row] = window
        begins[row] = step
        if (found := blocks.end_of(window, step // size)) is not None:
            settled += [found] * size
        other = Blocks(rows, size, 3)
        other.state = blocks.state
        blocks = other
    last = generator.random((rows, 3)).astype(np.float32)
    for begin in set(begins):  # rows that began together have read the same
        same = [row for row in range(rows) if begins[row] == begin]
        last[same] = last[same[0]]
    for found, count in blocks.rest(last, steps):
        settled += [found] * count
    assert len(settled) == steps
    held = [(begin, steps, last[row]) for row, begin in enumerate(begins)]
    wanted = np.zeros((steps, 3))
    for step in range(steps):
        closed = [(e - b, p) for (b, e, _), p in windows.items() if b <= step < e]
        opened = [(e - b, p) for b, e, p in held if b <= step < e]
        both = closed + opened
        wanted[step] = sum(n * p for n, p in both) / sum(n for n, _ in both)
    np.testing.assert_allclose(settled, wanted, rtol=0, atol=1e-6)

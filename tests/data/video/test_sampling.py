"""Which source frames are read: one rule for files, arrays and streams."""

import numpy as np
import pytest

from elman.data.video.frame_format import FrameFormat
from elman.data.video.resize import fitted
from elman.data.video.sampling import FrameSampler
from elman.errors import InputError


def frame(value: int, height: int = 4, width: int = 6) -> np.ndarray:
    return np.full((height, width), value, np.uint8)


def sampled(times: list[float], rate: float, end: float | None = None) -> list[int]:
    """The number of the source frame of each frame of the model."""
    sampler = FrameSampler(FrameFormat(rate, 4, 6))
    found = [f for n, time in enumerate(times) for f in sampler.push(frame(n), time)]
    return [int(f[0, 0, 0]) for f in found + sampler.flush(end)]


def test_a_faster_source_loses_frames_and_a_slower_one_repeats_them() -> None:
    assert sampled([n / 30 for n in range(10)], 10) == [0, 3, 6, 9]
    assert sampled([n / 5 for n in range(3)], 10) == [0, 0, 1, 1, 2, 2]
    assert sampled([n / 10 for n in range(4)], 10) == [0, 1, 2, 3]


def test_frames_of_variable_rate_count_for_as_long_as_they_are_shown() -> None:
    assert sampled([0, 0.1, 0.5, 0.6], 10) == [0, 1, 1, 1, 1, 2, 3]
    assert sampled([0, 0.1], 10, end=0.4) == [0, 1, 1, 1]


def test_times_count_from_the_first_frame_and_may_be_rounded() -> None:
    assert sampled([-2, -1.9, -1.8], 10) == [0, 1, 2]
    milliseconds = [round(n / 30, 3) for n in range(30)]
    assert sampled(milliseconds, 30) == list(range(30))


def test_a_frame_that_is_not_later_takes_the_place_of_the_one_before() -> None:
    assert sampled([0, 0.1, 0.1, 0.05, 0.2], 10) == [0, 3, 4]
    assert sampled([0, 0.2, 0.2], 10) == [0, 0, 2, 2]


def test_one_frame_is_one_frame() -> None:
    assert sampled([7.0], 10) == [0]
    assert FrameSampler(FrameFormat(10, 4, 6)).flush() == []


def test_a_sampler_goes_on_from_a_state_to_the_bit() -> None:
    source = np.random.default_rng(0).integers(0, 255, (20, 9, 7, 3), np.uint8)
    wanted = FrameFormat(7, 5, 4)
    whole = FrameSampler(wanted)
    expected = [f for n, s in enumerate(source) for f in whole.push(s, n / 12)] + whole.flush()
    for cut in (0, 1, 9):
        first = FrameSampler(wanted)
        found = [f for n, s in enumerate(source[:cut]) for f in first.push(s, n / 12)]
        then = FrameSampler(wanted, state=first.state)
        found += [f for n, s in enumerate(source[cut:], cut) for f in then.push(s, n / 12)]
        np.testing.assert_array_equal(found + then.flush(), expected)


def test_frames_that_are_not_read_are_not_made() -> None:
    made: list[int] = []
    sampler = FrameSampler(FrameFormat(10, 4, 6))
    for number in range(9):
        sampler.push(lambda n=number: made.append(n) or frame(n), number / 30, (4, 6))
    sampler.flush()
    assert made == [0, 3, 6]


@pytest.mark.parametrize(
    ("second", "time", "message"),
    [
        (frame(1, 5, 6), 0.1, r"clip.mp4: its frames change from 6x4 to 6x5 pixels; .*scale="),
        (frame(1), float("nan"), r"a frame at nan s"),
        (frame(1), 1e9, r"1,000,000,000 s between two frames, above the bound.*; its times are"),
        (frame(1).astype(np.float32), 0.1, r"a frame of float32 .* expected uint8.*0 to 255"),
    ],
)
def test_frames_that_do_not_fit_are_refused(second: np.ndarray, time: float, message: str) -> None:
    sampler = FrameSampler(FrameFormat(10, 4, 6), "clip.mp4")
    sampler.push(frame(0), 0.0)
    with pytest.raises(InputError, match=message):
        sampler.push(second, time)


def test_sizes_change_by_a_triangle_filter() -> None:
    ramp = np.tile(np.arange(0, 160, 10, dtype=np.uint8), (4, 1))
    np.testing.assert_array_equal(fitted(ramp, FrameFormat(1, 4, 16))[..., 0], ramp)
    half = fitted(ramp, FrameFormat(1, 4, 8))[0, :, 0]
    np.testing.assert_array_equal(half[1:-1], np.arange(5, 160, 20)[1:-1])
    twice = fitted(ramp, FrameFormat(1, 4, 32))[0, :, 0]
    np.testing.assert_allclose(twice[1:-1], np.arange(32)[1:-1] * 5 - 2.5, atol=0.5)


def test_gray_colour_and_a_region() -> None:
    colours = np.zeros((2, 4, 3), np.uint8)
    colours[:, 2:] = (200, 100, 50)
    gray = fitted(colours, FrameFormat(1, 2, 4))
    assert gray.shape == (2, 4, 1)
    assert gray[0, :, 0].tolist() == [0, 0, 124, 124]
    assert fitted(colours, FrameFormat(1, 2, 4, colour=True))[0, 3].tolist() == [200, 100, 50]
    plain = fitted(colours[..., 0], FrameFormat(1, 2, 4, colour=True))
    assert plain[0, 3].tolist() == [200, 200, 200]
    right = fitted(colours, FrameFormat(1, 2, 2, region=(0.5, 0, 0.5, 1)))
    assert right[..., 0].tolist() == [[124, 124]] * 2


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0.0, 8, 8), "a frame rate of 0"),
        ((float("nan"), 8, 8), "a frame rate of nan"),
        ((10, 0, 8), "a frame size of 0x8"),
        ((10, 8, 5000), "a frame size of 8x5000"),
        ((10, 8, 8, False, (0.5, 0, 0.6, 1)), "a region of 0.5,0,0.6,1"),
    ],
)
def test_formats_that_no_frame_can_have_are_refused(values: tuple, message: str) -> None:
    with pytest.raises(InputError, match=message):
        FrameFormat(*values)

"""What augmentation does is what it says, and the same for the same generator."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.data.audio.augment import Channel, SpecAugment, add_noise, change_speed
from elman.data.labeled.rows import Floats
from elman.data.labeled.standardize import Standardizer
from elman.errors import InputError

MASKS = SpecAugment(time_masks=2, time_width=10, frequency_masks=1, frequency_width=5)


def tone(hertz: float, samples: int = 8000, rate: int = 8000) -> Floats:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(samples) / rate)).astype(np.float32)


def frequency(samples: Floats, rate: int = 8000) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))


@given(st.integers(0, 60), st.integers(1, 12), st.integers(0, 2**32))
def test_masks_are_whole_and_no_wider_than_asked(time: int, bins: int, seed: int) -> None:
    frames = np.ones((time, bins), np.float32)
    masked = MASKS(frames, np.random.default_rng(seed))
    assert frames.all()
    rows, columns = ~masked.any(axis=1), ~masked.any(axis=0)
    if not columns.all():
        assert rows.sum() <= 2 * min(10, int(0.2 * time))
    if not rows.all():
        assert columns.sum() <= 5
    np.testing.assert_array_equal(masked == 0, rows[:, None] | columns[None])
    again = MASKS(frames, np.random.default_rng(seed))
    np.testing.assert_array_equal(masked, again)


def test_masks_take_every_width_and_place() -> None:
    generator = np.random.default_rng(0)
    frames = np.ones((100, 20), np.float32)
    once = SpecAugment(1, 10, 0, 0)
    hidden = np.array([once(frames, generator)[:, 0] == 0 for _ in range(2000)])
    assert set(hidden.sum(axis=1)) == set(range(11))
    assert hidden.any(axis=0).all()
    bands = SpecAugment(0, 0, 1, 20)
    hidden = np.array([bands(frames, generator)[0] == 0 for _ in range(500)])
    assert set(hidden.sum(axis=1)) == set(range(21))


def test_no_masks_change_nothing() -> None:
    frames = np.ones((50, 20), np.float32)
    np.testing.assert_array_equal(
        SpecAugment(0, 10, 0, 5)(frames, np.random.default_rng(0)), frames
    )


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.1, 2.0])
def test_speed_changes_length_and_pitch(factor: float) -> None:
    faster = change_speed(tone(400), factor)
    assert faster.dtype == np.float32
    assert len(faster) == pytest.approx(8000 / factor, abs=1)
    assert frequency(faster) == pytest.approx(400 * factor, rel=0.01)


def test_speed_of_nothing_and_no_speed() -> None:
    assert len(change_speed(tone(400, 0), 1.1)) == 0
    with pytest.raises(ValueError, match="a speed of 0, expected more than 0"):
        change_speed(tone(400), 0)


@pytest.mark.parametrize("snr", [-5, 0, 20])
@pytest.mark.parametrize("noise", [None, tone(1000, 777), tone(1000, 90_000)])
def test_noise_has_the_power_that_was_asked_for(snr: float, noise: Floats | None) -> None:
    clean = tone(300)
    noisy = add_noise(clean, snr, np.random.default_rng(1), noise)
    added = noisy - clean
    ratio = 10 * np.log10(np.mean(clean**2) / np.mean(added**2))
    assert ratio == pytest.approx(snr, abs=1e-3)
    assert noisy.dtype == np.float32
    np.testing.assert_array_equal(noisy, add_noise(clean, snr, np.random.default_rng(1), noise))
    assert (noisy != add_noise(clean, snr, np.random.default_rng(2), noise)).any()


def test_white_noise_is_white() -> None:
    added = add_noise(tone(300, 20_000), 0, np.random.default_rng(0)) - tone(300, 20_000)
    assert abs(np.corrcoef(added[1:], added[:-1])[0, 1]) < 0.03


def test_silence_stays_silent() -> None:
    silence = np.zeros(100, np.float32)
    np.testing.assert_array_equal(add_noise(silence, 10, np.random.default_rng(0)), silence)
    assert len(add_noise(silence[:0], 10, np.random.default_rng(0))) == 0


@pytest.mark.remedy
@pytest.mark.parametrize("length", [0, 50])
def test_noise_that_is_silent_is_refused(length: int) -> None:
    with pytest.raises(InputError, match=f"noise of {length} samples, all of them 0; give a"):
        add_noise(tone(300), 10, np.random.default_rng(0), np.zeros(length, np.float32))
    add_noise(tone(300), 10, np.random.default_rng(0), tone(50))


def test_another_channel_is_one_curve_over_all_frames() -> None:
    scale = Standardizer((5.0,) * 12, (2.0,) * 12)
    frames = np.random.default_rng(0).normal(5, 1, (7, 12)).astype(np.float32)
    kept, found = frames.copy(), Channel(10.0, scale)(frames, np.random.default_rng(1))
    np.testing.assert_array_equal(frames, kept)
    curve = found - frames
    np.testing.assert_allclose(curve, np.broadcast_to(curve[:1], curve.shape), atol=1e-5)
    assert 0.1 < np.abs(curve).max() <= 2 * np.log(10) / 2  # 20 dB in nats, over the deviation
    assert np.ptp(curve[0]) > 0.1
    # Four points and straight lines between them: the slope changes twice at most.
    assert (np.abs(np.diff(curve[0], 2)) > 1e-4).sum() <= 4
    silence = np.full((3, 12), -2.5, np.float32)  # log energies of 0 are the lowest there are
    assert Channel(10.0, scale)(silence, np.random.default_rng(2)).min() == -2.5
    np.testing.assert_allclose(
        Channel(0.0, scale)(frames, np.random.default_rng(1)), frames, atol=1e-6
    )

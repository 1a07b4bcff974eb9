"""Frames of a stream are those of the whole recording, and those of the formula."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.data.audio import filter_bank
from elman.data.audio.filter_bank import FilterBank, FilterBankStream
from elman.data.labeled.rows import Floats
from elman.errors import InputError

BANK = FilterBank(rate=8000, bins=20)
BANKS = [
    BANK,
    FilterBank(),
    FilterBank(rate=11025, bins=12, frame_length=0.02, frame_shift=0.02, low=100, high=-500),
]


def noise(samples: int, seed: int = 0) -> Floats:
    tone = np.sin(np.arange(samples) * 0.3)
    found = 0.1 * np.random.default_rng(seed).standard_normal(samples) + 0.2 * tone
    return found.astype(np.float32)


def by_the_formula(bank: FilterBank, samples: Floats) -> np.ndarray:
    size = 1 << (bank.length - 1).bit_length()
    top = bank.high if bank.high > 0 else bank.rate / 2 + bank.high
    mel = 1127 * np.log(1 + np.arange(size // 2) * bank.rate / size / 700)
    edges = np.linspace(*(1127 * np.log(1 + np.array([bank.low, top]) / 700)), bank.bins + 2)
    left, center, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (mel - left) / (center - left), (right - mel) / (right - center)
    triangles = np.maximum(0, np.minimum(rising, falling))
    phase = 2 * np.pi * np.arange(bank.length) / (bank.length - 1)
    shape = (0.5 - 0.5 * np.cos(phase)) ** 0.85
    frames = []
    for start in range(0, len(samples) - bank.length + 1, bank.shift):
        window = 32768.0 * samples[start : start + bank.length].astype(np.float64)
        window -= window.mean()
        window -= 0.97 * np.concatenate((window[:1], window[:-1]))
        power = np.abs(np.fft.rfft(window * shape, size))[: size // 2] ** 2
        frames.append(np.log(np.maximum(1, triangles @ power)))
    return np.array(frames)


@pytest.mark.parametrize("bank", BANKS)
def test_the_frames_are_those_of_the_formula(bank: FilterBank) -> None:
    samples = noise(3000)
    frames, expected = bank.frames(samples), by_the_formula(bank, samples)
    assert frames.dtype == np.float32
    assert frames.shape == expected.shape == (bank.count(3000), bank.bins)
    np.testing.assert_allclose(frames, expected, atol=2e-3)


@given(st.lists(st.integers(0, 700), max_size=12), st.integers(0, 4000))
def test_any_chunks_give_the_frames_of_the_whole(sizes: list[int], length: int) -> None:
    samples = noise(length)
    stream = FilterBankStream(BANK)
    found = []
    for chunk in np.split(samples, np.minimum(np.cumsum(sizes, dtype=int), length)):
        found.append(stream.push(chunk))
        assert len(stream.pending) < BANK.length
    assert stream.count == BANK.count(length)
    found.append(stream.flush())
    assert stream.count == 0
    np.testing.assert_array_equal(np.concatenate(found), BANK.frames(samples))


@pytest.mark.parametrize("bank", BANKS)
def test_samples_one_by_one(bank: FilterBank) -> None:
    samples = noise(1500)
    stream = FilterBankStream(bank)
    found = np.concatenate([stream.push(samples[at : at + 1]) for at in range(1500)])
    np.testing.assert_array_equal(found, bank.frames(samples))


def test_a_long_recording_is_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = noise(5000)
    whole = BANK.frames(samples)
    monkeypatch.setattr(filter_bank, "_AT_ONCE", 333)
    np.testing.assert_array_equal(BANK.frames(samples), whole)
    monkeypatch.setattr(filter_bank, "_FRAMES", 7)
    np.testing.assert_array_equal(BANK.frames(samples), whole)


@given(st.integers(0, 2000))
def test_a_stream_goes_on_from_what_another_held(at: int) -> None:
    samples = noise(2000)
    first = FilterBankStream(BANK)
    begun = first.push(samples[:at])
    second = FilterBankStream(BANK, first.pending, first.count)
    before = second.pending.copy()
    np.testing.assert_array_equal(first.push(samples[at:]), rest := second.push(samples[at:]))
    np.testing.assert_array_equal(np.concatenate((begun, rest)), BANK.frames(samples))
    assert second.count == BANK.count(2000)
    second.pending = before
    np.testing.assert_array_equal(second.push(samples[at:]), rest)


def test_another_process_goes_on(tmp_path: Path) -> None:
    samples = noise(4000)
    stream = FilterBankStream(BANK)
    stream.push(samples[:1234])
    np.savez(tmp_path / "in.npz", pending=stream.pending, rest=samples[1234:])
    script = (
        "import sys, numpy as np\n"
        "from elman.data.audio.filter_bank import FilterBank, FilterBankStream\n"
        "kept = np.load(sys.argv[1])\n"
        "stream = FilterBankStream(FilterBank(rate=8000, bins=20), kept['pending'])\n"
        "np.save(sys.argv[2], stream.push(kept['rest']))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "in.npz"), str(tmp_path / "out.npy")]
    subprocess.run(command, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), stream.push(samples[1234:]))


def test_after_a_flush_a_stream_begins_anew() -> None:
    stream = FilterBankStream(BANK)
    stream.push(noise(150, seed=1))
    assert stream.flush().shape == (0, 20)
    assert len(stream.pending) == 0
    np.testing.assert_array_equal(stream.push(noise(900)), BANK.frames(noise(900)))


def test_silence_is_zero_and_nothing_is_below() -> None:
    assert not BANK.frames(np.zeros(800, np.float32)).any()
    assert not BANK.frames(np.full(800, 0.5, np.float32)).any()
    quiet = BANK.frames(noise(8000) * np.float32(1e-5))
    assert quiet.min() == 0 < quiet.max()


def test_a_frame_is_of_its_own_window_alone() -> None:
    samples = noise(2000)
    other = samples.copy()
    other[: 5 * BANK.shift] = 0.3
    other[5 * BANK.shift + BANK.length :] = -0.3
    np.testing.assert_array_equal(BANK.frames(other)[5], BANK.frames(samples)[5])
    assert (BANK.frames(other)[6] != BANK.frames(samples)[6]).any()


def test_samples_of_a_stream_are_not_kept() -> None:
    chunk = noise(700)
    stream = FilterBankStream(BANK)
    stream.push(chunk)
    pending = stream.pending.copy()
    chunk[:] = 9
    np.testing.assert_array_equal(stream.pending, pending)


def resident() -> int:
    (line,) = re.findall(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(line)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_half_an_hour_takes_the_memory_of_a_minute() -> None:
    # Of so small a bank that it takes a second; the frames that were not dropped would take 15 MB.
    bank = FilterBank(rate=1000, bins=3, frame_length=0.02, frame_shift=0.01)
    stream = FilterBankStream(bank)
    chunk = noise(1000)
    for _ in range(60):
        stream.push(chunk)
    before = resident()
    for _ in range(1800):
        stream.push(chunk)
    assert stream.count == 185_999
    assert resident() - before < 1000


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_a_sample_that_is_no_sample_is_named(bad: float) -> None:
    stream = FilterBankStream(BANK)
    stream.push(noise(150))
    samples = noise(500)
    samples[321] = bad
    with pytest.raises(InputError, match=r"sample 322 is .*expected numbers between -1 and 1"):
        stream.push(samples)
    rest = noise(900)[150:]
    np.testing.assert_array_equal(stream.push(rest), BANK.frames(noise(900)))


def test_samples_of_two_channels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(100, 2\), expected \(N,\)"):
        BANK.frames(np.zeros((100, 2), np.float32))


def test_a_state_that_fills_a_window_is_refused() -> None:
    with pytest.raises(ValueError, match="200 pending samples, expected less than a window"):
        FilterBankStream(BANK, noise(200))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frame_shift": 0.03}, r"a frame shift of 0.03 s and a window of 0.025 s at 16000 Hz"),
        ({"frame_shift": 1e-6}, "expected at least a sample"),
        ({"high": 9000.0}, r"from 20.0 to 9000.0 Hz .* expected edges between 0 and 8000 Hz"),
        ({"low": 500.0, "high": 400.0}, "the lower one first"),
        ({"low": -1.0}, "expected edges"),
    ],
)
def test_settings_that_make_no_filter_bank(settings: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        FilterBank(**settings)  # type: ignore[arg-type]


@pytest.mark.remedy
@pytest.mark.parametrize(
    ("settings", "better"),
    [
        ({"bins": 2}, {"bins": 3}),
        ({"bins": 128}, {"bins": 80}),
        ({"bins": 128}, {"frame_length": 0.1}),
    ],
)
def test_bins_that_do_not_fit(settings: dict[str, int], better: dict[str, int]) -> None:
    with pytest.raises(InputError, match=r"mel bins .*; give 3 bins or more, and fewer"):
        FilterBank(**settings).frames(noise(16000))
    FilterBank(**{**settings, **better}).frames(noise(16000))

"""Resampled chunks are the resampled whole, and a place can be saved."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data.audio.resample import Resampler
from elman.data.labeled.rows import Floats
from elman.data.optional import library
from elman.errors import InputError

RATES = [
    *((8000, 16000), (16000, 8000), (44100, 16000), (48000, 16000), (22050, 8000)),
    (8001, 8000),  # they meet once a second
]


def noise(samples: int) -> Floats:
    found = np.random.default_rng(samples).standard_normal(samples) * 0.3
    return found.astype(np.float32)


def resampled(source: int, rate: int, chunks: list[Floats]) -> Floats:
    resampler = Resampler(source, rate)
    return np.concatenate([*map(resampler.push, chunks), resampler.flush()])


def chunks_of(samples: Floats, size: int) -> list[Floats]:
    return [samples[at : at + size] for at in range(0, len(samples), size)]


@pytest.mark.parametrize(("source", "rate"), RATES)
def test_the_stream_of_soxr_is_the_same_whatever_the_chunks(source: int, rate: int) -> None:
    soxr = library("soxr", "speech")
    samples = noise(int(1.3 * source))
    whole = soxr.resample(samples, source, rate)
    for size in (source // 100, 7 * source // 90, 13):
        stream = soxr.ResampleStream(source, rate, 1)
        found = [stream.resample_chunk(chunk) for chunk in chunks_of(samples, size)]
        found.append(stream.resample_chunk(samples[:0], last=True))
        np.testing.assert_array_equal(np.concatenate(found), whole)


@pytest.mark.parametrize(("source", "rate"), RATES)
def test_chunks_give_the_whole(source: int, rate: int) -> None:
    samples = noise(int(2.7 * source) + 5)
    whole = resampled(source, rate, [samples])
    np.testing.assert_array_equal(resampled(source, rate, chunks_of(samples, 441)), whole)
    np.testing.assert_array_equal(resampled(source, rate, chunks_of(samples, 3 * source)), whole)
    expected = library("soxr", "speech").resample(samples, source, rate)
    assert len(whole) == len(expected)
    np.testing.assert_allclose(whole, expected, atol=2e-6)


@pytest.mark.parametrize("length", [0, 1, 5, 7999, 8000, 8001, 10047, 10048, 10049, 16000, 20000])
def test_each_length_has_its_length(length: int) -> None:
    samples = noise(length)
    whole = resampled(8000, 16000, [samples])
    assert len(whole) == 2 * length
    np.testing.assert_array_equal(resampled(8000, 16000, chunks_of(samples, 700)), whole)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 9000), max_size=6), st.integers(0, 20000))
def test_any_chunks_and_a_rebuilt_stream_give_the_whole(sizes: list[int], length: int) -> None:
    samples = noise(length)
    whole = resampled(8000, 16000, [samples])
    chunks = np.split(samples, np.minimum(np.cumsum(sizes, dtype=int), length))
    np.testing.assert_array_equal(resampled(8000, 16000, chunks), whole)
    found, resampler = [], Resampler(8000, 16000)
    for chunk in chunks:
        again = Resampler(8000, 16000)
        again.state = resampler.state
        resampler = again
        found.append(resampler.push(chunk))
    np.testing.assert_array_equal(np.concatenate([*found, resampler.flush()]), whole)


def test_another_process_goes_on(tmp_path: Path) -> None:
    kept, rests = {}, []
    for source, rate in RATES:
        samples, resampler = noise(3 * source), Resampler(source, rate)
        for chunk in chunks_of(samples[: int(2.2 * source)], 171):
            resampler.push(chunk)
        heard, taken = resampler.state
        kept |= {f"{source} heard": heard, f"{source} given": np.array(taken)}
        rest = samples[int(2.2 * source) :]
        kept[f"{source} rest"] = rest
        rests.append(np.concatenate([resampler.push(rest), resampler.flush()]))
    np.savez(tmp_path / "in.npz", **kept)
    script = (
        "import sys, numpy as np\n"
        "from elman.data.audio.resample import Resampler\n"
        "kept, found = np.load(sys.argv[1]), []\n"
        f"for source, rate in {RATES}:\n"
        "    resampler = Resampler(source, rate)\n"
        "    resampler.state = kept[f'{source} heard'], int(kept[f'{source} given'])\n"
        "    found += [resampler.push(kept[f'{source} rest']), resampler.flush()]\n"
        "np.save(sys.argv[2], np.concatenate(found))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "in.npz"), str(tmp_path / "out.npy")]
    subprocess.run(command, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), np.concatenate(rests))


def test_what_is_held_stays_bounded() -> None:
    resampler = Resampler(48000, 16000)
    for _ in range(200):
        resampler.push(noise(4800))
        heard, _ = resampler.state
        assert len(heard) < 1.4 * 48000


def test_a_tone_stays_the_tone() -> None:
    time = np.arange(3 * 48000) / 48000
    found = resampled(48000, 16000, [np.sin(2 * np.pi * 440 * time).astype(np.float32)])
    expected = np.sin(2 * np.pi * 440 * np.arange(3 * 16000) / 16000)
    np.testing.assert_allclose(found[400:-400], expected[400:-400], atol=1e-4)


def test_what_half_the_rate_cannot_hold_is_taken_out() -> None:
    time = np.arange(2 * 48000) / 48000
    found = resampled(48000, 16000, [np.sin(2 * np.pi * 11000 * time).astype(np.float32)])
    assert np.abs(found[400:-400]).max() < 1e-4


def test_equal_rates_change_nothing() -> None:
    resampler = Resampler(16000, 16000)
    samples = noise(100)
    np.testing.assert_array_equal(resampler.push(samples), samples)
    assert len(resampler.flush()) == len(resampler.state[0]) == 0


def test_after_a_flush_it_begins_anew() -> None:
    resampler = Resampler(8000, 16000)
    first = np.concatenate([resampler.push(noise(9000)), resampler.flush()])
    again = np.concatenate([resampler.push(noise(9000)), resampler.flush()])
    np.testing.assert_array_equal(first, again)


def test_a_fault_leaves_it_as_it_was() -> None:
    resampler = Resampler(8000, 16000)
    begun = resampler.push(noise(3000)[:1000])
    with pytest.raises(InputError, match="sample 3 is nan"):
        resampler.push(np.array([0, 0, np.nan], np.float32))
    rest = [resampler.push(noise(3000)[1000:]), resampler.flush()]
    found = np.concatenate([begun, *rest])
    np.testing.assert_array_equal(found, resampled(8000, 16000, [noise(3000)]))


@pytest.mark.parametrize(
    "state",
    [
        (noise(1_000_000), 0),
        (noise(100), 500),
        (noise(100), -1),
        (np.zeros((3, 3), np.float32), 0),
        (noise(60_000), 40_000),
    ],
)
def test_a_state_of_something_else_is_refused(state: tuple[Floats, int]) -> None:
    resampler = Resampler(8000, 16000)
    with pytest.raises(ValueError, match=r"too many|expected \(N,\)"):
        resampler.state = state


def test_a_place_between_samples_is_refused() -> None:
    resampler = Resampler(8000, 16000)
    with pytest.raises(TypeError, match="'float' object cannot be interpreted as an integer"):
        resampler.state = (noise(100), 1.5)  # type: ignore[assignment]


def test_rates_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="rates of 0 and 16000"):
        Resampler(0, 16000)

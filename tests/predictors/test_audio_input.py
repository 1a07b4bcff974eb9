"""However audio comes, it is the samples that a model reads, or one line that says why not."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data.audio.resample import Resampler
from elman.data.labeled.rows import Floats
from elman.errors import InputError
from elman.predictors.audio_input import AudioInput
from tests.wavs import header, wav

RATE = 8000
NOISE = np.random.default_rng(0).uniform(-1, 1, 4000)
SHORTS = (NOISE * 32767).astype("<i2")
WANTED = SHORTS.astype(np.float32) / np.float32(32768)


def heard(reader: AudioInput, *chunks: Any) -> np.ndarray:
    found = [samples for chunk in chunks for samples in reader.read(chunk)]
    return np.concatenate([*found, *reader.end(), np.zeros(0, np.float32)])


@pytest.mark.parametrize(
    "chunk",
    [
        SHORTS.tobytes(),
        bytearray(SHORTS.tobytes()),
        wav(SHORTS.tobytes(), header(rate=RATE)),
        SHORTS,
        SHORTS[:, None].repeat(3, 1),
        SHORTS.astype(np.int32) * 65536,
        WANTED,
        WANTED.astype(np.float64),
        torch.from_numpy(WANTED),
        WANTED.tolist(),
        (WANTED, RATE),
        (SHORTS.tolist() and SHORTS, float(RATE)),
    ],
)
def test_all_forms_are_the_same_samples(chunk: Any) -> None:
    np.testing.assert_array_equal(heard(AudioInput(RATE), chunk), WANTED)


def test_channels_are_averaged() -> None:
    two = np.stack([WANTED, np.zeros_like(WANTED)], 1)
    np.testing.assert_array_equal(heard(AudioInput(RATE), two), WANTED / 2)
    data = (two * 32768).astype("<i2").tobytes()
    np.testing.assert_array_equal(heard(AudioInput(RATE), wav(data, header(2, RATE))), WANTED / 2)


@pytest.mark.parametrize("source", [8000, 11025, 48000])
@settings(max_examples=10)
@given(data=st.data())
def test_any_cut_and_any_stop_at_any_rate(source: int, data: st.DataObject) -> None:
    resampler = Resampler(source, RATE)
    wanted = np.concatenate([resampler.push(WANTED), resampler.flush()]).clip(-1, 1)
    stream = wav(SHORTS.tobytes(), header(rate=source))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    reader = AudioInput(RATE)
    found: list[Floats] = []
    for begin, end in pairwise([0, *cuts, len(stream)]):
        found += reader.read(stream[begin:end])
        stopped, reader = reader, AudioInput(RATE)
        reader.state = stopped.state
        with suppress(InputError):  # what follows may be no WAV
            list(stopped.read(b"\1" * 99))  # goes its own way
    np.testing.assert_array_equal(np.concatenate([*found, *reader.end()]), wanted)


def test_raw_samples_come_at_the_rate_that_is_said() -> None:
    wanted = heard(AudioInput(RATE), (SHORTS, 16000))
    assert abs(len(wanted) - 2000) <= 1
    for chunk in (SHORTS.tobytes(), SHORTS, wav(SHORTS.tobytes(), header(rate=16000))):
        np.testing.assert_array_equal(heard(AudioInput(RATE, 16000), chunk), wanted)


def test_a_long_chunk_is_worked_on_in_pieces() -> None:
    for chunk in (np.zeros(10**6, np.int16), bytes(2 * 10**6)):
        assert max(map(len, AudioInput(RATE).read(chunk))) <= 1 << 16


@pytest.mark.remedy
def test_a_rate_that_changes_is_a_fault_that_stays() -> None:
    reader = AudioInput(RATE, where="mic")
    one, other = (wav(SHORTS.tobytes(), header(rate=rate)) for rate in (RATE, 16000))
    found = []
    with pytest.raises(InputError, match=r"^mic: the rate changes from 8,000 to 16,000 Hz; begin"):
        found += [samples for chunk in (one, other) for samples in reader.read(chunk)]
    assert reader.faulty
    again = AudioInput(RATE, where="mic")
    again.state = reader.state
    for each in (reader, again):
        with pytest.raises(InputError, match="the rate changes"):
            list(each.read(one))
        each.reset()
    assert len(heard(reader, other)) == 2000  # a stream for each rate
    reader.reset()
    list(reader.read((SHORTS, RATE)))
    with pytest.raises(InputError, match="the rate changes"):
        list(reader.read((SHORTS, 16000)))


@pytest.mark.remedy
def test_a_header_that_contradicts_the_flag() -> None:
    data = wav(SHORTS.tobytes(), header(rate=16000))
    with pytest.raises(InputError, match="comes at 16,000 Hz, but --rate says 8,000; leave --rate"):
        list(AudioInput(RATE, RATE).read(data))
    assert len(heard(AudioInput(RATE), data)) == 2000


def test_an_end_that_is_cut_off_comes_after_all_that_was_heard() -> None:
    reader = AudioInput(RATE)
    found = list(reader.read(SHORTS.tobytes() + b"\1"))
    with pytest.raises(InputError, match="in the middle of a sample"):
        found += reader.end()
    np.testing.assert_array_equal(np.concatenate(found), WANTED)


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        (None, "expected bytes, or samples"),
        (5, "expected bytes, or samples"),
        ("text", "expected bytes, or samples"),
        ({1}, "expected bytes, or samples"),
        ([[1.0], [1.0, 2.0]], "samples of one shape"),
        (np.zeros((2, 2, 2), np.float32), r"float32 of shape \(2, 2, 2\)"),
        (np.zeros((10, 65), np.float32), "65 channels of 10 samples, above the bound of 64"),
        ([0, 300, -200], "int64 of shape"),
        (np.array([0.1, np.nan]), "a sample is nan, expected floating point in"),
        (np.array([0.1, -np.inf]), "a sample is -inf"),
        (np.array([0.1, 1e300]), "a sample is inf"),
        (np.array([0.1, 2000.0]), "a sample is 2,000, expected .*; divide by what is full scale"),
        ((NOISE, 999), "a rate from 1,000 to 768,000 Hz"),
        ((NOISE, "8000"), "a rate from"),
        ((NOISE, 8000.5), "a rate from"),
        ((NOISE, float("nan")), "a rate from"),
    ],
)
def test_what_is_no_audio_changes_nothing(chunk: Any, message: str) -> None:
    reader = AudioInput(RATE)
    found = list(reader.read(WANTED[:1000]))
    with pytest.raises(InputError, match=message) as error:
        list(reader.read(chunk))
    assert "\n" not in str(error.value)
    assert not reader.faulty
    np.testing.assert_array_equal(np.concatenate([*found, heard(reader, WANTED[1000:])]), WANTED)


def test_bytes_and_arrays_are_not_mixed() -> None:
    reader = AudioInput(RATE)
    list(reader.read(b"\1"))
    with pytest.raises(InputError, match="arrays after bytes; end the stream first"):
        list(reader.read(WANTED))
    assert len(heard(reader, b"\1")) == 1


def test_floating_point_that_is_no_number_is_a_fault() -> None:
    data = np.array([0.5, np.nan, 0.5], "<f4").tobytes()
    reader = AudioInput(RATE)
    with pytest.raises(InputError, match="standard input: a sample is nan"):
        list(reader.read(wav(data, header(1, RATE, 32, 3))))
    assert reader.faulty


@pytest.mark.parametrize(
    "change",
    [{"rate": 3}, {"kind": "smells"}, {"place": [10**9]}, {"place": []}, {"place": ["x"]}],
)
def test_a_damaged_state_is_refused(change: dict[str, Any]) -> None:
    reader = AudioInput(RATE, 16000)
    found = list(reader.read(SHORTS[:1000]))
    tensors, values = reader.state
    for broken in ((tensors, {**values, **change}), ({"heard": tensors["heard"] / 0}, values)):
        with pytest.raises((TypeError, ValueError)):
            reader.state = broken
    wanted = heard(AudioInput(RATE, 16000), SHORTS)
    np.testing.assert_array_equal(np.concatenate([*found, heard(reader, SHORTS[1000:])]), wanted)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros(4000), "mic: 0.5 s of silence; is the microphone on?"),
        (SHORTS * 1.0, ""),
        (np.sign(NOISE), "mic: 0.5 s, and 100 % of it clipped; record with less gain"),
    ],
)
def test_silence_and_clipping_are_said_at_the_end(
    samples: np.ndarray, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    scaled = samples / 32768 if samples.max() > 1 else samples
    reader = AudioInput(RATE, where="mic")
    list(reader.read(scaled[:2000]))
    other = AudioInput(RATE, where="mic")
    other.state = reader.state
    heard(other, scaled[2000:])
    assert [record.message for record in caplog.records] == ([said] if said else [])
    caplog.clear()
    other.reset()
    heard(other, WANTED)
    assert not caplog.records

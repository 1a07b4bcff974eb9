"""Bytes cut anywhere are the samples of the whole; what is no audio is said in one line."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.errors import InputError
from elman.streaming.sample_input import SampleInput
from tests.wavs import chunk, header, wav

RAMP = (np.arange(-50, 50, dtype=np.float64) / 64)[:, None] * [1.0, -0.5]
"""(N, 2) samples that every width holds exactly, but for those of a byte."""


def encoded(samples: np.ndarray, bits: int, *, floating: bool = False) -> bytes:
    if floating:
        return samples.astype(f"<f{bits // 8}").tobytes()
    if bits == 8:
        return (samples * 128 + 128).astype("u1").tobytes()
    wide = (samples * 2.0 ** (bits - 1)).astype("<i4")
    return wide.view("u1").reshape(*samples.shape, 4)[..., : bits // 8].tobytes()


def read(
    data: bytes, cuts: Any = (), reader: SampleInput | None = None
) -> tuple[np.ndarray, set[int | None]]:
    reader = reader or SampleInput()
    found: list[np.ndarray] = []
    rates: set[int | None] = set()
    for begin, end in pairwise([0, *cuts, len(data)]):
        for samples, rate in reader.read(data[begin:end]):
            found.append(samples)
            rates.add(rate)
        reader.state = dict(reader.state)
    reader.end()
    return np.concatenate(found), rates


@pytest.mark.parametrize(
    ("bits", "floating"),
    [(8, False), (16, False), (24, False), (32, False), (32, True), (64, True)],
)
@pytest.mark.parametrize("extensible", [False, True])
def test_every_width(bits: int, floating: bool, extensible: bool) -> None:
    data = encoded(RAMP, bits, floating=floating)
    form = header(2, 44100, bits, 3 if floating else 1, extensible=extensible)
    found, rates = read(wav(data, form))
    np.testing.assert_array_equal(found, RAMP.astype(np.float32))
    assert rates == {44100}
    assert found.dtype == np.float32


def blocks(size: int) -> bytes:
    """A format of 16 bits in blocks of another size."""
    found = bytearray(header())
    found[20:22] = size.to_bytes(2, "little")
    return bytes(found)


MONO = encoded(RAMP[:, :1], 16)
WANTED = RAMP[:, :1].astype(np.float32)
STREAMS = {
    "raw": MONO,
    "wav": wav(MONO),
    "chunks": wav(MONO, chunk(b"LIST", b"odd"), header(), chunk(b"fact", b"1234")),
    "after": wav(MONO, after=chunk(b"LIST", b"title")),
    "size 0": wav(MONO, size=0),
    "size -1": wav(MONO, size=0xFFFFFFFF),
    "sox": wav(MONO, size=0x7FFFF000),
    "arecord": wav(MONO, size=0x80000000),
    "rf64": b"RF64" + wav(MONO, chunk(b"ds64", b"\0" * 28), header(), size=0xFFFFFFFF)[4:],
    "two": wav(MONO[:20]) + wav(MONO[20:], after=chunk(b"LIST", b"")),
    "odd": wav(MONO + b"\1"),
    "odd, after": wav(MONO + b"\1", after=chunk(b"LIST", b"title")) + wav(b""),
    "padded": wav(MONO) + b"\0" * 101,
}


@pytest.mark.parametrize("name", STREAMS)
@settings(max_examples=30)
@given(data=st.data())
def test_cut_anywhere(name: str, data: st.DataObject) -> None:
    stream = STREAMS[name]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    found, rates = read(stream, cuts)
    np.testing.assert_array_equal(found, WANTED)
    assert rates == ({None} if name == "raw" else {16000})


@pytest.mark.parametrize("name", STREAMS)
def test_byte_by_byte(name: str) -> None:
    found, _ = read(STREAMS[name], range(1, len(STREAMS[name])))
    np.testing.assert_array_equal(found, WANTED)


def test_blocks_of_no_size_are_as_large_as_their_samples() -> None:
    np.testing.assert_array_equal(read(wav(MONO, blocks(0)))[0], WANTED)


def test_no_bytes_are_no_samples() -> None:
    reader = SampleInput()
    assert reader.read(b"") == []
    assert not reader.begun
    reader.end()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (MONO + b"\0", "ends at byte 201 in the middle of a sample; give whole samples of 2 bytes"),
        (wav(MONO)[:-1], "its header claims 200 bytes of samples, and 199 came; give the whole"),
        (wav(MONO, size=1 << 30), "its header claims 1,073,741,824 bytes of samples, and 200 came"),
        (wav(MONO, size=0) + b"\1", "in the middle of a sample"),
        (wav(MONO)[:44], "its header claims 200 bytes of samples, and 0 came"),
        (wav(MONO)[:30], "the WAV ends before its samples; give the whole file"),
        (wav(MONO, chunk(b"LIST", b"", 1 << 31), header()), "ends before its samples"),
        (b"RIFF\0\0\0", "ends after 7 bytes, in its header; give the whole file"),
        (b"RIFF\0\0\0\0AVI LIST", "begins as RIFF, but is no WAV; give a WAV or 16-bit PCM"),
        (b"fLaC\0\0\0\x22", "begins as FLAC; give the file to `elman predict`, or decode it"),
        (b"OggS\0\0\0\x22", "begins as OGG"),
        (b"ID3\x04\0\0", "begins as MP3"),
        (wav(MONO, header(0)), "the WAV has no channels; give the whole file"),
        (wav(MONO, header(65)), "65 channels, above the bound of 64; keep those with speech"),
        (wav(MONO, header(1, 999)), "a rate of 999 Hz, expected 1,000 to 768,000; correct it"),
        (wav(MONO, header(1, 1 << 31)), "a rate of 2,147,483,648 Hz"),
        (wav(MONO, header(bits=40)), "samples of 40 bits in whole numbers; give it in 16 bits"),
        (wav(MONO, header(bits=16, codec=3)), "samples of 16 bits in floating point"),
        (wav(MONO, blocks(4)), "has blocks of 4 bytes, but 1 x 16 bits take 2; write it again"),
        (wav(MONO, header(codec=7)), "is of µ-law; decode it, as ffmpeg"),
        (wav(MONO, header(codec=99)), "is of codec 99"),
        (wav(MONO, chunk(b"fmt ", b"\0" * 14)), "a format of 14 bytes"),
        (wav(MONO, chunk(b"LIST", b"")), "samples before their format"),
        (wav(MONO) + b"\xff" * 8, "no WAV from byte 244 on"),
    ],
)
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_what_is_wrong_stays_wrong(data: bytes, message: str, step: int) -> None:
    reader = SampleInput("mic")
    with pytest.raises(InputError, match=r"^mic: ") as error:
        read(data, range(step, len(data), step), reader)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    restored = SampleInput("mic")
    restored.state = reader.state
    for each in (reader, restored):
        with pytest.raises(InputError) as again:
            each.read(b"\0\0")
        assert str(again.value) == str(error.value)
        each.reset()
        np.testing.assert_array_equal(read(MONO, (), each)[0], WANTED)


@pytest.mark.parametrize(
    "change",
    [
        {"phase": "data", "format": None},
        {"phase": "nowhere"},
        {"format": {"channels": 0, "width": 2, "floating": False}},
        {"format": {"channels": 1, "width": 5, "floating": False}},
        {"rate": 7},
        {"rate": "16000"},
        {"held": "00" * 9000},
        {"held": "xy"},
        {"left": -1},
    ],
)
def test_a_damaged_state_is_refused(change: dict[str, Any]) -> None:
    reader = SampleInput()
    reader.read(wav(MONO)[:60])
    with pytest.raises((TypeError, ValueError)):
        reader.state = {**reader.state, **change}
    (found,) = reader.read(wav(MONO)[60:])
    np.testing.assert_array_equal(found[0], WANTED[8:])

"""Files and arrays become the samples they hold, or one line says what is wrong with them."""

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from elman.data.audio.clips import Clip, Limits, Samples
from elman.data.audio.decode import clip_seconds, probe, read_clip, read_samples
from elman.errors import InputError
from tests.data.audio.waves import RATE, noise, tone, write


@pytest.mark.parametrize(
    ("name", "subtype", "within"),
    [
        ("a.wav", "PCM_16", 1e-4),
        ("a.wav", "PCM_U8", 1e-2),
        ("a.wav", "PCM_24", 1e-6),
        ("a.wav", "PCM_32", 1e-6),
        ("a.wav", "FLOAT", 0),
        ("a.wav", "DOUBLE", 0),
        ("a.wav", "ULAW", 2e-2),
        ("a.flac", "PCM_16", 1e-4),
        ("a.flac", "PCM_24", 1e-6),
        ("a.ogg", "VORBIS", 5e-2),
        ("a.ogg", "OPUS", 5e-2),
        ("a.mp3", "MPEG_LAYER_III", 5e-2),
    ],
)
def test_every_width_of_sample(tmp_path: Path, name: str, subtype: str, within: float) -> None:
    path = write(tmp_path / name, subtype=subtype)
    read = read_clip(Clip(path), RATE)
    assert read.dtype == np.float32
    assert read.shape == (RATE // 2,)
    middle = slice(1000, 7000)  # a codec rings at the ends
    assert np.abs(read - tone())[middle].max() <= within


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 96_000])
def test_other_rates_are_resampled(tmp_path: Path, rate: int) -> None:
    path = write(tmp_path / "a.wav", tone(rate=rate), rate, subtype="FLOAT")
    read = read_clip(Clip(path), RATE)
    assert len(read) == RATE // 2
    assert np.abs(read - tone())[500:-500].max() < 1e-3
    assert probe(path).rate == rate


@pytest.mark.parametrize("channels", [2, 8, 32])
def test_channels_are_averaged(tmp_path: Path, channels: int) -> None:
    loud = np.zeros((RATE // 2, channels), np.float32)
    loud[:, -1] = tone()
    path = write(tmp_path / "a.wav", loud, subtype="FLOAT")
    assert probe(path).channels == channels
    assert np.allclose(read_clip(Clip(path), RATE), tone() / channels, atol=1e-6)


def test_a_clip_is_that_part_of_the_whole(tmp_path: Path) -> None:
    for name in ("a.wav", "a.flac", "a.ogg", "a.mp3"):
        path = write(tmp_path / name, noise(2.0))
        whole = read_clip(Clip(path), RATE)
        part = read_clip(Clip(path, 0.5, 1.25), RATE)
        assert np.abs(part - whole[RATE // 2 : RATE * 5 // 4]).max() < 1e-6
        assert clip_seconds(Clip(path, 0.5, 1.25), probe(path)) == 0.75


def test_an_end_that_was_rounded_is_the_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav")
    assert len(read_clip(Clip(path, 0.25, 0.52), RATE)) == RATE // 4
    with pytest.raises(InputError, match=r"a\.wav: ends after 0.500 s, but the row at 0.6 s"):
        read_clip(Clip(path, 0.25, 0.6), RATE)


@pytest.mark.parametrize(
    ("clip", "said"),
    [
        ((0.3, 0.3), "nothing"),
        ((-1, None), "nothing"),
        ((0.5, None), "nothing"),
        ((0.4, 0.3), "no"),
    ],
)
def test_a_clip_with_nothing_in_it(
    tmp_path: Path, clip: tuple[float, float | None], said: str
) -> None:
    path = write(tmp_path / "a.wav")
    with pytest.raises(InputError, match=said):
        read_clip(Clip(path, *clip), RATE)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.w64"])
@pytest.mark.parametrize("share", [0.97, 0.6, 0.1, 0.01, 0])
def test_a_file_that_is_cut_off(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, share: float
) -> None:
    path = write(tmp_path / name, noise(3.0))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=re.escape(name)) as raised:
        read_clip(Clip(path), RATE)
    assert "cut off" in str(raised.value) or share < 0.6
    assert str(raised.value).count(str(path)) == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.remedy
def test_the_remedy_of_an_ogg_file_without_its_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ogg", noise(3.0))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError, match=r"keep what is \(ffmpeg -i IN OUT.ogg\)"):
        probe(path)
    # ffmpeg isn't everywhere: like it, libsndfile reads what there is and closes what it writes.
    rest, rate = soundfile.read(path)
    soundfile.write(tmp_path / "b.ogg", rest, rate)
    assert probe(tmp_path / "b.ogg").samples == len(rest)


def test_bytes_that_are_not_what_they_were(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", noise(3.0))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 200] = bytes(200)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.flac: is cut off or damaged \(flac decoder"):
        read_clip(Clip(path), RATE)


def claiming(path: Path, **sizes: int) -> Path:
    """Write other sizes into the header of a WAV."""
    data = bytearray(path.read_bytes())
    at = data.index(b"data")
    if "wide" in sizes:
        place = data.index(b"ds64")
        data[place + 16 : place + 24] = struct.pack("<Q", sizes["wide"])
        data[place + 24 : place + 32] = struct.pack("<Q", sizes["wide"] // 2)
    else:
        data[at + 4 : at + 8] = struct.pack("<I", sizes["size"])
    path.write_bytes(data)
    return path


@pytest.mark.remedy
def test_blocks_that_are_not_those_of_the_samples(tmp_path: Path) -> None:
    """libsndfile takes 24 bits in 4 bytes for 24 bits in 3: another sound, a third longer."""
    path = write(tmp_path / "a.wav", subtype="PCM_24")
    data = bytearray(path.read_bytes())
    at = data.index(b"fmt ") + 20
    assert data[at : at + 2] == b"\3\0"
    data[at] = 4
    path.write_bytes(data)
    said = r"a\.wav: its header has blocks of 4 bytes, but 1 x 24 bits take 3; write it again"
    with pytest.raises(InputError, match=said):
        probe(path)
    data[at] = 0
    path.write_bytes(data)
    assert probe(path).samples == RATE // 2


def test_a_flac_of_a_stream(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac")
    data = bytearray(path.read_bytes())
    data[21], data[22:26] = data[21] & 0xF0, bytes(4)  # the number of samples, 36 bits
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"does not say how long it is.*ffmpeg -i IN OUT\.flac"):
        probe(path)


def test_a_header_that_claims_terabytes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", noise(), format="RF64")
    assert len(read_clip(Clip(path), RATE)) == RATE // 2
    claiming(path, wide=1 << 42)
    with pytest.raises(InputError, match="its header claims 4,398,046,511,104 bytes of samples"):
        read_clip(Clip(path), RATE)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000, 0x80000000])
def test_a_wav_of_a_stream_ends_where_the_file_does(tmp_path: Path, size: int) -> None:
    path = claiming(write(tmp_path / "a.wav"), size=size)
    assert len(read_clip(Clip(path), RATE)) == RATE // 2


def test_a_wav_that_was_not_closed(tmp_path: Path) -> None:
    path = claiming(write(tmp_path / "a.wav"), size=0)
    with pytest.raises(InputError, match=r"claims no samples, and 16,000 bytes follow.*sox"):
        read_clip(Clip(path), RATE)


@pytest.mark.remedy
def test_the_bound_on_seconds_comes_before_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(1.5))
    with pytest.raises(InputError, match=r"2 s, longer than 1 s, the bound; cut.*--max-seconds"):
        read_clip(Clip(path), RATE, Limits(seconds=1))
    assert len(read_clip(Clip(path), RATE, Limits(seconds=2))) == RATE * 3 // 2
    assert len(read_clip(Clip(path, 0.5, 1.5), RATE, Limits(seconds=1))) == RATE
    samples = Samples(np.broadcast_to(np.float32(0), (1 << 40,)), RATE)
    with pytest.raises(InputError, match="longer than 3,600 s"):
        read_samples(samples, RATE)


def test_bounds_on_rate_and_channels(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", rate=500)
    with pytest.raises(InputError, match=r"a\.wav: a rate of 500 Hz, expected 1,000 to 768,000"):
        probe(path)
    many = write(tmp_path / "b.wav", np.zeros((100, 65), np.float32))
    with pytest.raises(InputError, match=r"b\.wav: 65 channels, above the bound of 64"):
        probe(many)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30, 20_000])
def test_floats_that_are_no_samples(tmp_path: Path, value: float) -> None:
    samples = tone()
    samples[100] = value
    path = write(tmp_path / "a.wav", samples, subtype="FLOAT")
    said = "not a finite number" if not np.isfinite(value) else r"expected in \[-1, 1\]; divide"
    with pytest.raises(InputError, match=rf"a\.wav: a sample is .*{said}|{said}"):
        read_clip(Clip(path), RATE)
    with pytest.raises(InputError, match=said):
        read_samples(Samples(samples, RATE), RATE)


def test_floats_that_go_a_little_too_far_are_clipped(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", 2.5 * tone(), subtype="FLOAT")
    assert np.abs(read_clip(Clip(path), RATE)).max() == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"RIFF", "is not audio that is read"),
        (b"hello there, this is text\n" * 50, "is not audio that is read"),
        (b"\0" * 5000, "is not audio that is read"),
        (b"RIFF\x24\0\0\0WAVEfmt \xff\xff\xff\x7f" + b"\0" * 40, "cut off before its samples"),
        (b"RIFF\x24\0\0\0WAVE" + b"junk\0\0\0\0" * 1200, "more than 1000 chunks"),
        (b"ID3\x04\0\0\0\0\0\0" + b"\xff\xfb" * 50, "is not audio that is read"),
        (b"OggS" + b"\0" * 100, "cut off"),
        (b"fLaC" + b"\0" * 100, "is not audio that is read"),
        (b"FORM\0\0\0\x20AIFFCOMM", "is not audio that is read"),
    ],
)
def test_what_is_no_audio(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes, said: str
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_clip(Clip(path), RATE)
    assert capfd.readouterr() == ("", "")


def test_a_format_that_is_not_meant(tmp_path: Path) -> None:
    path = write(tmp_path / "a.aiff")
    with pytest.raises(InputError, match=r"a\.aiff: AIFF is not read; give WAV"):
        probe(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.wav: no such file"):
        probe(tmp_path / "x.wav")
    (tmp_path / "d.wav").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        probe(tmp_path / "d.wav")
    os.mkfifo(tmp_path / "p.wav")
    with pytest.raises(InputError, match="is a pipe"):
        probe(tmp_path / "p.wav")


@pytest.mark.parametrize(
    ("dtype", "scale", "middle", "within"),
    [
        (np.int16, 32768, 0, 1e-4),
        (np.int32, 2**31, 0, 1e-6),
        (np.uint8, 128, 128, 1e-2),
        (np.int8, 128, 0, 1e-2),
        (np.float64, 1, 0, 1e-7),
        (np.float16, 1, 0, 1e-3),
    ],
)
def test_arrays_of_every_type(dtype: type, scale: float, middle: float, within: float) -> None:
    samples = (np.float64(tone()) * scale + middle).astype(dtype)
    read = read_samples(Samples(samples, RATE), RATE)
    assert np.abs(read - tone()).max() <= within
    both = read_samples(Samples(np.stack([samples, samples], axis=1), RATE), RATE)
    assert np.array_equal(both, read)


@pytest.mark.parametrize(
    ("samples", "rate", "said"),
    [
        (np.zeros(0, np.float32), RATE, "no samples"),
        (np.zeros((2, 16_000)), RATE, r"the transpose of \(channels, samples\)"),
        (np.zeros((2, 2, 2)), RATE, "expected samples"),
        (np.array(["a"]), RATE, "expected samples"),
        (np.zeros(100, complex), RATE, "expected samples"),
        (tone(), 0, "a rate of 0 Hz"),
        (tone(), -16_000, "a rate of -16,000 Hz"),
        (tone(), 10**9, "a rate of 1,000,000,000 Hz"),
    ],
)
def test_arrays_that_are_no_samples(samples: np.ndarray, rate: int, said: str) -> None:
    with pytest.raises(InputError, match=rf"^clip 3: .*{said}"):
        read_samples(Samples(samples, rate), RATE, where="clip 3")


@pytest.mark.remedy
def test_the_transpose_of_channels_first() -> None:
    first = np.stack([tone(), tone()])
    with pytest.raises(InputError, match="the transpose"):
        read_samples(Samples(first, RATE), RATE)
    assert np.allclose(read_samples(Samples(first.T, RATE), RATE), tone())


def test_audio_needs_its_extra(tmp_path: Path) -> None:
    """Without soundfile the line names the extra, and elman itself imports nothing of it."""
    path = write(tmp_path / "a.wav")
    code = (
        "import sys; sys.modules['soundfile'] = None\n"
        "from pathlib import Path\n"
        "from elman.data.audio.decode import probe\n"
        "try: probe(Path(sys.argv[1]))\n"
        "except ValueError as error: print(error)\n"
        "assert 'soxr' not in sys.modules"
    )
    run = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert 'pip install "elman[speech]"' in done.stdout

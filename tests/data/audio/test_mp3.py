"""The length of an MP3 is that of its frames, or it is refused."""

from pathlib import Path

import numpy as np
import pytest

from elman.data.audio.clips import Clip
from elman.data.audio.decode import probe, read_clip
from elman.data.audio.mp3 import samples_of_mp3
from elman.errors import InputError
from tests.data.audio.waves import RATE, noise, write


def frames(path: Path, samples: np.ndarray, rate: int = RATE) -> bytes:
    """Those of an MP3, without the first one, which counts the others."""
    how = {"bitrate_mode": "VARIABLE"}
    data = write(path, samples, rate, **how).read_bytes()
    assert b"Xing" in data[:200] or b"Info" in data[:200]
    return data[data.index(data[:2], 40) :]


LOUD = np.concatenate([noise(0.1) * 0.001, noise(2.0)])


@pytest.mark.parametrize(("rate", "size"), [(16_000, 576), (44_100, 1152), (11_025, 576)])
def test_frames_are_counted(tmp_path: Path, rate: int, size: int) -> None:
    path = tmp_path / "a.mp3"
    data = frames(path, LOUD, rate)
    assert samples_of_mp3(path) is None
    path.write_bytes(data)
    counted = samples_of_mp3(path)
    assert isinstance(counted, int)
    assert counted % size == 0
    assert len(LOUD) <= counted <= len(LOUD) + 4 * size
    path.write_bytes(b"ID3\4\0\0\0\0\2\0" + b"\xff\xfb" * 128 + data + b"TAG" + bytes(125))
    assert samples_of_mp3(path) == counted


def test_a_variable_rate_that_nothing_tells_is_refused(tmp_path: Path) -> None:
    """libsndfile would give a part of it for the whole, or claim more than there is."""
    path = tmp_path / "a.mp3"
    path.write_bytes(frames(path, LOUD))
    with pytest.raises(InputError, match=r"a\.mp3: has 2\.\d s at a variable bit rate.*OUT\.mp3"):
        read_clip(Clip(path), RATE)


def test_a_constant_rate_needs_no_header(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    data = frames(path, LOUD)
    path.write_bytes(data[: data.index(data[:2], 40)] * 60)
    assert samples_of_mp3(path) == 60 * 576
    assert probe(path).samples == 60 * 576


def test_frames_that_are_cut_or_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    data = frames(path, LOUD)
    path.write_bytes(data[:-5])
    with pytest.raises(InputError, match=r"cut off or damaged: ends within a frame, after 3\d,"):
        probe(path)
    path.write_bytes(data[:3000] + bytes(2000) + data[5000:])
    with pytest.raises(InputError, match=r"damaged: has [\d,]+ bytes that are no frames after"):
        probe(path)

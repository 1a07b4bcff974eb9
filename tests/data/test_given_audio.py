"""Recordings in memory and audio files with texts, as people hold them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from elman.data.given import Arrays, Audio, Pairs, given
from elman.data.recorded import recorded
from elman.errors import InputError

TONE = np.linspace(-1, 1, 80, dtype=np.float32)


def test_samples_with_their_rate_are_audio() -> None:
    for found in (given((TONE, 8000)), given([(TONE, 8000)]), given([(torch.tensor(TONE), 8000)])):
        assert isinstance(found, Audio)
        ((samples, rate),) = found.audio  # type: ignore[misc]
        assert np.array_equal(samples, TONE)
        assert (rate, found.labels) == (8000, None)


def test_a_text_or_a_class_for_each() -> None:
    found = given(([(TONE, 8000), (TONE, 16000)], ["one", "two"]))
    assert isinstance(found, Audio)
    assert list(found.labels or ()) == ["one", "two"]
    paths = given(([Path("a.wav"), Path("b.wav")], ["one", "two"]))
    assert isinstance(paths, Audio)
    assert list(paths.audio) == [Path("a.wav"), Path("b.wav")]


def test_what_hugging_face_has_for_a_recording() -> None:
    found = given([{"array": TONE, "sampling_rate": 8000}])
    assert isinstance(found, Audio)
    assert found.audio[0][1] == 8000  # type: ignore[index]


def test_what_looks_alike_stays_what_it_was() -> None:
    assert isinstance(given(([TONE, TONE], [0, 1])), Arrays)
    assert isinstance(given([("a", "b")]), Pairs)
    assert isinstance(given([[1.0, 2.0], [3.0, 4.0]]), Arrays)


@pytest.mark.remedy
def test_the_rate_comes_second() -> None:
    with pytest.raises(InputError, match=r"the rate stands first; give \(samples, rate\)"):
        given((8000, TONE))
    assert isinstance(given((TONE, 8000)), Audio)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([(TONE, 8000), "hello there"], r"data:2: expected \(samples, rate\), got str"),
        (([(TONE, 8000)], ["one", "two"]), "1 inputs and 2 labels"),
        (Audio([(TONE, 8000)], ["one", "two"]), "1 inputs and 2 labels"),
        (Audio([TONE]), r"data:1: expected \(samples, rate\), got ndarray"),  # type: ignore[list-item]
    ],
)
def test_what_is_wrong_is_said(data: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        given(data)  # type: ignore[arg-type]


def test_a_run_recognizes_its_recordings(tmp_path: Path) -> None:
    first, other = (recorded(given((TONE * scale, 8000))) for scale in (1, 0.5))
    assert first[0]["size"] == 1
    assert first[0]["sha256"] != other[0]["sha256"]
    assert recorded(given((TONE, 16000)))[0]["sha256"] != first[0]["sha256"]
    path = tmp_path / "a.wav"
    path.write_bytes(b"one")
    one = recorded(Audio([path]))
    path.write_bytes(b"two")
    assert recorded(Audio([path]))[0]["sha256"] != one[0]["sha256"]

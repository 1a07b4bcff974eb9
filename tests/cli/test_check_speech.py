"""`elman data check --task speech`: what would be heard, and the line that refuses it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import Elman
from tests.data.audio.waves import RATE, noise, tone, write


def rows(folder: Path, count: int = 20) -> list[dict[str, Any]]:
    for n in range(count):
        write(folder / f"{n}.wav", tone(0.2 + 0.01 * n))
    return [
        {"audio": f"{n}.wav", "text": f"word {n // 2}", "speaker": f"s{n % 10}"}
        for n in range(count)
    ]


def manifest(path: Path, listed: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(map(json.dumps, listed)) + "\n")
    return path


def test_what_would_be_heard(elman: Elman, tmp_path: Path) -> None:
    path = manifest(tmp_path / "a.jsonl", rows(tmp_path))
    ended = elman("data", "check", path, "--task", "speech")
    assert ended.code == 0, ended.err
    said = " ".join(ended.out.split())
    assert "audio column 'audio' (by its name), text column 'text' (by its name)" in said
    assert "20 recordings, 5.9 s, 16,000 Hz" in said
    assert "split by speaker, 10 of them" in said
    assert "valid 2 0." in said
    assert "a.jsonl:2 0.2 s word 0" in said
    assert "and the space" in said
    assert sorted(tmp_path.iterdir()) == sorted([path, *tmp_path.glob("*.wav")])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-900])


WRONG = {
    "missing": (lambda path: path.unlink(), "no such file"),
    "cut off": (cut, "is cut off"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "no audio": (lambda path: path.write_bytes(b"text" * 99), "is not audio"),
    "silent": (lambda path: write(path, np.zeros(RATE, np.float32)), "is silent"),
    "no samples": (lambda path: write(path, tone(0)), "holds no samples"),
    "NaN": (lambda path: write(path, tone() * np.float32("nan"), subtype="FLOAT"), "finite"),
    "16-bit floats": (lambda path: write(path, 9e3 * tone(), subtype="FLOAT"), "expected in"),
    "slow": (lambda path: write(path, tone(), 100), "a rate of 100 Hz"),
    "wide": (lambda path: write(path, np.zeros((9, 99), np.float32)), "99 channels"),
    "long": (lambda path: write(path, noise(61, 8_000), 8_000), "longer than 60 s"),
}


@pytest.mark.remedy
@pytest.mark.parametrize("fault", WRONG)
def test_a_recording_that_cannot_be_heard(elman: Elman, tmp_path: Path, fault: str) -> None:
    path = manifest(tmp_path / "a.jsonl", rows(tmp_path))
    spoil, said = WRONG[fault]
    spoil(tmp_path / "4.wav")

    ended = elman("data", "check", path, "--task", "speech")
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert line.startswith(f"elman: {path}:5: ")
    assert said in line

    left = elman("data", "check", path, "--task", "speech", "--skip-bad-rows")
    assert left.code == 0, left.err
    assert left.err == ""
    assert "left out 1 row that can't be read" in left.out


def test_every_kind_of_file_is_read(elman: Elman, tmp_path: Path) -> None:
    """8 and 24 bits, floating point, 96 kHz, many channels, FLAC, OGG, MP3."""
    listed = rows(tmp_path)
    kinds: list[tuple[str, Any, int, dict[str, str]]] = [
        ("8.wav", tone(), RATE, {"subtype": "PCM_U8"}),
        ("24.wav", tone(), RATE, {"subtype": "PCM_24"}),
        ("float.wav", tone(), RATE, {"subtype": "FLOAT"}),
        ("96.wav", tone(rate=96_000), 96_000, {}),
        ("many.wav", np.stack([tone()] * 16, axis=1), RATE, {}),
        ("a.flac", tone(), RATE, {}),
        ("a.ogg", tone(), RATE, {}),
        ("a.mp3", tone(), RATE, {}),
    ]
    for name, samples, rate, how in kinds:
        write(tmp_path / name, samples, rate, **how)
        listed.append({"audio": name, "text": "word", "speaker": "s0"})
    ended = elman("data", "check", manifest(tmp_path / "a.jsonl", listed), "--task", "speech")
    assert ended.code == 0, ended.err
    assert "28 recordings" in ended.out
    assert "16,000 and 96,000 Hz" in ended.out


def test_clipped_recordings_are_told(elman: Elman, tmp_path: Path) -> None:
    path = manifest(tmp_path / "a.jsonl", rows(tmp_path))
    write(tmp_path / "4.wav", np.clip(8 * tone(), -1, 1))
    ended = elman("data", "check", path, "--task", "speech")
    assert ended.code == 0
    said = "".join(ended.out.split())  # a long path is broken over lines
    assert f"1recordingisclipped,thefirstat{path}:5" in said


def test_characters_that_training_lacks(elman: Elman, tmp_path: Path) -> None:
    listed = rows(tmp_path)
    for number, row in enumerate(listed):
        row |= {"split": "valid" if number > 17 else "train"}
    listed[19]["text"] = "Ünique"
    ended = elman("data", "check", manifest(tmp_path / "a.jsonl", listed), "--task", "speech")
    assert "valid: 7 characters that are not in training" in ended.out


@pytest.mark.remedy
@pytest.mark.parametrize("name", [".", "0.wav"])
def test_recordings_without_a_task_name_the_flag(elman: Elman, tmp_path: Path, name: str) -> None:
    manifest(tmp_path / "manifest.jsonl", rows(tmp_path))
    refused = elman("data", "check", tmp_path / name)
    assert refused.code == 2
    assert f"is a {'recording' if name == '0.wav' else 'folder'}, expected a table" in refused.err
    assert "--task speech" in refused.err
    assert elman("data", "check", tmp_path, "--task", "speech").code == 0

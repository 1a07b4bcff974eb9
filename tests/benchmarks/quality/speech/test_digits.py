"""Strings of digits: what is in them, what is between them, and how loud the noise is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.quality.speech.digits import RATE, Recording, Strings, read, strings

SECONDS = 0.25


@pytest.fixture
def spoken(tmp_path: Path) -> list[Recording]:
    """Two speakers with one tone a digit; its loudness tells the digit, its sign the speaker."""
    found = []
    for speaker, sign in (("ann", 1), ("bob", -1)):
        for digit in range(10):
            path = tmp_path / f"{digit}_{speaker}_0.wav"
            level = sign * 0.05 * (digit + 1)
            soundfile.write(path, np.full(int(SECONDS * RATE), level), RATE, subtype="PCM_16")
            found.append(Recording(path, digit, speaker, 0))
    return found


def rows(manifest: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]


def test_a_string_is_its_digits_of_one_speaker_with_pauses(
    tmp_path: Path, spoken: list[Recording]
) -> None:
    manifest = strings(tmp_path / "out", "some", spoken, Strings(count=12, seed=3))
    for number, row in enumerate(rows(manifest)):
        samples = read(manifest.parent / row["audio"])
        digits = [int(digit) for digit in row["text"].split()]
        assert 3 <= len(digits) <= 7
        sign = 1 if row["speaker"] == "ann" else -1
        levels = np.round(sign * samples / 0.05).astype(int)
        heard = levels[levels > 0] - 1
        # A digit said twice is one run without the pause, so lengths are compared.
        assert list(heard[:: int(SECONDS * RATE)]) == digits
        pauses = len(samples) / RATE - SECONDS * len(digits)
        assert 0 <= pauses <= 0.5 * (len(digits) - 1)
        quiet = samples[levels == 0]
        assert bool(np.any(quiet)) == (number % 2 == 1)
        assert np.abs(quiet).max(initial=0) < 0.01


def test_the_same_seed_gives_the_same_strings(tmp_path: Path, spoken: list[Recording]) -> None:
    made = Strings(count=4, seed=5)
    one, two, other = (
        strings(tmp_path / name, "some", spoken, each)
        for name, each in (("one", made), ("two", made), ("other", replace(made, seed=6)))
    )
    assert one.read_bytes() == two.read_bytes() != other.read_bytes()
    for row in rows(one):
        assert (one.parent / row["audio"]).read_bytes() == (two.parent / row["audio"]).read_bytes()


def test_the_level_of_the_noise_is_that_of_the_speech(
    tmp_path: Path, spoken: list[Recording]
) -> None:
    made = Strings(count=5, seed=5, lengths=(1,), digits=lambda length, _: [2] * length, snr=5)
    manifest = strings(tmp_path, "noisy", spoken, made)
    for row in rows(manifest):
        samples = read(tmp_path / row["audio"])
        level = np.abs(samples.mean())
        assert 20 * np.log10(level / samples.std()) == pytest.approx(5, abs=0.5)


def test_the_split_of_a_recording_is_that_of_its_index() -> None:
    parts = [Recording(Path(), 0, "ann", index).part for index in (0, 4, 5, 44, 45, 49)]
    assert parts == ["test", "test", "train", "train", "valid", "valid"]

"""A language of tones that a small recognizer learns in a second or two: a pitch is a letter."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.given import Files
from elman.settings import configure
from elman.tasks.runs import Run, begin, fit
from elman.tasks.speech.config import SpeechConfig

RATE = 8000
PITCHES = {"a": 400, "b": 900, "c": 1600, "d": 2700}
WORDS = ("ab", "cad", "db", "a", "dd")

SMALL: dict[str, Any] = {
    "bins": 12,
    "hidden_size": 24,
    "num_layers": 1,
    "bidirectional": False,
    "tail": 0.1,
    "dropout": 0.0,
    "speeds": (1.0,),
    "time_masks": 0,
    "frequency_masks": 0,
    "batch_size": 8,
    "learning_rate": 0.03,
    "warmup_steps": 10,
    "max_steps": 160,
    "eval_every": 40,
    "checkpoint_every": 40,
    "watch": 0,
    "test_fraction": 0.1,
    "seed": 1,
}


def spoken(text: str, generator: np.random.Generator) -> np.ndarray:
    """(N,) int16: 100 ms of a tone a letter, 40 ms of noise between, 120 ms a space."""
    parts = [_noise(400, generator)]
    for letter in text:
        if letter == " ":
            parts.append(_noise(960, generator))
            continue
        angle = 2 * np.pi * PITCHES[letter] * np.arange(800) / RATE
        parts += [0.3 * np.sin(angle + generator.uniform(0, 6)), _noise(320, generator)]
    return (32767 * np.concatenate(parts)).astype(np.int16)


def _noise(samples: int, generator: np.random.Generator) -> np.ndarray:
    found: np.ndarray = 0.003 * generator.standard_normal(samples)
    return found


def texts(count: int, seed: int = 0) -> list[str]:
    """Texts of one to three words."""
    draw = np.random.default_rng(seed)
    return [" ".join(draw.choice(WORDS, draw.integers(1, 4))) for _ in range(count)]


def write_wave(path: Path, samples: np.ndarray, rate: int = RATE) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def write(folder: Path, said: Sequence[str], seed: int = 0) -> Path:
    """A folder of recordings with a text file beside each."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(seed)
    for number, text in enumerate(said):
        write_wave(folder / f"{number:03}.wav", spoken(text, draw))
        (folder / f"{number:03}.txt").write_text(text + "\n", encoding="utf-8")
    return folder


def given(folder: Path) -> Files:
    """What the command line makes of the folder."""
    return Files((folder,))


def run(folder: Path, count: int = 60, name: str = "run", **settings: Any) -> Run:
    """A trained run on `count` utterances in `folder`."""
    data = folder / "audio"
    if not data.exists():
        write(data, texts(count))
    config = configure(SpeechConfig, {**SMALL, **settings})
    return fit(begin("speech", given(data), folder / name, config))[0]

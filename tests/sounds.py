"""Tones that a small network can tell apart, and runs trained on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from elman.tasks.runs import Run, train
from tests.data.audio import waves

RATE = 8000
HERTZ = {"high": 1500.0, "low": 300.0}
SETTINGS: dict[str, Any] = {
    "hidden_size": 8,
    "bins": 10,
    "batch_size": 6,
    "dropout": 0.0,
    "channel": 0.0,
    "learning_rate": 0.02,
    "max_steps": 30,
    "eval_every": 15,
    "checkpoint_every": 15,
    "watch": 0,
    "threads": 1,
}


def sound(name: str, seed: int, seconds: float = 0.25) -> np.ndarray:
    """(N,) a tone of the class `name`, not twice the same, in a little noise."""
    generator = np.random.default_rng(seed)
    hertz = HERTZ[name] * generator.uniform(0.95, 1.05)
    tone = waves.tone(seconds * generator.uniform(0.8, 1.2), RATE, hertz)
    return tone + 0.1 * waves.noise(len(tone) / RATE, RATE, seed)[: len(tone)]


def arrays(count: int = 24) -> tuple[list[tuple[np.ndarray, int]], list[str]]:
    """(samples, rate) and the label of each, the same each time."""
    labels = [("high", "low")[number % 2] for number in range(count)]
    return [(sound(label, number), RATE) for number, label in enumerate(labels)], labels


def folder(place: Path, count: int = 24) -> Path:
    """A folder for each class."""
    for number, ((samples, rate), label) in enumerate(zip(*arrays(count), strict=True)):
        waves.write(place / "tones" / label / f"{number}.wav", samples, rate)
    return place / "tones"


def run(place: Path, **settings: Any) -> Run:
    """A run of the task classify in `place`."""
    return train("classify", arrays(), place / "run", **SETTINGS | settings)

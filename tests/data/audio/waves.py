"""Small recordings for tests."""

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE = 16_000


def tone(seconds: float = 0.5, rate: int = RATE, hertz: float = 440.0) -> np.ndarray:
    """(N,) a sine at half of full scale."""
    times = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def noise(seconds: float = 0.5, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """(N,) noise, which no format can make small."""
    generator = np.random.default_rng(seed)
    return (0.1 * generator.standard_normal(round(seconds * rate))).astype(np.float32)


def write(path: Path, samples: np.ndarray | None = None, rate: int = RATE, **how: Any) -> Path:
    """Write samples, a tone by default, as the name of the file says; its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(rate=rate) if samples is None else samples, rate, **how)
    return path

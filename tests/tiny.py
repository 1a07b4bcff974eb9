"""A text with structure and a run trained on it, both as small as they can be."""

import random
from pathlib import Path
from typing import Any

from elman.tasks.runs import Run, train

WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "dog", "ran", "to", "far", "red", "hill"]
SETTINGS: dict[str, Any] = {
    "hidden_size": 12,
    "embedding_size": 8,
    "batch_size": 4,
    "truncation": 16,
    "max_steps": 30,
    "eval_every": 10,
    "checkpoint_every": 10,
    "log_every": 10,
}


def flags(**settings: Any) -> list[str]:
    """The settings as they are typed."""
    pairs = (SETTINGS | settings).items()
    return [part for name, value in pairs for part in (f"--{name.replace('_', '-')}", str(value))]


def text(lines: int = 300) -> str:
    """Lines of a few words, the same each time."""
    draw = random.Random(0)
    return "".join(" ".join(draw.choices(WORDS, k=5)) + "\n" for _ in range(lines))


def write(folder: Path) -> Path:
    """The text as a file."""
    path = folder / "text.txt"
    path.write_text(text(), encoding="utf-8")
    return path


def run(folder: Path, **settings: Any) -> Run:
    """A run trained on the text."""
    return train("language-model", write(folder), folder / "run", **SETTINGS | settings)

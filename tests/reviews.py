"""Reviews that a small network can learn, and runs trained on them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from elman.tasks.runs import Run, train

GOOD = ["great", "lovely", "superb", "fun"]
BAD = ["awful", "dull", "poor", "boring"]
PLAIN = ["the", "film", "was", "a", "plot", "with", "an", "actor", "and", "music"]
SETTINGS: dict[str, Any] = {
    "hidden_size": 12,
    "embedding_size": 10,
    "batch_size": 8,
    "dropout": 0.1,
    "learning_rate": 0.02,
    "max_steps": 150,
    "eval_every": 50,
    "checkpoint_every": 50,
    "log_every": 20,
    "watch": 0,
}


def reviews(count: int = 160) -> list[tuple[str, str]]:
    """Texts and labels, the same each time."""
    draw = random.Random(0)
    rows = []
    for _ in range(count):
        label = draw.choice(["bad", "good"])
        words = draw.choices(PLAIN, k=draw.randint(1, 7))
        words.insert(draw.randint(0, len(words)), draw.choice(GOOD if label == "good" else BAD))
        rows.append((" ".join(words), label))
    return rows


def write(folder: Path) -> Path:
    """The reviews as a table."""
    path = folder / "reviews.tsv"
    lines = [f"{text}\t{label}\n" for text, label in reviews()]
    path.write_text("text\tlabel\n" + "".join(lines), encoding="utf-8")
    return path


def run(folder: Path, **settings: Any) -> Run:
    """A run of the task sentiment in `folder`."""
    return train("sentiment", write(folder), folder / "run", **SETTINGS | settings)

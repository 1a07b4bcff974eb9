"""A language that says a sentence from its end, in capitals, and a run that translates into it."""

import random
from pathlib import Path
from typing import Any

from elman.tasks.runs import Run, train

WORDS = ["ada", "bo", "cy", "dan", "eve", "fin", "gus", "hal"]
SETTINGS: dict[str, Any] = {
    "unit": "word",
    "cell": "gru",
    "embedding_size": 16,
    "encoder_size": 16,
    "hidden_size": 32,
    "dropout": 0.0,
    "label_smoothing": 0.0,
    "batch_tokens": 128,
    "learning_rate": 1e-2,
    "max_steps": 200,
    "eval_every": 50,
    "checkpoint_every": 50,
    "threads": 1,
    "seed": 1,
}


def translated(source: str) -> str:
    return " ".join(word.upper() for word in reversed(source.split()))


def sources(count: int = 600) -> list[str]:
    """Sentences of one to five words, the same each time."""
    draw = random.Random(0)
    return [" ".join(draw.choices(WORDS, k=draw.randint(1, 5))) for _ in range(count)]


def write(folder: Path, count: int = 600) -> Path:
    """The pairs as a table."""
    path = folder / "pairs.tsv"
    rows = [f"{source}\t{translated(source)}\n" for source in sources(count)]
    path.write_text("".join(rows), encoding="utf-8")
    return path


def run(folder: Path, count: int = 600, name: str = "run", **settings: Any) -> Run:
    """A run trained on the pairs."""
    return train("translation", write(folder, count), folder / name, **SETTINGS | settings)

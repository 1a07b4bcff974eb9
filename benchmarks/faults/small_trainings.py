"""Trainings of about a second, one a kind of task, on data that are the same each time."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.small_sounds import labeled_tones, spoken_tones

_WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "dog", "ran", "to", "far", "red", "hill"]
_COMMON = (
    *("--threads", "1", "--watch", "0", "--max-steps", "40", "--eval-every", "10"),
    *("--checkpoint-every", "10", "--log-every", "10"),
)


@dataclass(frozen=True)
class Training:
    """A task, its settings, and what writes its data: a file's content, or files in a folder."""

    task: str
    settings: tuple[str, ...]
    content: Callable[[random.Random], str] | None = None
    suffix: str = ""
    files: Callable[[Path], Path] | None = None
    kind: str = ""

    @property
    def name(self) -> str:
        """What it is called: its kind, or its task."""
        return self.kind or self.task

    def command(self, folder: Path, out: Path) -> list[str]:
        """`elman train` on data that are put into `folder`, if they are not there yet."""
        data = self._data(folder)
        settings = (*self.settings, *_COMMON)
        return ["train", self.task, str(data), "--out", str(out), *settings]

    def _data(self, folder: Path) -> Path:
        if self.files is not None:
            return self.files(folder)
        assert self.content is not None
        path = folder / f"{self.name}{self.suffix}"
        if not path.exists():
            path.write_text(self.content(random.Random(0)), encoding="utf-8")
        return path


def _text(draw: random.Random) -> str:
    return "".join(" ".join(draw.choices(_WORDS, k=5)) + "\n" for _ in range(600))


def _labeled(draw: random.Random) -> str:
    lines = ["text\tlabel"]
    for _ in range(120):
        label = draw.choice(["good", "bad"])
        words = [*draw.choices(_WORDS, k=draw.randint(2, 7)), "fine" if label == "good" else "dull"]
        lines.append(f"{' '.join(draw.sample(words, len(words)))}\t{label}")
    return "\n".join(lines) + "\n"


def _pairs(draw: random.Random) -> str:
    lines = []
    for _ in range(160):
        words = draw.choices(_WORDS[:8], k=draw.randint(1, 5))
        lines.append(f"{' '.join(words)}\t{' '.join(word.upper() for word in reversed(words))}")
    return "\n".join(lines) + "\n"


def _series(draw: random.Random) -> str:
    lines = ["hour,load"]
    for hour in range(240):
        value = 20 + 6 * math.sin(2 * math.pi * hour / 24) + draw.gauss(0, 0.5)
        lines.append(f"2023-01-{1 + hour // 24:02d} {hour % 24:02d}:00:00,{value:.3f}")
    return "\n".join(lines) + "\n"


def _spoken(folder: Path) -> Path:
    found = folder / "spoken" / "rows.jsonl"
    return found if found.exists() else spoken_tones(folder)


def _tones(folder: Path) -> Path:
    found = folder / "tones"
    return found if found.exists() else labeled_tones(folder)


_SMALL = ("--hidden-size", "12", "--embedding-size", "8")
TRAININGS = (
    Training(
        "language-model",
        (*_SMALL, "--batch-size", "4", "--truncation", "16", "--dropout", "0.1"),
        _text,
        ".txt",
    ),
    Training("classify", (*_SMALL, "--batch-size", "8"), _labeled, ".tsv"),
    Training("translation", (*_SMALL, "--batch-tokens", "128", "--unit", "word"), _pairs, ".tsv"),
    Training(
        "forecast",
        (
            *("--hidden-size", "8", "--batch-size", "16", "--horizon", "3", "--look-back", "24"),
            *("--valid-rows", "20", "--test-rows", "12", "--head", "mean"),
        ),
        _series,
        ".csv",
    ),
    Training(
        "speech",
        ("--hidden-size", "8", "--num-layers", "1", "--bins", "10", "--batch-size", "8"),
        files=_spoken,
    ),
    Training(
        "classify",
        ("--hidden-size", "8", "--bins", "10", "--batch-size", "8"),
        files=_tones,
        kind="sounds",
    ),
)

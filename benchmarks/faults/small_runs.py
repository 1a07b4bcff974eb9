"""A tiny run of each task, with the reports of `evaluate` and `diagnose` in it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.faults.small_sounds import labeled_tones, spoken_tones, tone_of
from elman.cli.main import main

_WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "dog", "ran", "to", "far", "red", "hill"]
_SETTINGS: dict[str, Any] = {
    "hidden-size": 8,
    "batch-size": 8,
    "max-steps": 20,
    "eval-every": 10,
    "checkpoint-every": 10,
    "log-every": 5,
    "watch": 10,
    "threads": 1,
}


@dataclass(frozen=True)
class SmallRun:
    """How one is trained, and what its commands are given.

    Attributes:
        task: such as "language-model".
        data: makes the training data in a folder; None for a task that draws its own.
        settings: flags beside those of all.
        later: lines, or a recording, for `predict` and `stream`; None for a task that takes none.
        suffix: of the file of those.
        more: further commands, without the run.
        diagnosed: whether its network can be diagnosed.
        kind: what it is called, where that is not its task.
    """

    task: str
    data: Callable[[Path], Path] | None
    settings: dict[str, Any]
    later: str | bytes | None = None
    suffix: str = ".txt"
    more: tuple[tuple[str, ...], ...] = ()
    diagnosed: bool = True
    kind: str = ""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.kind or self.task

    def train(self, folder: Path) -> Path:
        """The run directory, trained, evaluated and diagnosed."""
        run, data = folder / "run", [] if self.data is None else [str(self.data(folder))]
        pairs = (_SETTINGS | self.settings).items()
        flags = [f"--{name}" if value is None else f"--{name}={value}" for name, value in pairs]
        commands = [["train", self.task, *data, "--out", str(run), *flags], ["evaluate", str(run)]]
        if self.diagnosed:
            commands.append(["diagnose", str(run)])
        for command in commands:
            if (code := main(command)) != 0:
                raise RuntimeError(f"{' '.join(command)}: ended with {code}")
        return run

    def commands(self, run: Path, folder: Path) -> dict[str, tuple[list[str], bytes]]:
        """Name -> what is typed and what standard input holds, of each command that reads a run."""
        at = str(run)
        found = {
            "evaluate": (["evaluate", at], b""),
            "resume": (["resume", at], b""),
            **{words[0]: ([words[0], at, *words[1:]], b"") for words in self.more},
        }
        if self.diagnosed:
            found["diagnose"] = (["diagnose", at], b"")
        if self.later is not None:
            file = folder / f"later{self.suffix}"
            content = self.later.encode() if isinstance(self.later, str) else self.later
            file.write_bytes(content)
            found["predict"] = (["predict", at, str(file)], b"")
            found["stream"] = (["stream", at], content)
        return found


def _text(folder: Path) -> Path:
    draw, path = random.Random(0), folder / "text.txt"
    lines = (" ".join(draw.choices(_WORDS, k=5)) for _ in range(300))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _reviews(folder: Path) -> Path:
    draw, path = random.Random(0), folder / "reviews.csv"
    rows = [
        f"the {draw.choice(_WORDS)} was {word},{label}"
        for label, words in (("good", ("great", "fun")), ("bad", ("dull", "poor")))
        for word in words
        for _ in range(30)
    ]
    draw.shuffle(rows)
    path.write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    return path


def _pairs(folder: Path) -> Path:
    path = folder / "pairs.tsv"
    rows = [
        f"a {color} ball {number}\tein {color}er Ball {number}"
        for color in ("red", "blue", "green")
        for number in range(40)
    ]
    path.write_text("\n".join(["source\ttarget", *rows]) + "\n", encoding="utf-8")
    return path


def _series(folder: Path) -> Path:
    draw, path = random.Random(0), folder / "series.csv"
    first = date(2024, 1, 1)
    rows = [
        f"{first + timedelta(days=day)},{10 + day % 7 + draw.random():.3f}" for day in range(200)
    ]
    path.write_text("\n".join(["date,y", *rows]) + "\n", encoding="utf-8")
    return path


RUNS = {
    run.name: run
    for run in (
        SmallRun(
            "language-model",
            _text,
            {"truncation": 16, "embedding-size": 8},
            "the cat sat\n",
            more=(("generate", "--prompt", "the", "--length", "20"), ("show", "--text", "the cat")),
        ),
        SmallRun(
            "classify",
            _reviews,
            {"embedding-size": 8, "no-bidirectional": None},
            "the cat was great\n",
        ),
        SmallRun("translation", _pairs, {"embedding-size": 8}, "a red ball 1\n", diagnosed=False),
        SmallRun(
            "forecast",
            _series,
            {"horizon": 3, "look-back": 14},
            "date,y\n2024-07-19,12.5\n",
            suffix=".csv",
        ),
        SmallRun(
            "speech",
            spoken_tones,
            {"num-layers": 1, "bins": 10, "no-bidirectional": None},
            tone_of("ab a"),
            suffix=".wav",
        ),
        SmallRun(
            "classify",
            labeled_tones,
            {"bins": 10, "no-bidirectional": None},
            tone_of("a"),
            suffix=".wav",
            kind="sounds",
        ),
        SmallRun("memory", None, {"problem": "recall", "lag": 8}, more=(("show",),)),
    )
}

"""Raw results, kept line by line, so that a measurement can be cut off and go on.

A match is one cell computed by several contestants, turn by turn. The newest match of a cell,
precision and number of threads counts; nothing is mixed from two of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.speed.bound import Machine
from benchmarks.speed.cells import Cell, Dtype
from benchmarks.speed.summary import median, paired_ratio, spread

Key: TypeAlias = tuple[Cell, Dtype, int]


@dataclass(frozen=True)
class Timing:
    """One contestant's rounds.

    Attributes:
        seconds: of one call, the mean of each round's burst; empty where there is none.
        calls: in a burst.
        reason: why there is no time; "": there is one.
        note: which of several ways it took, or what was noticed.
    """

    seconds: tuple[float, ...] = ()
    calls: int = 0
    reason: str = ""
    note: str = ""

    @property
    def median(self) -> float:
        return median(self.seconds)

    @property
    def spread(self) -> float:
        return spread(self.seconds)


@dataclass(frozen=True)
class Match:
    """One cell's timings by contestant, and the circumstances.

    Attributes:
        bound: in seconds, as `machine` had it in the same sitting.
        tests: the hash of sources, tests and built kernels under which the tests passed; it tells
            what was measured, where a commit does not know of changed files.
    """

    cell: Cell
    dtype: Dtype
    threads: int
    bound: float
    timings: Mapping[str, Timing]
    machine: Machine
    commit: str
    tests: str
    date: str
    processor: str
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return self.cell, self.dtype, self.threads

    def timed(self) -> dict[str, Timing]:
        """The contestants that have a time."""
        return {label: timing for label, timing in self.timings.items() if timing.seconds}

    def ratio(self, one: str, other: str) -> float:
        """The median of paired ratios of two contestants that have times."""
        return paired_ratio(self.timings[one].seconds, self.timings[other].seconds)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Match:
        timings = {
            label: Timing(**{**timing, "seconds": tuple(timing["seconds"])})
            for label, timing in data["timings"].items()
        }
        given = {
            **data,
            "cell": Cell(**data["cell"]),
            "machine": Machine.from_json(data["machine"]),
            "timings": timings,
        }
        return cls(**given)


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Add a line to the file; it is there whole, or the reader leaves it out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A line that was cut off must not swallow this one.
    text = "" if _ends_a_line(path) else "\n"
    with path.open("a", encoding="utf-8") as file:
        file.write(text + json.dumps(line, allow_nan=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _ends_a_line(path: Path) -> bool:
    if not path.exists() or not path.stat().st_size:
        return True
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def read(path: Path) -> dict[Key, Match]:
    """The newest match by key; lines that were cut off are left out."""
    matches: dict[Key, Match] = {}
    for line in lines(path):
        try:
            match = Match.from_json(line)
        except (KeyError, TypeError):
            continue
        matches[match.key] = match
    return matches


def lines(path: Path) -> Iterator[Any]:
    """The lines of the file, but for those that were cut off."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        with suppress(json.JSONDecodeError):
            yield json.loads(line)

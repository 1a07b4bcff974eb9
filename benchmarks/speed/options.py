"""What the command line gave."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed.cells import Dtype, Mode
from benchmarks.speed.match import Effort

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Options:
    """How to measure, and where what is found goes.

    Attributes:
        threads: numbers of threads, one measurement each.
        modes: "train", "infer", "step".
        cells: parts of names; none: all cells.
        peers: beside ours.
        dtypes: "fp32", "bf16".
        effort: of one match.
        envs: folder of the peers' environments.
        out: folder of the raw results.
        again: also measure what has been at this commit.
        report_only: measure nothing.
        results: the report; None: print only.
        command: the command itself, for the report.
    """

    threads: tuple[int, ...]
    modes: tuple[Mode, ...]
    cells: tuple[str, ...]
    peers: tuple[str, ...]
    dtypes: tuple[Dtype, ...]
    effort: Effort
    envs: Path
    out: Path
    again: bool
    report_only: bool
    results: Path | None
    command: str

    @property
    def matches(self) -> Path:
        """The file of raw results."""
        return self.out / "matches.jsonl"


def commit() -> str:
    """The commit that is measured, with -dirty where files differ from it."""
    command = ["git", "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()

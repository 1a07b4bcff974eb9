"""The medians as CSV, for whoever wants to look with other eyes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from benchmarks.speed.records import Match
from elman.files import write_text

COLUMNS = ("dtype", "threads", "bound", "contestant", "median", "spread", "rounds", "calls")


def write_csv(path: Path, matches: Iterable[Match]) -> None:
    """A line for each contestant that has a time, in seconds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for number, match in enumerate(matches):
        cell = asdict(match.cell)
        if not number:
            writer.writerow([*cell, *COLUMNS, "note", "commit", "date"])
        for label, timing in match.timed().items():
            figures = [f"{value:.4g}" for value in (timing.median, timing.spread)]
            row = [match.dtype, match.threads, f"{match.bound:.4g}", label, *figures]
            row += [len(timing.seconds), timing.calls, timing.note, match.commit, match.date]
            writer.writerow([*cell.values(), *row])
    write_text(path, text.getvalue())

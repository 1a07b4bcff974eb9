"""Matches that nobody measured."""

from __future__ import annotations

from typing import Any

from benchmarks.speed.bound import Level, Machine
from benchmarks.speed.cells import Cell
from benchmarks.speed.records import Match, Timing

MACHINE = Machine({"fp32": 1e11, "bf16": 2e11}, (Level("memory", 10**9, 1e10),))
LSTM = Cell("LSTM", "train", 35, 20, 200, 200)
GRU = Cell("GRU", "train", 35, 20, 200, 200)


def timing(*seconds: float) -> Timing:
    return Timing(seconds, calls=3)


def match(cell: Cell = LSTM, **changes: Any) -> Match:
    """A match of `cell` on 2 threads with a bound of 10 ms."""
    given: dict[str, Any] = {
        "cell": cell,
        "dtype": "fp32",
        "threads": 2,
        "bound": 0.01,
        "timings": {"elman": timing(0.012, 0.0121), "torch": timing(0.024, 0.025)},
        "machine": MACHINE,
        "commit": "abc1234",
        "tests": "0123",
        "date": "2026-11-22T10:00:00+00:00",
        "processor": "a processor",
        "versions": {"torch": "2.13.0"},
    }
    return Match(**(given | changes))

"""One match: everyone makes the cell ready and proves it right, then all take turns."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.speed.cells import Cell, Dtype
from benchmarks.speed.contract import Array
from benchmarks.speed.peers import OURS, PEERS
from benchmarks.speed.pool import BUILD_SECONDS, Worker, WorkerFailed, Workers
from benchmarks.speed.problem import difference, draw, expected
from benchmarks.speed.records import Timing

BURST_SECONDS = 0.1
"""Of calls, about. Shorter bursts would be of one call each, and time how threads wake too."""
FEWEST_ROUNDS = 5
BURST_TIMEOUT = 120.0

FULL = f"{OURS}, full batch"
"""Beside a ragged batch: ours with every row at its full length."""
FP32 = f"{OURS}, fp32"
"""Beside bf16: ours in fp32."""


@dataclass(frozen=True)
class Entry:
    """A contestant: who computes which cell in which precision."""

    label: str
    peer: str
    cell: Cell
    dtype: Dtype


@dataclass(frozen=True)
class Effort:
    """How long to measure: at most `rounds`, ending early after `seconds` but not below 5."""

    rounds: int
    seconds: float


def entries(cell: Cell, dtype: Dtype, peers: Sequence[str]) -> list[Entry]:
    """Who takes part: ours always, the peers where they have a place, and ours for comparison."""
    if cell.ragged:
        full = replace(cell, ragged=False)
        return [Entry(OURS, OURS, cell, dtype), Entry(FULL, OURS, full, dtype)]
    names = [name for name in PEERS if name == OURS or name in peers]
    taking = [Entry(name, name, cell, dtype) for name in names if PEERS[name].takes(cell, dtype)]
    return taking + ([Entry(FP32, OURS, cell, "fp32")] if dtype == "bf16" else [])


def play(
    taking: Sequence[Entry], threads: int, workers: Workers, effort: Effort
) -> tuple[dict[str, Timing], dict[str, str]]:
    """The timings by label, and the versions of all packages that took part."""
    timings: dict[str, Timing] = {}
    versions: dict[str, str] = {}
    ready: dict[str, tuple[Worker, int]] = {}
    with TemporaryDirectory() as folder:
        answers: dict[Cell, dict[str, Array]] = {}
        for entry in taking:
            try:
                worker = workers.get(entry.peer, entry.label, threads)
                note = make_ready(entry, threads, worker, Path(folder), answers, versions)
                calls = _calls(worker)
                ready[entry.label] = worker, calls
                still = "" if worker.settle() else "its threads never came to rest"
                timings[entry.label] = Timing(
                    (), calls, note=" · ".join(filter(None, (note, still)))
                )
            except WorkerFailed as failed:
                timings[entry.label] = Timing(reason=str(failed))
    times: dict[str, list[float]] = {label: [] for label in ready}
    began = time.monotonic()
    for done in range(effort.rounds):
        if done >= FEWEST_ROUNDS and time.monotonic() - began > effort.seconds:
            break
        for label in list(ready):
            worker, calls = ready[label]
            try:
                answer = worker.ask(BURST_TIMEOUT, do="burst", calls=calls)
                times[label].append(_seconds(answer) / calls)
                worker.settle()
            except WorkerFailed as failed:
                del ready[label]
                timings[label] = Timing(reason=str(failed))
    for label in ready:
        timings[label] = replace(timings[label], seconds=tuple(times[label]))
    return timings, versions


def make_ready(
    entry: Entry,
    threads: int,
    worker: Worker,
    folder: Path,
    answers: dict[Cell, dict[str, Array]],
    versions: dict[str, str],
) -> str:
    """Have the cell made ready, and check what comes of it; returns the peer's note.

    Raises:
        WorkerFailed: the peer cannot do it, fails, or gives other numbers.
    """
    given, results = folder / f"{entry.cell.name}.npz", folder / "results.npz"
    if entry.cell not in answers:
        arrays = draw(entry.cell)
        np.savez(given, **arrays)  # type: ignore[arg-type]
        answers[entry.cell] = expected(entry.cell, arrays)
    answer = worker.ask(
        BUILD_SECONDS,
        do="build",
        cell=asdict(entry.cell),
        dtype=entry.dtype,
        threads=threads,
        arrays=str(given),
        results=str(results),
    )
    for reason in ("cannot", "failed"):
        if reason in answer:
            raise WorkerFailed(" ".join(answer[reason].split())[:300])
    with np.load(results) as file:
        wrong = difference(dict(file), answers[entry.cell], entry.dtype)
    if wrong:
        sys.stderr.write(f"WRONG: {entry.label}, {entry.cell.name}: {wrong}\n")
        raise WorkerFailed(f"wrong, so not timed: {wrong}")
    versions |= answer["versions"]
    note: str = answer["note"]
    return note


def _calls(worker: Worker) -> int:
    """How many calls make a burst."""
    slowest = _seconds(worker.ask(BURST_TIMEOUT, do="burst", calls=1))
    quick = min(slowest, _seconds(worker.ask(BURST_TIMEOUT, do="burst", calls=1)))
    if quick > BURST_SECONDS:
        return 1
    calls = ceil(BURST_SECONDS / quick)
    # A single call tells little about many: they keep the caches and the threads awake.
    taken = _seconds(worker.ask(BURST_TIMEOUT, do="burst", calls=calls))
    return max(1, ceil(calls * BURST_SECONDS / taken))


def _seconds(answer: dict[str, float]) -> float:
    if "seconds" not in answer:
        raise WorkerFailed(f"{answer.get('failed')}")
    return answer["seconds"]

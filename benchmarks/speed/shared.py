"""A shared machine: our layers and torch.nn's while another process keeps one core busy.

Barriers that spin wait for a thread that is not running; that is what shows here.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from benchmarks.results import circumstances, table, write_section
from benchmarks.speed import records
from benchmarks.speed.cells import Cell, chosen
from benchmarks.speed.environments import Environments
from benchmarks.speed.match import Entry, make_ready
from benchmarks.speed.options import Options
from benchmarks.speed.peers import OURS, TORCH
from benchmarks.speed.pool import Worker, WorkerFailed, Workers
from benchmarks.speed.report import number
from benchmarks.speed.summary import percentile
from benchmarks.speed.verify import tests_pass

TITLE = "Speed: a shared machine"
CALLS = 200
QUIET_SECONDS = 10.0
BUSY_SECONDS = {OURS: 300.0, TORCH: 30.0}
"""Until when calls are begun; torch.nn's may take seconds each here."""
PATIENCE_SECONDS = 300.0
LIMIT = 3.0
"""Mean on the shared machine over the quiet mean, at most, for batches and times from these on."""
FROM_BATCH, FROM_SECONDS = 20, 5e-3
HEAD_START = 0.5


@dataclass(frozen=True)
class Times:
    """Seconds of single calls, on the quiet machine and on the shared one."""

    quiet: list[float]
    busy: list[float]

    @property
    def slower(self) -> float:
        """How many times the quiet mean the mean is."""
        return fmean(self.busy) / fmean(self.quiet)


@contextmanager
def busy_core() -> Iterator[None]:
    """Another process that never rests."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        time.sleep(HEAD_START)
        yield
    finally:
        process.kill()
        process.wait()


def shared(options: Options) -> None:
    """Write the section: every fp32 cell but the single steps and ragged ones."""
    tests = tests_pass(options.out)
    threads = max(options.threads)
    modes = tuple(mode for mode in options.modes if mode != "step")
    cells = [cell for cell in chosen(modes, options.cells) if not cell.ragged]
    kept = options.out / "shared.jsonl"
    known = {} if options.again else _known(kept, tests, threads)
    with Workers(Environments(options.envs), options.out / "logs") as workers:
        for cell in cells:
            if cell.name in known:
                continue
            row = line(cell, {who: timed(cell, who, threads, workers) for who in (OURS, TORCH)})
            known[cell.name] = row
            records.append(
                kept, {"tests": tests, "threads": threads, "cell": cell.name, "row": row}
            )
            sys.stderr.write(" | ".join(row) + "\n")
    rows = [known[cell.name] for cell in cells]
    text = f"""\
Another process keeps one core busy while calls are made on {threads} threads: {CALLS} of them,
fewer where torch.nn's do not fit into {BUSY_SECONDS[TORCH]:.0f} s or ours into
{BUSY_SECONDS[OURS]:.0f}. Milliseconds: the mean on the quiet machine (as many calls as fit into
{QUIET_SECONDS:.0f} s), then mean and 90th percentile on the shared one, and the ratio of the means.
The aim is for cells with B ≥ {FROM_BATCH} that take {1e3 * FROM_SECONDS:.0f} ms or more on the
quiet machine.

{table(COLUMNS, rows)}

{circumstances(options.command, threads)}"""
    print(f"## {TITLE}\n\n{text}")
    if options.results is not None:
        write_section(TITLE, text, options.results)


def _known(kept: Path, tests: str, threads: int) -> dict[str, list[str]]:
    """The lines by cell that were measured before on this very tree."""
    return {
        line["cell"]: line["row"]
        for line in records.lines(kept)
        if line["tests"] == tests and line["threads"] == threads
    }


COLUMNS = (
    *("cell", "elman quiet", "mean", "90 %", "ratio"),
    *("torch quiet", "mean", "90 %", "ratio", "calls", "aim", "verdict"),
)


def line(cell: Cell, found: Mapping[str, Times | str]) -> list[str]:
    """One line of the table; where there are no times, the reason why."""
    shown: list[str] = [f"{cell.kind} {cell.mode} {cell.shape}"]
    for times in found.values():
        if isinstance(times, str):
            shown += ["–", "–", "–", times]
        else:
            means = (fmean(times.quiet), fmean(times.busy), percentile(times.busy, 90))
            shown += [*(number(1e3 * value) for value in means), f"{times.slower:.1f}"]
    ours = found[OURS]
    counts = [str(len(times.busy)) for times in found.values() if isinstance(times, Times)]
    shown.append(", ".join(counts))
    return [*shown, *judged(cell, ours)]


def judged(cell: Cell, ours: Times | str) -> tuple[str, str]:
    """The aim and the verdict."""
    if isinstance(ours, str):
        return "–", "not measured"
    if cell.batch < FROM_BATCH or fmean(ours.quiet) < FROM_SECONDS:
        return "–", "–"
    return f"≤ {LIMIT:g}", "met" if ours.slower <= LIMIT else "missed"


def timed(cell: Cell, peer: str, threads: int, workers: Workers) -> Times | str:
    """The calls of one peer on the quiet machine, then on the shared one; or why there are none."""
    entry = Entry(peer, peer, cell, "fp32")
    try:
        worker = workers.get(peer, entry.label, threads)
        with TemporaryDirectory() as folder:
            make_ready(entry, threads, worker, Path(folder), {}, {})
        worker.settle()
        quiet = _each(worker, QUIET_SECONDS)
        with busy_core():
            return Times(quiet, _each(worker, BUSY_SECONDS.get(peer, QUIET_SECONDS)))
    except WorkerFailed as failed:
        return str(failed)


def _each(worker: Worker, seconds: float) -> list[float]:
    answer = worker.ask(seconds + PATIENCE_SECONDS, do="each", calls=CALLS, seconds=seconds)
    if "seconds" not in answer:
        raise WorkerFailed(str(answer.get("failed")))
    times: list[float] = answer["seconds"]
    return times

"""`elman diagnose RUN [DATA]`: how far a network remembers, why, and what to do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Console
from rich.table import Table
from rich.text import Text

from elman.cli.options import Cell, Device, RunPath, Threads
from elman.data.given import Files
from elman.diagnostics.verdicts import Verdict
from elman.machine import use_threads
from elman.plots.diagnosis_report import layer_table, reach_table, write_report
from elman.studies.remedy import Attempt, table, try_remedies
from elman.tasks.runs import Run

Positive = Number(gte=1)


def diagnose(
    run: RunPath,
    data: Annotated[
        Path | None, Parameter(help="a file to read; by default the run's validation data")
    ] = None,
    /,
    *,
    needs: Annotated[
        int | None, Parameter(validator=Positive, help="the lag that the task needs, in steps")
    ] = None,
    max_lag: Annotated[
        int | None,
        Parameter(
            validator=Positive,
            help="the largest lag to look at; by default 3 times the truncation, 64 to 192",
        ),
    ] = None,
    out: Annotated[
        Path | None, Parameter(help="the report's folder; by default RUN/diagnosis")
    ] = None,
    try_: Annotated[
        bool,
        Parameter(name="--try", negative=(), help="train what the verdicts suggest, for a while"),
    ] = False,
    try_steps: Annotated[
        int | None,
        Parameter(
            validator=Positive, help="updates of each training; default: the run's, at most 1000"
        ),
    ] = None,
    device: Device = None,
    threads: Threads = None,
    cell: Cell = None,
) -> None:
    """Say how far a network remembers, where gradients vanish or explode, and what to change.

    Leaves report.html, diagnosis.json and a PNG for each picture in a folder.
    """
    use_threads(threads)
    given = None if data is None else Files((data,))
    opened = Run(run, cell=cell, device=device)
    found = opened.diagnose(given, max_lag=max_lag, needs=needs)
    folder = run / "diagnosis" if out is None else out
    console = Console(file=sys.stdout, highlight=False, soft_wrap=False)
    for verdict in found.verdicts:
        _print_verdict(console, verdict)
    console.print()
    console.print(_rich(*reach_table(found.measured), title="how far the memory reaches"))
    console.print(_rich(*layer_table(found.measured), title="layers"))
    tried = None
    if try_:
        console.print()

        def report(attempt: Attempt) -> None:
            print(f"tried {attempt.name}: {attempt.updates:,} updates", file=sys.stderr, flush=True)

        attempts = try_remedies(
            opened, found, folder / "tried", max_steps=try_steps, data=given, report=report
        )
        tried = table(attempts)
        console.print(_rich(*tried, title="remedies, tried"))
    kept = True
    try:
        missing = write_report(found, folder, title=f"Diagnosis of {run.name}", attempts=tried)
    except OSError as error:
        if out is not None:
            raise
        kept, reason = False, error.strerror or str(error)
        missing = [f"{folder}: the report is not kept in it ({reason}); --out says where"]
    for line in missing:
        print(line, file=sys.stderr)
    if kept:
        console.print(Text(f"\n{folder / 'report.html'}"), soft_wrap=True)


def _print_verdict(console: Console, verdict: Verdict) -> None:
    color = "green" if verdict.is_healthy else "red"
    mark = "✓" if verdict.is_healthy else "✗"
    line = Text().append(f"{mark} {verdict.name}", style=f"bold {color}")
    if verdict.place is not None:
        line.append(f" in {verdict.place}")
    line.append(f": {verdict.evidence}")
    console.print(line)
    if not verdict.is_healthy:
        console.print(Text().append("  → ", style="bold cyan").append(verdict.remedy))


def _rich(head: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> Table:
    shown = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    for name in head:
        shown.add_column(name, overflow="fold")
    for row in rows:
        shown.add_row(*map(Text, row))
    return shown

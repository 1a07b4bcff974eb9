"""`elman evaluate RUN [DATA...]`: the metrics of a trained run, each with its unit."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from elman.cli.choices import with_options
from elman.cli.options import Cell, Device, RunPath, Threads
from elman.cli.records import json_line
from elman.cli.report import print_report
from elman.data.given import Files
from elman.machine import use_threads
from elman.tasks.runs import Run


def evaluate(
    run: RunPath,
    data: Annotated[
        list[Path] | None,
        Parameter(help="files to measure on; by default the run's validation and test data"),
    ] = None,
    /,
    *,
    as_json: Annotated[
        bool, Parameter(name="--json", negative=(), help="one JSON object a number")
    ] = False,
    device: Device = None,
    threads: Threads = None,
    cell: Cell = None,
    **options: Any,
) -> None:
    """Measure a trained run on its own or other data."""
    use_threads(threads)
    given = Files(tuple(data)) if data else None
    report = Run(run, cell=cell, device=device).report(given, **options)
    if as_json:
        for score in report.scores:
            print(json_line(asdict(score)))
    else:
        print_report(report)
        for name in ("forecasts", "per_series", "by_step", "plot"):
            if options.get(name) is not None:
                print(f"written: {options[name]}")
    sys.stdout.flush()


command = with_options(evaluate, "Evaluation")

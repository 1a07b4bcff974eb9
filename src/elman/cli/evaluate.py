"""`elman evaluate RUN [DATA...]`: the metrics of a trained run, each with its unit."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from elman.cli.options import Cell, Device, RunPath
from elman.cli.report import print_scores
from elman.tasks.runs import load


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
    cell: Cell = None,
) -> None:
    """Measure a trained run: loss, perplexity and bits per character for a language model."""
    scores = load(run, cell=cell, device=device).evaluate(data or [])
    if as_json:
        for score in scores:
            print(json.dumps(asdict(score)))
    else:
        print_scores(scores)
    sys.stdout.flush()

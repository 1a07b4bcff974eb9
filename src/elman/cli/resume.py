"""`elman resume RUN`: go on from the latest checkpoint, as if nothing had happened."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from elman.cli.options import Cell, RunPath
from elman.cli.report import announce, conclude
from elman.tasks.runs import fit, reopen
from elman.training.log import open_log


def resume(
    run: RunPath,
    /,
    *,
    max_minutes: Annotated[
        float | None, Parameter(help="a new limit of training time, the time before included")
    ] = None,
    threads: Annotated[int | None, Parameter(help="CPU threads of this sitting")] = None,
    device: Annotated[str | None, Parameter(help="torch device of this sitting")] = None,
    cell: Cell = None,
) -> None:
    """Go on with a run that was stopped or killed.

    The weights at the end are, to the bit, those of a run that was never stopped (on the same
    machine with the same threads).
    """
    given = {"max_minutes": max_minutes, "threads": threads, "device": device}
    changes = {name: value for name, value in given.items() if value is not None}
    opened, checkpoint = reopen(run, cell=cell, **changes)
    announce(opened)
    where = "the beginning" if checkpoint is None else checkpoint.name
    print(f"going on from {where}", flush=True)
    log = open_log(sys.stderr, opened.task.counted)
    conclude(*fit(opened, log, resume_from=checkpoint))

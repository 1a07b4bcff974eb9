"""`elman stream RUN`: standard input to standard output, step by step."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from cyclopts import Parameter

from elman.cli.choices import with_options
from elman.cli.options import Cell, Device, Format, RunPath
from elman.cli.records import record_writer
from elman.cli.stdin import arriving_text
from elman.tasks.runs import load


def stream(
    run: RunPath,
    /,
    *,
    form: Annotated[Format, Parameter(name="--format")] = "tsv",
    device: Device = None,
    cell: Cell = None,
    **options: Any,
) -> None:
    """Read standard input as it comes and answer each step at once.

    A language model writes each token with its surprise in bits and what it expected instead.
    """
    front = load(run, cell=cell, device=device).stream(**options)
    write = record_writer(form, sys.stdout)
    for text in arriving_text():
        # Line by line, so that what came before a line that can't be read is answered first.
        for line in text.splitlines(keepends=True):
            for record in front.push(line):
                write(record)
    for record in front.flush():
        write(record)


command = with_options(stream, "Streaming")

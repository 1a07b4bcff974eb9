"""`elman predict RUN [INPUT]`: one record for each line of a text."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from elman.cli.arriving import arriving_text
from elman.cli.options import Cell, Device, Format, RunPath
from elman.cli.records import write_records
from elman.data.text import whole_text
from elman.tasks.runs import load


def predict(
    run: RunPath,
    data: Annotated[
        Path | None, Parameter(name="INPUT", help="a text; by default standard input")
    ] = None,
    /,
    *,
    form: Annotated[Format, Parameter(name="--format")] = "tsv",
    device: Device = None,
    cell: Cell = None,
) -> None:
    """Apply a trained run to each line of a text; a language model says what each line costs.

    Columns for a language model: nats of the whole line, nats per token, bits per character.
    """
    loaded = load(run, cell=cell, device=device)
    write_records(loaded.predict(_lines(data)), form, sys.stdout)


def _lines(path: Path | None) -> Iterator[str]:
    """The lines of a text that arrives in pieces, each without waiting for the whole."""
    pieces = arriving_text() if path is None else whole_text(path).blocks()
    waiting = ""
    for piece in pieces:
        *complete, waiting = (waiting + piece).split("\n")
        yield from complete
    if waiting:
        yield waiting

"""`elman stream RUN`: standard input to standard output, step by step."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from elman.cli import stdin
from elman.cli.choices import with_options
from elman.cli.options import Cell, Device, Format, PredictorPath, State, check_folder
from elman.cli.records import record_writer
from elman.errors import InputError
from elman.predictors.predictor import Record, load
from elman.streaming.session import Snapshot


def stream(
    run: PredictorPath,
    /,
    *,
    form: Annotated[Format, Parameter(name="--format")] = "tsv",
    state: State = None,
    save_state: Annotated[
        Path | None,
        Parameter(
            help="where to keep the state: the input is not at an end then, and what is held back"
            " of it is kept too"
        ),
    ] = None,
    device: Device = None,
    cell: Cell = None,
    **options: Any,
) -> None:
    """Read standard input as it comes and answer each step at once.

    A language model writes each token with its surprise in bits and what it expected instead.
    With --state it goes on where --save-state stopped, to the same answers as without a stop.
    """
    if save_state is not None:
        check_folder("--save-state", save_state)
    session = load(run, cell=cell, device=device or "cpu").session(**options)
    if state is not None:
        session.state = Snapshot.load(state)
    write = record_writer(form, sys.stdout)
    for chunk in stdin.chunks():
        _answer(lambda chunk=chunk: session.push(chunk), write)
    if save_state is None:
        _answer(session.flush, write)
    else:
        session.state.save(save_state)


def _answer(read: Callable[[], list[Record]], write: Callable[[Record], None]) -> None:
    """Write the answers; also those to what stood before a part that can't be read."""
    try:
        answers = read()
    except InputError as error:
        for answer in error.answers:
            write(answer)
        raise
    for answer in answers:
        write(answer)


command = with_options(stream, "Streaming")

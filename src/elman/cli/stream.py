"""`elman stream RUN`: standard input to standard output, step by step."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from elman.cli import stdin
from elman.cli.choices import with_options
from elman.cli.options import Cell, Device, Format, PredictorPath, State, check_folder
from elman.cli.records import record_writer
from elman.errors import InputError
from elman.predictors.predictor import load
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
    A recognizer reads audio, a WAV or 16-bit PCM, and writes the text as it is heard.
    With --state it goes on where --save-state stopped, to the same answers as without a stop.
    """
    if save_state is not None:
        check_folder("--save-state", save_state)
    session = load(run, cell=cell, device=device or "cpu").session(**options)
    if state is not None:
        session.state = Snapshot.load(state)
    write = record_writer(form, sys.stdout)
    arriving = stdin.pieces() if session.reads == "bytes" else stdin.chunks()
    try:
        for chunk in arriving:
            for answer in session.push(chunk):
                write(answer)
        if save_state is None:
            for answer in session.flush():
                write(answer)
        else:
            session.state.save(save_state)
    except InputError as error:
        for answer in error.answers:  # to what stands before the part that can't be read
            write(answer)
        raise


command = with_options(stream, "Streaming")

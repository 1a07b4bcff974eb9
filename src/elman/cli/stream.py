"""`elman stream RUN`: standard input to standard output, step by step."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from elman.cli import stdin
from elman.cli.choices import with_options
from elman.cli.interrupts import interrupted_after
from elman.cli.options import Cell, Device, Format, PredictorPath, State, Threads, check_folder
from elman.cli.records import record_writer
from elman.errors import InputError
from elman.machine import use_threads
from elman.predictors.predictor import Record, load
from elman.streaming.session import Session, Snapshot


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
    threads: Threads = None,
    cell: Cell = None,
    **options: Any,
) -> None:
    """Read standard input as it comes and answer each step at once.

    A language model writes each token with its surprise in bits and what it expected instead.
    A recognizer reads audio, a WAV or 16-bit PCM, and writes the text as it is heard.
    With --state it goes on where --save-state stopped, to the same answers as without a stop.
    """
    use_threads(threads)
    if save_state is not None:
        check_folder("--save-state", save_state)
    session = load(run, cell=cell, device=device or "cpu").session(**options)
    if state is not None:
        session.state = Snapshot.load(state)
    write = record_writer(form, sys.stdout)

    def say(answer: Callable[[], Iterable[Record]]) -> None:
        try:
            for record in answer():
                write(record)
        except InputError as error:
            for record in error.answers:  # to what stands before the part that can't be read
                write(record)
            raise

    def end() -> None:
        if save_state is None:
            say(session.flush)
        else:
            session.state.save(save_state)

    try:
        for chunk in _arriving(session, going_on=state is not None):
            with interrupted_after():
                say(partial(session.push, chunk))
    except KeyboardInterrupt:  # how a microphone is switched off: its last word is said too
        end()
        raise
    end()


def _arriving(session: Session[Any, Record], *, going_on: bool) -> Iterator[bytes]:
    """What standard input gives, in the pieces that the session reads."""
    if session.reads == "lines":
        yield from stdin.chunks()
        return
    if sys.stdin.isatty():
        raise InputError(f"standard input is a terminal, expected {session.hint}")
    empty = True
    for piece in stdin.pieces():
        empty = False
        yield piece
    if empty and not going_on:
        what, _, remedy = session.hint.partition("; ")
        raise InputError(f"standard input: no {what} came; {remedy}")


command = with_options(stream, "Streaming")

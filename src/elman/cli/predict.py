"""`elman predict RUN [INPUT]`: a trained network applied to a file, or to standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from elman.cli import stdin
from elman.cli.choices import with_options
from elman.cli.explained import write_explained
from elman.cli.options import Cell, Device, Format, PredictorPath, Threads
from elman.cli.records import check_table, record_writer, write_table
from elman.data.given import Files, Given, Texts
from elman.machine import use_threads
from elman.predictors.predictor import load


def predict(
    run: PredictorPath,
    data: Annotated[
        Path | None, Parameter(name="INPUT", help="a file; by default standard input")
    ] = None,
    /,
    *,
    out: Annotated[
        Path | None,
        Parameter(help="write a table here (.csv, .tsv, .jsonl, .parquet), not to the terminal"),
    ] = None,
    form: Annotated[Format, Parameter(name="--format")] = "tsv",
    device: Device = None,
    threads: Threads = None,
    cell: Cell = None,
    **options: Any,
) -> None:
    """Apply a trained network to a file: a row of answers for each row of it.

    A language model says what each line costs: nats of the whole line, nats per token, bits per
    character.
    """
    use_threads(threads)
    if out is not None:
        check_table(out)
    predictor = load(run, cell=cell, device=device or "cpu")
    given: Given = Texts(stdin.lines(), where="standard input", arriving=True)
    if data is not None:
        given = Files((data,))
    records = predictor.answers(given, predictor.options(predictor.Prediction, options))
    if out is None and options.get("explain") and form == "tsv" and sys.stdout.isatty():
        write_explained(records, sys.stdout)
    elif out is None:
        write = record_writer(form, sys.stdout)
        for record in records:
            write(record)
    else:
        write_table(records, out)
        for path in (out, options.get("plot"), options.get("html"), options.get("alignments")):
            if path is not None:
                print(f"written: {path}")


command = with_options(predict, "Prediction")

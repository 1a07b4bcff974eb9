"""Records as rows: tab-separated columns under a header, JSON lines, or a table in a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TextIO

from pydantic_core import to_jsonable_python

from elman.errors import InputError, missing_extra
from elman.files import atomic_path
from elman.numbers import significant
from elman.predictors.predictor import Record, columns

# Rows of a Parquet file that are held in memory at a time.
_ROWS = 10_000
SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")


def record_writer(form: Literal["tsv", "json"], out: TextIO) -> Callable[[Record], None]:
    """A function that writes one record, flushed; in TSV the first call writes the header too.

    Numbers in TSV are rounded to significant digits on a terminal only: what is redirected to a
    file or a program has all of them.
    """
    begun, short = False, out.isatty()

    def write(record: Record) -> None:
        nonlocal begun
        values = columns(record)
        if form == "json":
            line = json_line(values)
        else:
            if not begun:
                print("\t".join(values), file=out)
            line = "\t".join(_cell(value, short) for value in values.values())
        begun = True
        print(line, file=out, flush=True)

    return write


def json_line(record: Record) -> str:
    """One line of JSON, which has no NaN and no infinity: null stands for them."""
    return json.dumps(to_jsonable_python(record, inf_nan_mode="null"), ensure_ascii=False)


def check_table(path: Path) -> None:
    """See that `path` can become a table, before any work is done for it."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"--out {path}: give a name that ends in {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise InputError(f"--out {path}: there is no folder {path.parent}; make it first")
    if path.suffix == ".parquet":
        _parquet()


def write_table(records: Iterable[Record], path: Path) -> None:
    """Write all records to a file of the kind that its suffix names.

    The file is there whole or not at all. Numbers are written with all their digits.
    """
    rows = (columns(record) for record in records)
    with atomic_path(path) as temporary:
        if path.suffix == ".parquet":
            _write_parquet(rows, temporary)
            return
        with temporary.open("w", encoding="utf-8", newline="") as file:
            if path.suffix == ".jsonl":
                for row in rows:
                    print(json_line(row), file=file)
            else:
                _write_columns(rows, file, "," if path.suffix == ".csv" else "\t")


def _write_columns(rows: Iterator[dict[str, Any]], file: TextIO, delimiter: str) -> None:
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    for number, row in enumerate(rows):
        if not number:
            writer.writerow(row)
        writer.writerow(map(_plain, row.values()))


def _write_parquet(rows: Iterator[dict[str, Any]], path: Path) -> None:
    arrow, parquet = _parquet()
    held = list(islice(rows, _ROWS))
    schema = arrow.Table.from_pylist(held).schema
    with parquet.ParquetWriter(path, schema) as writer:
        while held:
            writer.write_table(arrow.Table.from_pylist(held, schema=schema))
            held = list(islice(rows, _ROWS))


def _parquet() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise missing_extra("a Parquet file", "pyarrow", "text") from error
    return pa, pq


def _plain(value: Any) -> Any:
    """A cell of a table: what is nested as JSON, numbers as Python writes them."""
    nested = isinstance(value, (list, tuple, dict))
    return json.dumps(value, ensure_ascii=False) if nested else value


def _cell(value: Any, short: bool) -> str:
    """One column: tabs and newlines escaped, what is nested flat, numbers `short` for eyes."""
    if isinstance(value, float):
        return significant(value) if short else repr(float(value))
    if isinstance(value, (list, tuple)):
        return " ".join(_cell(item, short) for item in value)
    if isinstance(value, dict):
        return "=".join(_cell(item, short) for item in value.values())
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")

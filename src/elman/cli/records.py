"""Records as lines: tab-separated columns under a header, or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any, Literal, TextIO

from elman.tasks.task import Record


def write_records(records: Iterable[Record], form: Literal["tsv", "json"], out: TextIO) -> None:
    """Write each record as it comes, flushed, so that a pipe sees it at once."""
    write = record_writer(form, out)
    for record in records:
        write(record)


def record_writer(form: Literal["tsv", "json"], out: TextIO) -> Callable[[Record], None]:
    """A function that writes one record; in TSV the first call writes the header too."""
    begun = False

    def write(record: Record) -> None:
        nonlocal begun
        values = asdict(record)
        if form == "json":
            line = json.dumps(values, ensure_ascii=False)
        else:
            if not begun:
                print("\t".join(values), file=out)
            line = "\t".join(_cell(value) for value in values.values())
        begun = True
        print(line, file=out, flush=True)

    return write


def _cell(value: Any) -> str:
    """One column: numbers short, tabs and newlines escaped, what is nested as name=number."""
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, (list, tuple)):
        return " ".join(_cell(item) for item in value)
    if isinstance(value, dict):
        return "=".join(_cell(item) for item in value.values())
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")

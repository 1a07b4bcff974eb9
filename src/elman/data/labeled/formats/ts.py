"""The text format `.ts` of sktime and aeon: a header, then one sequence with its label a line."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from elman.data.labeled.formats.rows_of_table import BadCell, finite
from elman.data.labeled.rows import Floats, ParsedRows, inputs_of
from elman.data.origin import origin_of
from elman.data.tables.table import BadRows
from elman.data.text_files import text_lines
from elman.errors import InputError


def read_ts(path: Path, bad: BadRows, *, labeled: bool = True) -> ParsedRows:
    """Read a `.ts` file: `1.5,2.0:0.1,0.2:label`, channels apart by colons, steps by commas."""
    header: dict[str, str] = {}
    values: list[Floats] = []
    labels: list[tuple[str]] = []
    lines: list[int] = []
    in_data = has_label = False
    for number, line in text_lines(path):
        if not line.strip() or line.startswith("#"):
            continue
        if not in_data:
            key, _, value = line.strip().partition(" ")
            header[key.lower()] = value.strip().lower()
            in_data = key.lower() == "@data"
            has_label = header.get("@classlabel", "").startswith("true")
            if in_data:
                if header.get("@timestamps") == "true":
                    raise InputError(f"{path}: has time stamps, which are not read; leave them out")
                if labeled and not has_label:
                    raise InputError(f"{path}: has no class labels (@classLabel true …)")
            continue
        try:
            row, label = _row(line, has_label)
            if values and row.shape[1] != values[0].shape[1]:
                raise BadCell(f"has {row.shape[1]} channels, expected {values[0].shape[1]}")
        except BadCell as error:
            bad.add(f"{path}:{number}", str(error))
            continue
        values.append(row)
        labels.append((label,))
        lines.append(number)
    if not in_data:
        raise InputError(f"{path}: not a .ts file: it has no line @data")
    inputs = inputs_of(values, origin_of(path, lines))
    width = values[0].shape[1] if values else 1
    note = f"{path.name}: {len(values)} sequences, {width} channels"
    return ParsedRows(inputs, "one", labels if labeled else None, notes=(note,))


def _row(line: str, has_label: bool) -> tuple[Floats, str]:
    parts = line.split(":")
    label = parts.pop().strip() if has_label else ""
    if has_label and not label:
        raise BadCell("has no label")
    try:
        channels = [[float(cell) for cell in part.split(",")] for part in parts]
    except ValueError as error:
        raise BadCell(f"holds something that is not a number ({error})") from error
    if not channels or len({len(channel) for channel in channels}) != 1:
        raise BadCell("its channels are not of the same length")
    return finite(np.asarray(channels).T), label

"""Sequences of numbers from a folder of CSV files, one a sequence.

The label of a sequence is the name of its folder, a row of `labels.csv` (file, label), or, with a
label for every step, a column of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from elman.data.folders import files_in
from elman.data.labeled.formats.columns import LABEL, has_header, named
from elman.data.labeled.formats.rows_of_table import BadCell, finite, label_of
from elman.data.labeled.rows import Columns, Floats, ParsedRows, inputs_of
from elman.data.origin import Origin
from elman.data.tables.read import read_file
from elman.data.tables.table import BadRows, Table
from elman.errors import InputError

LABEL_FILES = ("labels.csv", "labels.tsv")


def read_folder(
    folder: Path, columns: Columns, bad: BadRows, *, labeled: bool = True
) -> ParsedRows:
    """Read every CSV and TSV file in a folder and in the folders in it, in the order of names."""
    files = [
        file
        for file in files_in(folder)
        if file.suffix.lower() in (".csv", ".tsv") and file.name not in LABEL_FILES
    ]
    if not files:
        raise InputError(
            f"{folder}: holds no .csv or .tsv files, one for each sequence of numbers; texts are"
            " read from one table with a column of text and one of labels, or from a .txt file with"
            " a line __label__NAME TEXT for each"
        )
    listed = listed_labels(folder) if labeled and not columns.per_step else None
    kept: list[tuple[Path, Floats, Sequence[str]]] = []
    names: tuple[str, ...] | None = None
    for file in files:
        row_by_row = BadRows(remedy="correct the row")
        table = read_file(
            file,
            row_by_row,
            header=has_header(()),
            dialect=columns.dialect,
            asked=columns.asked,
        )
        columns = replace(columns, dialect=columns.dialect or table.dialect)
        labels = None
        if columns.per_step and labeled:
            labels, _ = named(table, columns.label, LABEL, "label", ())
            if labels is None:
                raise InputError(
                    f"{table.name}: none of its columns ({', '.join(table.columns)}) is named as a "
                    "label is; say which with --label-column"
                )
        channels = tuple(name for name in table.columns if name != labels)
        names = names or channels
        try:
            if channels != names:
                raise BadCell(
                    f"its channels are {', '.join(channels)}, expected {', '.join(names)}"
                )
            values = _values(table, channels)
            if labels:
                label: Sequence[str] = [label_of(cell) for cell in table.cells(labels)]
            else:
                label = (label_of_file(file, folder, listed),) if labeled else ()
        except BadCell as error:
            bad.add(str(file), str(error))
            continue
        kept.append((file, values, label))
    read, rows, found = zip(*kept, strict=True) if kept else [()] * 3
    origin = Origin(read, np.arange(len(read)), np.zeros(len(read), dtype=np.int64))
    note = f"{folder.name}: {len(kept)} files, channels {', '.join(names or ())}"
    if labeled:
        whence = "its folders" if listed is None else LABEL_FILES[0]
        note += ", labels by step" if columns.per_step else f", labels from {whence}"
    return ParsedRows(
        inputs_of(rows, origin, names or ()),
        "step" if columns.per_step else "one",
        found if labeled else None,
        columns=columns,
        notes=(note,),
    )


def _values(table: Table, channels: tuple[str, ...]) -> Floats:
    if not len(table):
        raise BadCell("has no steps")
    if not channels:
        raise BadCell("has no channels beside its label")
    try:
        values = np.stack([table.numbers(name) for name in channels], axis=1)
    except InputError as error:
        raise BadCell(str(error).removeprefix(f"{table.name}:")) from error
    if np.isnan(values).any():
        row, column = (int(place) for place in np.argwhere(np.isnan(values))[0])
        raise BadCell(f"line {table.lines[row]}: {channels[column]} has no number")
    return finite(values)


def listed_labels(folder: Path) -> dict[str, str] | None:
    """File name -> label, from labels.csv; None where there is no such file."""
    path = next((folder / name for name in LABEL_FILES if (folder / name).is_file()), None)
    if path is None:
        return None
    table = read_file(path, BadRows(remedy="correct the row"), header=has_header(("file", *LABEL)))
    if len(table.columns) != 2:
        raise InputError(
            f"{path}:1: has {len(table.columns)} columns, expected two: file and label"
        )
    file, label = map(table.cells, table.columns)
    try:
        return {f.strip(): label_of(cell) for f, cell in zip(file, label, strict=True)}
    except BadCell as error:
        raise InputError(f"{path}: a file {error}; give each its label") from error


def label_of_file(file: Path, folder: Path, listed: dict[str, str] | None) -> str:
    """The label of a file of `folder`: the one that is listed, or the name of its folder."""
    name = file.relative_to(folder).as_posix()
    if listed is not None:
        found = listed.get(name, listed.get(file.stem))
        if found is None:
            raise BadCell(f"has no row in {folder / LABEL_FILES[0]}")
        return found
    if file.parent == folder:
        raise InputError(
            f"{file}: has no label; put it in a folder that is named as its label, or list it in "
            f"{folder / LABEL_FILES[0]} (file, label)"
        )
    return file.relative_to(folder).parts[0]

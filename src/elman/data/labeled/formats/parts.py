"""The parts of a data set, each as its file gave it, by what files and columns are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.labeled.formats.columns import USUAL, choose
from elman.data.labeled.formats.conll import read_conll
from elman.data.labeled.formats.npz import read_npz
from elman.data.labeled.formats.number_files import read_folder
from elman.data.labeled.formats.parsed import BadRows, ParsedRows
from elman.data.labeled.formats.rows_of_table import rows_of_table
from elman.data.labeled.formats.table import read_table
from elman.data.labeled.formats.ts import read_ts
from elman.data.labeled.rows import Columns, LabelKind, Sequences, Texts
from elman.data.split_names import split_of
from elman.errors import InputError

_WORD_COLUMNS = (".conll", ".bio", ".iob", ".iob2", ".bioes")
_MAYBE_WORD_COLUMNS = (".txt", ".tsv")
_BY_NAME = "name the files one by one: train valid test"


def read_rows(
    path: Path, columns: Columns, bad: BadRows, *, labeled: bool, again: bool = False
) -> ParsedRows:
    """Read one file or folder.

    Args:
        path: its name says what it is.
        columns: where the texts and the labels are.
        bad: is told of the rows that can't be read.
        labeled: whether labels are read.
        again: whether `columns` were found in another file of the same kind.

    Raises:
        InputError: nothing in it can be read.
    """
    suffix = path.suffix.lower()
    if path.is_dir():
        found = read_folder(path, columns, bad, labeled=labeled)
    elif suffix == ".npz":
        found = read_npz(path, columns, labeled=labeled)
    elif suffix == ".ts":
        found = read_ts(path, bad, labeled=labeled)
    elif suffix in _WORD_COLUMNS or (columns.per_step and suffix in _MAYBE_WORD_COLUMNS):
        found = read_conll(path, columns, bad, labeled=labeled)
    else:
        told = columns.text or columns.label
        header = None if told is None else not (again and told.isdecimal())
        table = read_table(path, bad, USUAL, None if not again else header)
        found = rows_of_table(table, choose(table, columns, labeled=labeled), columns, bad)
    if found.kind == "step" and not columns.per_step:
        raise InputError(f"{path}: has a label for every step; say so with --per-step")
    if columns.per_step and isinstance(found.inputs, Texts | Sequences) and suffix == ".ts":
        raise InputError(f"{path}: a .ts file has a label for each sequence; leave out --per-step")
    if not len(found.inputs):
        raise InputError(f"{path}: no row of it could be read; give one with rows like those above")
    return found


def read_parts(
    paths: Sequence[Path], columns: Columns, bad: BadRows
) -> tuple[dict[str, ParsedRows], tuple[str, ...], Columns]:
    """The parts that the files give, by role, with notes and where the columns were.

    There is a "train" at least; "valid" and "test", where the files or a column name them.

    Raises:
        InputError: files that can't be read, or do not fit together.
    """
    named = _named(paths)
    found: dict[str, ParsedRows] = {}
    used = columns
    for role, path in named.items():
        found[role] = read_rows(path, used, bad, labeled=True, again=bool(found))
        used = found[role].columns if role == "train" else used
        _check_fit(found[role], found["train"], path)
    notes = found["train"].notes
    if len(named) > 1 or found["train"].splits is None:
        return found, notes, used
    return _by_column(found["train"], next(iter(named.values()))), notes, used


def _named(paths: Sequence[Path]) -> dict[str, Path]:
    if not 1 <= len(paths) <= 3:
        raise InputError(
            f"got {len(paths)} paths, expected one file or folder, or train valid test"
        )
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: there is no such file or folder; check the path")
    if len(paths) == 1:
        return _in_folder(paths[0]) if paths[0].is_dir() else {"train": paths[0]}
    if len(paths) == 2 and [split_of(path.name) for path in paths] == ["train", "test"]:
        return dict(zip(("train", "test"), paths, strict=True))
    return dict(zip(("train", "valid", "test"), paths, strict=False))


def _in_folder(folder: Path) -> dict[str, Path]:
    """The parts that a folder's names speak of; all of the folder, where they do not."""
    named: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        role = split_of(path.name)
        if role and not path.name.startswith("."):
            named.setdefault(role, []).append(path)
    if len(named) < 2:
        return {"train": folder}
    for role, several in named.items():
        if len(several) > 1:
            raise InputError(
                f"{folder}: {several[0].name} and {several[1].name} could each be the {role} "
                f"part; {_BY_NAME}"
            )
    if "train" not in named:
        raise InputError(f"{folder}: holds no train.*; add it, or {_BY_NAME}")
    return {role: named[role][0] for role in ("train", "valid", "test") if role in named}


def _by_column(found: ParsedRows, path: Path) -> dict[str, ParsedRows]:
    assert found.splits is not None
    roles = np.asarray(found.splits)
    parts = {}
    for role in ("train", "valid", "test"):
        rows = np.flatnonzero(roles == role)
        if len(rows):
            parts[role] = _taken(found, rows)
    if "train" not in parts:
        raise InputError(f"{path}: its split column has no rows of train; add some")
    return parts


def _taken(found: ParsedRows, rows: Any) -> ParsedRows:
    labels: Any = found.labels
    assert labels is not None
    if found.kind == "step":
        assert not isinstance(found.inputs, Texts)
        starts, stops = found.inputs.offsets[:-1], found.inputs.offsets[1:]
        taken = [label for row in rows for label in labels[starts[row] : stops[row]]]
    else:
        taken = [labels[row] for row in rows]
    return replace(found, inputs=found.inputs.take(rows), labels=taken, splits=None)


def _check_fit(part: ParsedRows, train: ParsedRows, path: Path) -> None:
    check_kind(part, train.kind, path)
    if type(part.inputs) is not type(train.inputs):
        raise InputError(
            f"{path}: holds {type(part.inputs).__name__.lower()}, but the training part "
            f"{type(train.inputs).__name__.lower()}; give files of one kind"
        )
    if isinstance(part.inputs, Sequences) and isinstance(train.inputs, Sequences):
        has, wants = len(part.inputs.channels), len(train.inputs.channels)
        if has != wants:
            raise InputError(f"{path}: has {has} channels, but the training part {wants}")


def check_kind(part: ParsedRows, kind: LabelKind, path: Path) -> None:
    """Raise InputError where labels are not of the kind that training had."""
    if part.kind != kind:
        raise InputError(
            f"{path}: its labels are of the kind {part.kind!r}, but those of training {kind!r}"
        )

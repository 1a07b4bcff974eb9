"""The parts of a data set, each as its file gave it, by what files and columns are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.given import Arrays, Audio, Files, Given, Pairs, Part, Texts, Video, name_of
from elman.data.given import Columns as GivenColumns
from elman.data.labeled.formats.columns import USUAL, has_header
from elman.data.labeled.formats.conll import read_conll
from elman.data.labeled.formats.later_table import header_of_later, in_table
from elman.data.labeled.formats.lines import read_lines
from elman.data.labeled.formats.npz import read_npz
from elman.data.labeled.formats.number_files import read_folder
from elman.data.labeled.formats.rows_of_table import rows_of_table
from elman.data.labeled.formats.ts import read_ts
from elman.data.labeled.rows import Columns, LabelKind, ParsedRows, Sequences
from elman.data.split_names import SPLITS, parts_of, split_of
from elman.data.tables.read import KINDS, SPREADSHEETS, read_columns, read_file, suffix_of
from elman.data.tables.table import BadRows, Table
from elman.errors import InputError

_WORD_COLUMNS = (".conll", ".bio", ".iob", ".iob2", ".bioes")
_MAYBE_WORD_COLUMNS = (".txt", ".tsv")


def read_rows(
    part: Part,
    columns: Columns,
    bad: BadRows,
    *,
    labeled: bool,
    classes: Sequence[str] | None = None,
) -> ParsedRows:
    """Read one file or folder, whose name says what it is, or rows in memory.

    With `classes`, `columns` were found in other data of the same kind, which has these.
    """
    match part:
        case Files((path,)):
            parsed = _read_path(path, columns, bad, labeled=labeled, classes=classes)
        case Files(paths):
            raise InputError(f"got {len(paths)} files, expected one; give them one by one")
        case Audio():
            raise InputError(f"{part.where}: recordings, expected texts or numbers; give those")
        case Video():
            raise InputError(f"{part.where}: videos; train on them with `elman train video`")
        case GivenColumns():
            parsed = rows_of_table(read_columns(part), columns, bad, labeled=labeled)
        case _:
            # Rows in memory have no names of columns: what was found is not for other data.
            own = replace(columns, text=None, label=None, split=None)
            parsed = rows_of_table(_table_of(part, labeled=labeled), own, bad, labeled=labeled)
            parsed = replace(parsed, columns=columns, cells=None, notes=())
    where = name_of(part)
    if parsed.kind == "step" and not columns.per_step:
        raise InputError(f"{where}: has a label for every step; say so with --per-step")
    if not len(parsed.inputs):
        raise InputError(
            f"{where}: no row of it could be read; give one with rows like those above"
        )
    return parsed


def _read_path(
    path: Path,
    columns: Columns,
    bad: BadRows,
    *,
    labeled: bool,
    classes: Sequence[str] | None,
) -> ParsedRows:
    suffix = suffix_of(path)
    if path.is_dir():
        return read_folder(path, columns, bad, labeled=labeled)
    if suffix == ".npz":
        return read_npz(path, columns, labeled=labeled)
    if suffix == ".ts":
        if columns.per_step:
            raise InputError(
                f"{path}: a .ts file has a label for each sequence; leave out --per-step"
            )
        return read_ts(path, bad, labeled=labeled)
    if suffix in _WORD_COLUMNS or (columns.per_step and suffix in _MAYBE_WORD_COLUMNS):
        return read_conll(path, columns, bad, labeled=labeled)
    kind = KINDS.get(suffix, "" if suffix in SPREADSHEETS else "lines")
    if kind == "lines":
        found = read_lines(path, columns, bad, labeled=labeled, classes=classes)
        if isinstance(found, ParsedRows):
            return found
        kind = found
    header = has_header(USUAL)
    if classes is not None:
        header = header_of_later(path, columns, () if labeled else classes)
    table = read_file(
        path, bad, header=header, dialect=columns.dialect, asked=columns.asked, kind=kind
    )
    return rows_of_table(table, in_table(table, columns), bad, labeled=labeled)


def _table_of(part: Texts | Pairs | Arrays, *, labeled: bool) -> Table:
    """Rows in memory as a table; pairs are texts with labels."""
    match part:
        case Texts():
            inputs: list[Any] = list(part.texts)
            labels: Sequence[Any] | None = part.labels
        case Arrays():
            inputs, labels = list(part.arrays), part.labels
        case _:
            inputs, labels = [text for text, _ in part.pairs], [label for _, label in part.pairs]
    if labeled and labels is None:
        raise InputError(
            f"{part.where}: has no labels; give (inputs, labels), or a table with both"
        )
    columns = {"text": inputs, **({"label": list(labels)} if labeled and labels else {})}
    return Table(part.where, columns, range(1, len(inputs) + 1))


def read_splits(
    given: Given, columns: Columns, bad: BadRows
) -> tuple[dict[str, ParsedRows], tuple[str, ...], Columns]:
    """The splits that files or a column name, "train" at least; notes; where the columns were."""
    named = _named(given)
    parsed: dict[str, ParsedRows] = {}
    used = columns
    for name, part in named.items():
        classes = {label for row in parsed["train"].labels or () for label in row} if parsed else ()
        parsed[name] = read_rows(
            part, used, bad, labeled=True, classes=[*classes] if parsed else None
        )
        used = parsed[name].columns if name == "train" else used
        _check_fit(parsed[name], parsed["train"], name_of(part))
    whole = parsed["train"]
    if len(named) == 1 and whole.splits is not None:
        roles = np.asarray(whole.splits)
        rows = {name: np.flatnonzero(roles == name) for name in SPLITS}
        if not len(rows["train"]):
            where = name_of(named["train"])
            raise InputError(f"{where}: its split column has no rows of train; add some")
        parsed = {name: whole.take(places) for name, places in rows.items() if len(places)}
    return parsed, whole.notes, used


def _named(given: Given) -> dict[str, Part]:
    parts = parts_of(given)
    paths = given.paths if isinstance(given, Files) else ()
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: there is no such file or folder; check the path")
    if [split_of(path.name) for path in paths] == ["train", "test"]:
        parts["test"] = parts.pop("valid")
    return parts


def _check_fit(part: ParsedRows, train: ParsedRows, where: str) -> None:
    check_kind(part, train.kind, where)
    if type(part.inputs) is not type(train.inputs):
        raise InputError(
            f"{where}: holds {type(part.inputs).__name__.lower()}, but the training part "
            f"{type(train.inputs).__name__.lower()}; give files of one kind"
        )
    if isinstance(part.inputs, Sequences) and isinstance(train.inputs, Sequences):
        has, wants = len(part.inputs.channels), len(train.inputs.channels)
        if has != wants:
            raise InputError(f"{where}: has {has} channels, but the training part {wants}")


def check_kind(part: ParsedRows, kind: LabelKind, where: str) -> None:
    """Raise InputError where labels are not of the kind that training had."""
    if part.kind != kind:
        raise InputError(
            f"{where}: its labels are of the kind {part.kind!r}, but those of training {kind!r}"
        )

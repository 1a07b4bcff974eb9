"""From files, folders and values to rows of recordings, with their texts or labels as they stood.

What a file is, its name says: audio or features (`.npy`, `.safetensors`), or else a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.audio.clips import Limits
from elman.data.audio.columns import Answer, has_audio, has_header
from elman.data.audio.decode import CONVERT
from elman.data.audio.folder import manifest_in, rows_of_files, rows_of_folder
from elman.data.audio.manifest import Convert, rows_of_table
from elman.data.audio.rows import AudioColumns, AudioRows
from elman.data.audio.source import Sources, is_audio_name
from elman.data.folders import files_in
from elman.data.given import Arrays, Audio, Columns, Files, Given, Part, Texts, name_of
from elman.data.split_names import SPLITS, parts_of, split_of
from elman.data.tables.read import KINDS, read_columns, read_file, suffix_of
from elman.data.tables.table import BadRows, Table
from elman.errors import InputError

_OTHER_SOUND = (
    *(".m4a", ".aac", ".mp4", ".wma", ".amr", ".aiff", ".aif", ".au", ".caf", ".webm", ".mka"),
    *(".mkv", ".mov", ".avi", ".3gp", ".ra", ".ac3", ".pcm", ".raw", ".sph"),
)

_TABLES = ("delimited", "json", "parquet", "lines")


def read_rows(
    part: Part,
    columns: AudioColumns,
    bad: BadRows,
    *,
    answer: Answer,
    convert: Convert = lambda cell: cell,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> AudioRows:
    """Read one file or folder, or recordings in memory.

    `answer` says what is looked for beside the recording, and `convert` what becomes of its cell;
    it raises `BadCell` where that can't be used.

    Raises:
        InputError: nothing to hear, a row that can't be read and isn't skipped, or a table whose
            columns don't say what they are.
    """
    sources = Sources(limits)
    match part:
        case Files((path,)):
            found = _of_path(path, columns, bad, sources, answer=answer, convert=convert)
        case Files(paths):
            raise InputError(f"got {len(paths)} files, expected one; give them one by one")
        case Columns():
            table = read_columns(part)
            found = rows_of_table(
                table, columns, bad, sources, answer=answer, convert=convert, base=None
            )
        case _:
            # Rows in memory have no names of columns: what was found is not for other data.
            found = rows_of_table(
                _table_of(part, answer),
                AudioColumns(),
                bad,
                sources,
                answer=answer,
                convert=convert,
                base=None,
            )
            found = replace(found, columns=columns, cells=None)
    if not len(found):
        where = name_of(part)
        raise InputError(f"{where}: no row of it could be read; give one with rows that can be")
    return found


def is_audio(part: Part, columns: AudioColumns) -> bool:
    """Whether what is given holds recordings, rather than texts or numbers.

    A file of features doesn't: it may hold any numbers.
    """
    match part:
        case Audio():
            return True
        case Files(paths):
            path = paths[0]
            if path.is_dir():
                features = (".npy", ".safetensors")
                return manifest_in(path) is not None or any(
                    is_audio_name(file) and file.suffix.lower() not in features
                    for file in files_in(path)
                )
            if KINDS.get(suffix_of(path)) in _TABLES[:3]:
                return has_audio(_read(path, columns, BadRows(skip=True)))
            return is_audio_name(path) and path.suffix.lower() not in (".npy", ".safetensors")
        case Columns():
            return has_audio(read_columns(part))
        case _:
            return False


def read_splits(
    given: Given,
    columns: AudioColumns,
    bad: BadRows,
    *,
    answer: Answer,
    convert: Convert = lambda cell: cell,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> tuple[dict[str, AudioRows], AudioColumns]:
    """The splits that files, folders or a column name, "train" at least; where the columns were."""
    found: dict[str, AudioRows] = {}
    for name, part in _named(given).items():
        rows = read_rows(part, columns, bad, answer=answer, convert=convert, limits=limits)
        if name == "train":
            columns = rows.columns
        elif rows.heard.has_features != found["train"].heard.has_features:
            raise InputError(f"{name_of(part)}: not what the training part holds; give one kind")
        found[name] = rows
    whole = found["train"]
    if len(found) == 1 and whole.splits is not None:
        roles = np.asarray(whole.splits)
        places = {name: np.flatnonzero(roles == name) for name in SPLITS}
        if not len(places["train"]):
            where = whole.heard.origin.files[0]
            raise InputError(f"{where}: its split column has no rows of train; add some")
        found = {name: whole.take(rows) for name, rows in places.items() if len(rows)}
    return found, columns


def _named(given: Given) -> dict[str, Part]:
    for path in given.paths if isinstance(given, Files) else ():
        if not path.exists():
            raise InputError(f"{path}: there is no such file or folder; check the path")
    parts = parts_of(given)
    paths = given.paths if isinstance(given, Files) else ()
    if [split_of(path.name) for path in paths] == ["train", "test"]:
        parts["test"] = parts.pop("valid")
    return parts


def _of_path(
    path: Path,
    columns: AudioColumns,
    bad: BadRows,
    sources: Sources,
    *,
    answer: Answer,
    convert: Convert,
) -> AudioRows:
    if path.is_dir():
        manifest = manifest_in(path)
        if manifest is None:
            return rows_of_folder(path, columns, bad, sources, answer=answer, convert=convert)
        path = manifest
    if is_audio_name(path):
        if not path.exists():
            raise InputError(f"{path}: there is no such file; check the path")
        return rows_of_files(
            [path], columns, bad, sources, answer=answer, convert=convert, folder=path.parent
        )
    if path.suffix.lower() in _OTHER_SOUND:
        raise InputError(f"{path}: {path.suffix} is not read; {CONVERT}")
    table = _read(path, columns, bad)
    return rows_of_table(
        table, columns, bad, sources, answer=answer, convert=convert, base=path.parent
    )


def _read(path: Path, columns: AudioColumns, bad: BadRows) -> Table:
    kind = KINDS.get(suffix_of(path), "lines")
    return read_file(
        path,
        bad,
        header=has_header,
        dialect=columns.dialect,
        asked=columns.asked,
        kind="delimited" if kind == "lines" else kind,
    )


def _table_of(part: Part, answer: Answer) -> Table:
    """Recordings in memory as a table."""
    items: Sequence[Any]
    match part:
        case Audio():
            items, labels = part.audio, part.labels
        case Arrays():
            items, labels = part.arrays, part.labels
        case Texts():  # paths, as the user has them
            items, labels = list(part.texts), part.labels
        case _:
            raise InputError(
                f"{name_of(part)}: no recordings; give a table that lists them, a folder, or"
                " (samples, rate) arrays"
            )
    if answer and labels is None:
        raise InputError(
            f"{name_of(part)}: has no {answer}s; give (recordings, {answer}s), or a table with both"
        )
    columns = {"audio": list(items)}
    if answer:
        columns[answer] = list(labels or ())
    return Table(name_of(part), columns, range(1, len(items) + 1))

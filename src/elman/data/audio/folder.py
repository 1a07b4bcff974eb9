"""Recordings of a folder, with transcripts beside them or in folders that are their classes.

A transcript is `x.txt` or `x.lab` beside `x.wav`, or a line "x TEXT" of a `*.trans.txt` in the same
folder, as LibriSpeech has them; a class is the name of the folder, or a row of `labels.csv`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.audio.columns import Answer
from elman.data.audio.manifest import Convert
from elman.data.audio.rows import AudioColumns, AudioRows, Source, Utterances
from elman.data.audio.source import Sources, is_audio_name
from elman.data.folders import files_in
from elman.data.labeled.formats.number_files import label_of_file, listed_labels
from elman.data.labeled.formats.rows_of_table import BadCell
from elman.data.origin import Origin
from elman.data.tables.table import BadRows
from elman.data.text_files import encoding_of, text_lines
from elman.errors import InputError

MANIFESTS = ("metadata", "manifest")
"""What a table in a folder is called that lists its recordings."""

_BESIDE = (".txt", ".lab")
_TOGETHER = ".trans.txt"


@dataclass(frozen=True)
class _Line:
    """A transcript, and where it is: a line of a file, or a file of its own (line 0)."""

    text: str
    path: Path
    line: int = 0


def manifest_in(folder: Path) -> Path | None:
    """The table of a folder that lists its recordings."""
    found = [
        path
        for name in MANIFESTS
        for suffix in (".csv", ".tsv", ".jsonl")
        if (path := folder / f"{name}{suffix}").is_file()
    ]
    if len(found) > 1:
        raise InputError(
            f"{folder}: {found[0].name} and {found[1].name} could each list its recordings; name"
            " one of them"
        )
    return found[0] if found else None


def rows_of_folder(
    folder: Path,
    columns: AudioColumns,
    bad: BadRows,
    sources: Sources,
    *,
    answer: Answer,
    convert: Convert,
) -> AudioRows:
    """Read every recording in a folder and in the folders in it, in the order of names."""
    files = list(files_in(folder))
    heard = [path for path in files if is_audio_name(path)]
    if not heard:
        raise InputError(
            f"{folder}: holds no recordings; give a folder with .wav, .flac, .ogg or .mp3 files, or"
            " a table that lists them"
        )
    return rows_of_files(
        heard, columns, bad, sources, answer=answer, convert=convert, folder=folder, among=files
    )


def rows_of_files(
    files: Sequence[Path],
    columns: AudioColumns,
    bad: BadRows,
    sources: Sources,
    *,
    answer: Answer,
    convert: Convert,
    folder: Path,
    among: Sequence[Path] = (),
) -> AudioRows:
    """Read recordings of `folder`, whose transcripts are among other files of it."""
    together = _together(among, columns) if answer == "text" else {}
    listed = listed_labels(folder) if answer == "label" else None
    kept: list[tuple[Source, Any, _Line, str, Path]] = []
    for path in files:
        line = together.pop(path.with_suffix(""), None)
        place = line or _Line("", path)
        where = f"{place.path}:{place.line}" if place.line else str(place.path)
        try:
            said = None
            if answer == "text":
                said = convert(line.text if line else _beside(path, columns))
            elif answer == "label":
                said = convert(label_of_file(path, folder, listed))
            kept.append((sources.of_file(path), said, place, _speaker(path) if line else "", path))
        except BadCell as error:
            bad.add(where, str(error).removeprefix(f"{where}: "))
    for line in together.values():
        bad.add(f"{line.path}:{line.line}", "there is no recording of that name beside it")
    heard, answers, places, speakers, paths = zip(*kept, strict=True) if kept else [()] * 5
    return AudioRows(
        Utterances(
            heard, None, tuple(speakers) if all(speakers) and kept else None, _origin(places)
        ),
        answers if answer else None,
        columns=columns,
        cells=[{"path": str(path)} for path in paths],
        notes=tuple(sources.notes(folder.name or str(folder), len(kept))),
    )


def _origin(places: Sequence[_Line]) -> Origin:
    files = {path: number for number, path in enumerate(dict.fromkeys(p.path for p in places))}
    file = np.asarray([files[place.path] for place in places], dtype=np.int64)
    line = np.asarray([place.line for place in places], dtype=np.int64)
    return Origin(tuple(files), file, line)


def _together(files: Sequence[Path], columns: AudioColumns) -> dict[Path, _Line]:
    """The lines of transcripts of many recordings, by the path of each without its suffix."""
    return {
        path.parent / name: line
        for path in files
        if path.name.endswith(_TOGETHER)
        for name, line in _lines(path, columns)
    }


def _lines(path: Path, columns: AudioColumns) -> Iterator[tuple[str, _Line]]:
    for number, text in text_lines(path, encoding_of(path, columns.asked.encoding)):
        name, _, rest = text.strip().partition(" ")
        if name:
            yield name, _Line(rest, path, number)


def _beside(path: Path, columns: AudioColumns) -> str:
    for suffix in _BESIDE:
        if (beside := path.with_suffix(suffix)).is_file():
            lines = text_lines(beside, encoding_of(beside, columns.asked.encoding))
            return " ".join(text for _, text in lines)
    raise BadCell(
        f"has no transcript beside it, {path.with_suffix('.txt').name}; write one, or leave such"
        " recordings out with --skip-bad-rows"
    )


def _speaker(path: Path) -> str:
    """Who speaks in a recording of LibriSpeech, 84-121123-0000: the first number."""
    first, *rest = path.stem.split("-")
    return first if len(rest) == 2 and first.isdecimal() else ""

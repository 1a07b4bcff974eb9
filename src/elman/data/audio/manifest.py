"""Recordings that a table lists: a path or a recording in memory a row, with its text or label."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.audio.columns import Answer, choose
from elman.data.audio.paths import Places
from elman.data.audio.rows import AudioColumns, AudioRows, Utterances
from elman.data.audio.source import Sources, recording_in
from elman.data.labeled.formats.rows_of_table import BadCell
from elman.data.origin import origin_of
from elman.data.split_names import SPLIT_NAMES
from elman.data.tables.dialect import Dialect
from elman.data.tables.table import BadRows, Table, number_of

Convert = Callable[[Any], Any]
"""Makes the answer of a row of the cell of its text or label; raises BadCell."""


def rows_of_table(
    table: Table,
    columns: AudioColumns,
    bad: BadRows,
    sources: Sources,
    *,
    answer: Answer,
    convert: Convert,
    base: Path | None,
) -> AudioRows:
    """Read the columns that `columns` names or the table shows; paths are below `base`."""
    chosen, note = choose(table, columns, answer)
    chosen = replace(chosen, dialect=table.dialect or columns.dialect)
    places = Places(base, columns.root)
    asked_for = {"text": chosen.text, "label": chosen.label, "": None}[answer]
    held = {name: table.cells(name) for name in table.columns}
    kept: list[tuple[int, Any, Any, str, str, dict[str, Any]]] = []
    for row in range(len(table)):
        cells = {name: column[row] for name, column in held.items()}
        try:
            said = convert(cells[asked_for]) if asked_for else None
            split = _split(cells[chosen.split]) if chosen.split else ""
            speaker = _speaker(cells[chosen.speaker]) if chosen.speaker else ""
            begin, end = _times(cells, chosen, table.dialect or Dialect())
            assert chosen.audio is not None
            heard = _source(cells[chosen.audio], places, sources, begin, end)
        except BadCell as error:
            bad.add(table.where(row), str(error))
            continue
        kept.append((table.lines[row], heard, said, split, speaker, cells))
    lines, heards, answers, splits, speakers, by_row = zip(*kept, strict=True) if kept else [()] * 6
    heard = Utterances(
        tuple(heards),
        None,
        tuple(speakers) if chosen.speaker else None,
        origin_of(table.name, lines),
    )
    name = Path(table.name).name
    notes = [f"{name}: {note}", *sources.notes(name, len(kept))]
    if table.dialect is not None:
        notes += table.dialect.notes(table.name)
    return AudioRows(
        heard,
        answers if answer else None,
        splits if chosen.split else None,
        chosen,
        by_row,
        tuple(notes),
    )


def _source(cell: Any, places: Places, sources: Sources, begin: float, end: float | None) -> Any:
    recording = recording_in(cell)
    if recording is None and isinstance(cell, list):
        cell = _as_array(cell)
    if recording is None and not isinstance(cell, np.ndarray):
        return sources.of_file(places.find(cell), begin, end)
    if begin or end is not None:
        raise BadCell("a recording in memory; cut it, in place of times where it begins and ends")
    if recording is not None:
        return sources.of_samples(*recording)
    if cell.ndim == 1:
        raise BadCell("samples without their rate; give (samples, rate)")
    return sources.of_features(cell)


def _as_array(cell: list[Any]) -> np.ndarray:
    """A list of lists of numbers, one for each frame."""
    try:
        return np.asarray(cell, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadCell("its audio is a list, expected a path, or frames of numbers") from error


def _times(
    cells: dict[str, Any], columns: AudioColumns, dialect: Dialect
) -> tuple[float, float | None]:
    """The seconds at which a row begins and ends; None for the end of the recording."""
    begin = _seconds(cells, columns.begin, dialect) or 0.0
    end = _seconds(cells, columns.end, dialect)
    if end is None and (duration := _seconds(cells, columns.duration, dialect)) is not None:
        end = begin + duration
    return begin, end


def _seconds(cells: dict[str, Any], column: str | None, dialect: Dialect) -> float | None:
    if column is None:
        return None
    number = number_of(cells[column], dialect)
    if number is None or math.isinf(number) or isinstance(cells[column], bool):
        raise BadCell(f"its {column} is {cells[column]!r:.40}, expected seconds")
    if number < 0:
        raise BadCell(f"its {column} is {number:g}, below 0")
    return None if math.isnan(number) else number


def _split(cell: Any) -> str:
    role = SPLIT_NAMES.get(str(cell).strip().lower())
    if role is None:
        raise BadCell(f"its split is {cell!r:.40}, expected train, valid or test")
    return role


def _speaker(cell: Any) -> str:
    name = "" if cell is None else str(cell).strip()
    if not name:
        raise BadCell("has no speaker; name one, or take the column out")
    return name


def lines_from_1(rows: Sequence[Any]) -> range:
    """The numbers of rows in memory, as errors name them."""
    return range(1, len(rows) + 1)

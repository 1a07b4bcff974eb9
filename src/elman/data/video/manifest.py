"""Videos that a table lists: a path or frames in memory a row, with its label, times and group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.audio.paths import Places
from elman.data.labeled.formats.rows_of_table import BadCell, label_of, labels_of
from elman.data.origin import origin_of
from elman.data.split_names import SPLIT_NAMES
from elman.data.tables.dialect import Dialect
from elman.data.tables.table import BadRows, Table, number_of
from elman.data.video.clips import VideoSource
from elman.data.video.columns import choose
from elman.data.video.rows import VideoColumns, VideoRows, Videos
from elman.data.video.source import VideoSources


def rows_of_table(
    table: Table,
    columns: VideoColumns,
    bad: BadRows,
    sources: VideoSources,
    *,
    labeled: bool,
    separator: str | None,
    base: Path | None,
) -> VideoRows:
    """Read the columns that `columns` names or the table shows; paths are below `base`."""
    chosen, note = choose(table, columns, labeled=labeled)
    chosen = replace(chosen, dialect=table.dialect or columns.dialect)
    places = Places(base, columns.root, "video")
    dialect = table.dialect or Dialect()
    held = {name: table.cells(name) for name in table.columns}
    kept: list[tuple[int, VideoSource, Sequence[str], str, str, dict[str, Any]]] = []
    for row in range(len(table)):
        cells = {name: column[row] for name, column in held.items()}
        try:
            label = _labels(cells[chosen.label], separator) if labeled and chosen.label else ()
            split = _split(cells[chosen.split]) if chosen.split else ""
            group = _group(cells[chosen.group]) if chosen.group else ""
            begin = _seconds(cells, chosen.begin, dialect) or 0.0
            end = _seconds(cells, chosen.end, dialect)
            assert chosen.video is not None
            shown = cells[chosen.video]
            if isinstance(shown, str | Path) or shown is None or np.isscalar(shown):
                source = sources.of_path(places.find(shown), begin, end)
            elif begin or end is not None:
                raise BadCell("frames in memory; cut them, in place of times where they begin")
            else:
                source = sources.of_array(shown, None, table.where(row))
        except BadCell as error:
            bad.add(table.where(row), str(error))
            continue
        kept.append((table.lines[row], source, label, split, group, cells))
    lines, clips, answers, splits, groups, by_row = zip(*kept, strict=True) if kept else [()] * 6
    videos = Videos(
        tuple(clips),
        groups if chosen.group else None,
        origin_of(table.name, lines),
        tuple(sources.lengths),
    )
    name = Path(table.name).name
    notes = [f"{name}: {note}", *sources.notes(name, len(kept))]
    if table.dialect is not None:
        notes += table.dialect.notes(table.name)
    return VideoRows(
        videos,
        answers if labeled else None,
        splits if chosen.split else None,
        chosen,
        by_row,
        tuple(notes),
    )


def _labels(cell: Any, separator: str | None) -> Sequence[str]:
    several = isinstance(cell, list) or (isinstance(cell, str) and cell.lstrip().startswith("["))
    return labels_of(cell, separator) if several or separator else (label_of(cell),)


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


def _group(cell: Any) -> str:
    name = "" if cell is None else str(cell).strip()
    if not name:
        raise BadCell("has no group; name who or what it was taken of, or take the column out")
    return name

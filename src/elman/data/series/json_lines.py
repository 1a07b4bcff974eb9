"""Series as JSON lines, the way GluonTS writes them: one series a line.

A line is an object with `start` and `target` (a list, or a list of lists, one a channel), and where
there are any `item_id`, `freq`, `feat_static_cat`, `feat_static_real`, `feat_dynamic_real` (known
ahead, may be longer than the target) and `past_feat_dynamic_real`. Lines are read one by one into
flat arrays, so that memory is linear in the file.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.optional import library
from elman.data.series.columns import Columns
from elman.data.series.frequency import Frequency
from elman.data.series.grid import Find
from elman.data.series.panel import Covariate, Floats, Panel, borders_of
from elman.data.series.stamps import place_in_zone
from elman.data.series.times.format import parse_times
from elman.data.tables.dialect import Dialect
from elman.data.tables.read import KINDS, suffix_of
from elman.data.tables.table import BadRows
from elman.data.text_files import decoded_lines, encoding_of
from elman.errors import InputError
from elman.parse import parse_json

_REMEDY = "write one series a line in UTF-8, or all of them as a long table"
_STATIC = ("feat_static_cat", "feat_static_real")


def is_gluonts(paths: Sequence[Path], columns: Columns) -> bool:
    """Whether files hold one series a line, rather than one row."""
    if not all(KINDS.get(suffix_of(path)) == "json" for path in paths):
        return False
    for _, line in _lines(paths[0], columns):
        try:
            record = parse_json(line)
            return not isinstance(record, dict) or "target" in record
        except ValueError:
            return True
    return True


@dataclass
class _Rows:
    """What was read so far: numbers of all series one after the other."""

    ids: list[str] = field(default_factory=list)
    starts: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    values: array[float] = field(default_factory=lambda: array("d"))
    past: array[float] = field(default_factory=lambda: array("d"))
    future: array[float] = field(default_factory=lambda: array("d"))
    static: list[list[float]] = field(default_factory=list)
    widths: tuple[int, int, int, int, int] | None = None


def read_grid(paths: Sequence[Path], columns: Columns) -> tuple[Panel, Find, Columns, list[str]]:
    """The series of one or several files."""
    rows, frequency = _Rows(), columns.frequency
    for path in paths:
        for where, line in _lines(path, columns):
            record = _record(line, where)
            _append(rows, record, where)
            frequency = frequency or str(record.get("freq", ""))
    if not rows.ids:
        raise InputError(f"{paths[0]}: has no series; give one a line")
    if not frequency:
        raise InputError(
            f"{paths[0]}: JSON lines do not say how far apart rows are; "
            "give --frequency (such as h)"
        )
    assert rows.widths is not None
    channels, past, future, categories, reals = rows.widths
    times, at = library("pandas").Series(rows.starts), rows.lines.__getitem__
    parsed = parse_times(
        times, "start", at, known=columns.times, asked=columns.dates, zone=columns.time_zone
    )
    order = np.arange(len(parsed.stamps))
    stamps, zone, _ = place_in_zone(
        parsed.stamps, parsed.zoned, columns.time_zone, order, at, frequency
    )
    kind = Frequency.named(frequency)
    if kind.counted != (stamps.dtype == np.int64):
        raise InputError(f"{rows.lines[0]}: start {rows.starts[0]!r} does not fit {kind.alias}")
    borders = borders_of(rows.lengths)
    several = tuple(f"target_{each}" for each in range(channels))
    names = columns.target or (("target",) if channels == 1 else several)
    if len(names) != channels:
        raise InputError(
            f"--target: {len(names)} names for {channels} channels; JSON lines need none"
        )
    static = np.array(rows.static, dtype=np.float64).reshape(len(rows.ids), categories + reals)
    covariates = (
        *_static(static[:, :categories], columns),
        *(Covariate(f"feat_static_real_{each}", "static") for each in range(reals)),
        *(Covariate(f"past_feat_dynamic_real_{each}", "past") for each in range(past)),
        *(Covariate(f"feat_dynamic_real_{each}", "future") for each in range(future)),
    )
    values = _matrix(rows.values, channels)
    grid = Panel(
        frequency=kind,
        ids=tuple(rows.ids),
        targets=names,
        starts=stamps,
        borders=borders,
        values=values,
        observed=~np.isnan(values),
        past=_matrix(rows.past, past, int(borders[-1])),
        future=_matrix(rows.future, future, int(borders[-1])),
        future_borders=borders,
        static=_coded(static, covariates),
        covariates=covariates,
        time_zone=zone,
        missing=columns.missing,
    )
    known = {item.name: item.categories for item in covariates}
    found = replace(
        columns,
        target=names,
        time=("start",),
        series=("item_id",),
        frequency=kind.alias,
        time_zone=columns.time_zone or (zone or ""),
        categories=known,
        times=parsed.format,
    )
    notes = [parsed.note] if parsed.note else []
    if (encoding := _encoding(paths[0], columns)) != "utf-8":
        dialect = replace(columns.dialect or Dialect(), encoding=encoding)
        found = replace(found, dialect=dialect)
        notes += dialect.notes(f"{paths[0]}")
    return grid, lambda series, row: f"{rows.lines[series]}, value {row}", found, notes


def _lines(path: Path, columns: Columns) -> Iterator[tuple[str, str]]:
    """Each line that is not blank, with its place."""
    encoding = _encoding(path, columns)
    for number, line in decoded_lines(path, BadRows(remedy=_REMEDY).add, encoding=encoding):
        if line.strip():
            yield f"{path}:{number}", line


def _encoding(path: Path, columns: Columns) -> str:
    kept = columns.dialect.encoding if columns.dialect else ""
    return encoding_of(path, columns.asked.encoding, kept)


def _record(line: str, where: str) -> dict[str, Any]:
    try:
        record = parse_json(line)
    except ValueError as error:
        raise InputError(f"{where}: not JSON ({error}); write one series a line") from error
    if not isinstance(record, dict) or "target" not in record or "start" not in record:
        raise InputError(
            f'{where}: not a series; write {{"start": "2024-01-01 00:00", "target": [1.5, …]}}'
        )
    return record


def _append(rows: _Rows, record: dict[str, Any], where: str) -> None:
    target, past, future, categories, reals = (
        _numbers(record.get(name) or [], name, where)
        for name in ("target", "past_feat_dynamic_real", "feat_dynamic_real", *_STATIC)
    )
    static = np.concatenate([categories.ravel(), reals.ravel()])
    length = target.shape[1]
    if not length:
        raise InputError(f"{where}: the target is empty; give at least two values")
    if len(future) and future.shape[1] < length:
        raise InputError(
            f"{where}: feat_dynamic_real has {future.shape[1]} values, target {length}; "
            "covariates known ahead have to reach at least as far"
        )
    if len(past) and past.shape[1] < length:
        raise InputError(
            f"{where}: past_feat_dynamic_real has {past.shape[1]} values, target {length}"
            "; give as many"
        )
    widths = (len(target), len(past), len(future), categories.size, reals.size)
    if rows.widths not in (None, widths):
        raise InputError(
            f"{where}: channels and covariates are not those of {rows.lines[0]}; give every series "
            "the same"
        )
    total = max(length, future.shape[1])
    rows.widths = widths
    rows.ids.append(_word(record.get("item_id", len(rows.ids)), "item_id", where))
    rows.starts.append(_word(record["start"], "start", where))
    rows.lines.append(where)
    rows.lengths.append(total)
    rows.static.append(static.tolist())
    for flat, part in ((rows.values, target), (rows.past, past), (rows.future, future)):
        if len(part):
            padded = np.full((total, len(part)), np.nan)
            padded[: min(part.shape[1], total)] = part.T[:total]
            flat.frombytes(padded.tobytes())


def _word(value: Any, name: str, where: str) -> str:
    word = str(value)
    if not word.isascii() and word != word.encode("utf-8", "replace").decode("utf-8"):
        raise InputError(f"{where}: {name} has half of a surrogate pair; write whole characters")
    return word


def _numbers(value: Any, name: str, where: str) -> Floats:
    """(C, T) of a list of numbers, or of lists of equal length; null and "NaN" are missing."""
    try:
        found = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{where}: {name} is not a list of numbers ({error}); write null where one is missing"
        ) from error
    if found.ndim not in (1, 2):
        raise InputError(f"{where}: {name} is not a list of numbers, or of lists of them")
    if np.isinf(found).any():
        place = int(np.argwhere(np.isinf(found))[0][-1])
        raise InputError(f"{where}: {name} is infinite at value {place}; write null there")
    if found.ndim == 1:
        return found[None] if found.size else np.zeros((0, 0))
    return found


def _static(codes: Floats, columns: Columns) -> Iterator[Covariate]:
    for place, column in enumerate(codes.T):
        name = f"feat_static_cat_{place}"
        known = columns.categories.get(name)
        found = tuple(f"{code:g}" for code in np.unique(column)) if known is None else known
        yield Covariate(name, "static", found)


def _coded(static: Floats, covariates: tuple[Covariate, ...]) -> Floats:
    """Static categories as places among the known ones, -1 for one never seen."""
    coded = static.copy()
    for place, item in enumerate(item for item in covariates if item.role == "static"):
        if item.categories:
            codes = {word: code for code, word in enumerate(item.categories)}
            coded[:, place] = [codes.get(f"{value:g}", -1) for value in static[:, place]]
    return coded


def _matrix(flat: array[float], width: int, rows: int = 0) -> Floats:
    if not width:
        return np.zeros((rows, 0))
    return np.frombuffer(flat, dtype=np.float64).reshape(-1, width)

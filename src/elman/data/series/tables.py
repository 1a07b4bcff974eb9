"""A table of time series as it stands in files or in pandas, with each row's place in them."""

from __future__ import annotations

import csv
import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from elman.data.given import Columns as GivenColumns
from elman.data.given import Data, Files, Given, given
from elman.data.optional import library
from elman.data.series.columns import Columns
from elman.data.series.panel import Floats
from elman.data.text_files import read_blocks
from elman.errors import InputError

Source: TypeAlias = Any
"""A path, several paths of one kind of table, or a pandas frame."""

TIMES = ("ds", "date", "datetime", "timestamp", "time", "day", "week", "month", "year")
SERIES = ("unique_id", "item_id", "series_id", "series", "symbol", "ticker")
TARGETS = ("y", "target", "value")


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of one or more files that have the same columns.

    Attributes:
        frame: the rows, one after the other; its index is the row's number in its file.
        origins: for each file its name, the row of `frame` where it begins, and the line of the
            file that its row 0 stands on (0 where a file has no lines).
    """

    frame: Any
    origins: tuple[tuple[str, int, int], ...]

    def where(self, row: int) -> str:
        """How a person finds a row."""
        name, _, first_line = max((o for o in self.origins if o[1] <= row), key=lambda o: o[1])
        number = int(self.frame.index[row])
        return f"{name}:{number + first_line}" if first_line else f"{name}, row {number}"

    def numbers(self, name: str, series: str = "") -> Floats:
        """A column of numbers, NaN where it is empty.

        Raises:
            InputError: something that is no number, or is infinite, with its row.
        """
        pd = library("pandas")
        column = self.frame[name]
        found = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        bad = np.isnan(found) & ~np.asarray(column.isna())
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise InputError(
                f"{self._named(name, row, series)} is {str(column.iloc[row])!r}, not a number; "
                "correct it (with a point for decimals), or leave it empty where nothing is known"
            )
        if np.isinf(found).any():
            row = int(np.flatnonzero(np.isinf(found))[0])
            raise InputError(
                f"{self._named(name, row, series)} is infinite; correct it, or leave it empty "
                "where nothing is known"
            )
        return np.asarray(found)

    def _named(self, name: str, row: int, series: str) -> str:
        of = f" of {self.frame[series].iloc[row]}" if series else ""
        return f"{self.where(row)}: {name}{of}"

    def is_numeric(self, name: str) -> bool:
        """Whether most of what a column holds is numbers."""
        pd = library("pandas")
        column = self.frame[name].dropna().head(1000)
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            return False
        return not len(column) or pd.to_numeric(column, errors="coerce").notna().mean() > 0.5


def source_of(data: Data | Given) -> Source:
    """The paths or the frame that are given.

    Raises:
        InputError: something that is no table.
    """
    found = given(data)
    match found:
        case Files():
            return found.paths
        case GivenColumns():
            return found.table
    raise InputError("data: not a table of time series; give a path, a frame or a dict of columns")


def read_table(source: Source, columns: Columns) -> Table:
    """The rows of a CSV or Parquet file (or several of one kind), or of a pandas frame.

    Raises:
        InputError: a file that is missing, damaged, empty, or has other columns than the first.
    """
    if isinstance(source, str | os.PathLike):
        source = [Path(source)]
    if not isinstance(source, Sequence):
        if isinstance(source, Mapping):
            source = library("pandas").DataFrame(dict(source))
        if not hasattr(source, "columns"):
            raise InputError(f"{type(source).__name__}: not a table; give a path or a pandas frame")
        return _joined([("the frame", source, 0)])
    if not source:
        raise InputError("no data: give a CSV, Parquet or JSON lines file")
    return _joined([_read_file(Path(path), columns) for path in source])


def _joined(parts: list[tuple[str, Any, int]]) -> Table:
    pd = library("pandas")
    names = list(parts[0][1].columns)
    frames, origins, row = [], [], 0
    for name, frame, first_line in parts:
        if list(frame.columns) != names:
            raise InputError(
                f"{name}: its columns are {_list(frame.columns)}, those of {parts[0][0]} are "
                f"{_list(names)}; give files with the same columns"
            )
        frame = frame.reset_index(drop=True).dropna(how="all")
        frame.columns = [str(column).strip() for column in frame.columns]
        if not len(frame):
            raise InputError(f"{name}: has no rows; give a table with at least two")
        frames.append(frame)
        origins.append((name, row, first_line))
        row += len(frame)
    twice = sorted(
        {column for column in frames[0].columns if list(frames[0].columns).count(column) > 1}
    )
    if twice:
        raise InputError(f"{parts[0][0]}: two columns are called {twice[0]}; rename one")
    return Table(frames[0] if len(frames) == 1 else pd.concat(frames), tuple(origins))


def _read_file(path: Path, columns: Columns) -> tuple[str, Any, int]:
    pd = library("pandas")
    kind = "Parquet" if path.suffix in (".parquet", ".pq") else "CSV"
    try:
        if kind == "Parquet":
            library("pyarrow")
            return str(path), pd.read_parquet(path), 0
        names, separator = _header(path)
        times, series = (
            columns.time or _first(TIMES, names),
            columns.series or _first(SERIES, names),
        )
        words = {name: str for name in names if name.strip() in (times, series)}
        frame = pd.read_csv(
            path,
            sep=separator,
            dtype=words,
            skip_blank_lines=False,
            encoding="utf-8-sig",
            compression="infer",
            index_col=False,
            low_memory=False,
        )
    except InputError:
        raise
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"{path}: cannot be read as {kind} ({str(error).strip().splitlines()[0]}); "
            "check the file"
        ) from error
    return str(path), frame, 2


def _header(path: Path) -> tuple[list[str], str]:
    """The names in the first line, and what separates them: a comma, a semicolon or a tab."""
    first = next(read_blocks(path)).split("\n", 1)[0].rstrip("\r")
    separator = max(",;\t", key=first.count)
    names = cells_of(first, separator, f"{path}:1")
    if len(names) < 2:
        raise InputError(
            f"{path}:1: one column only; give a table with a header and at least a column of times "
            "and one of numbers, separated by commas, semicolons or tabs"
        )
    return names, separator


def cells_of(line: str, separator: str, where: str) -> list[str]:
    """The cells of one line of a table.

    Raises:
        InputError: a line that is none, such as a whole file whose lines end in CR alone.
    """
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error as error:
        raise InputError(
            f"{where}: is not a line of a table ({error}); lines have to end in LF or CR LF, so "
            "save the file with those"
        ) from error


def resolve(table: Table, columns: Columns) -> Columns:
    """`columns` with every part that was left open found in the table.

    Raises:
        InputError: a column that is not there, that has two parts, or that can't be told.
    """
    names = [str(name) for name in table.frame.columns]
    given = [columns.time, columns.series, *columns.static, *columns.past, *columns.future]
    given += [name for name in columns.target if name != "*"]
    given = [name for name in given if name]
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]}?" if near else f"its columns are {_list(names)}"
            raise InputError(f"{table.origins[0][0]}: has no column {name}; {hint}")
        if given.count(name) > 1:
            raise InputError(f"{name}: named twice; a column has one part, or none")
    free = [name for name in names if name not in given]
    time = columns.time or _first(TIMES, free) or _dates(table, free)
    if not time:
        raise InputError(
            f"{table.origins[0][0]}: no column of times found among {_list(free)}; name it with "
            "--time"
        )
    free = [name for name in free if name != time]
    series = columns.series or _first(SERIES, free) or _words(table, free, time)
    free = [name for name in free if name != series]
    target = columns.target or tuple(filter(None, [_first(TARGETS, free)]))
    numbers = [name for name in free if table.is_numeric(name)]
    if not target and len(numbers) == 1:
        target = (numbers[0],)
    if target == ("*",):
        target = tuple(numbers)
    if not target:
        raise InputError(
            f"{table.origins[0][0]}: which column is forecast? name it with --target (one of "
            f"{_list(numbers)}; several are channels; '*' for all)"
        )
    found = {"time": time, "series": series, "target": target}
    return Columns(**{**vars(columns), **found})


def _first(wanted: Iterable[str], names: Sequence[str]) -> str:
    lower = {name.lower(): name for name in reversed(names)}
    return next((lower[name] for name in wanted if name in lower), "")


def _dates(table: Table, names: Sequence[str]) -> str:
    """The first column that holds dates."""
    pd = library("pandas")
    for name in names:
        column = table.frame[name]
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            return name
        if not table.is_numeric(name):
            some = column.dropna().astype(str).head(100)
            if len(some) and pd.to_datetime(some, errors="coerce", format="mixed").notna().all():
                return name
    return ""


def _words(table: Table, names: Sequence[str], time: str) -> str:
    """Where times repeat: the one column of words, which then names the series."""
    if not table.frame[time].duplicated().any():
        return ""
    words = [name for name in names if not table.is_numeric(name)]
    return words[0] if len(words) == 1 else ""


def _list(names: Iterable[str]) -> str:
    shown = [str(name) for name in names]
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")

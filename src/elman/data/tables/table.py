"""A table as a value: named columns, and the place of each row in its file; and bad rows."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from elman.data.optional import library
from elman.data.tables.dialect import Dialect
from elman.data.tables.numerals import (
    MISSING,
    as_arrays,
    find_numerals,
    numbers,
    with_dotted_dates,
    with_unit,
)
from elman.errors import InputError
from elman.parse import shown

_LOOKED_AT = 1000
_NAME = re.compile(r"[^\W\d_]+\d+")
"""A word such as H1 that names something, and no number with a unit before it."""


@dataclass
class BadRows:
    """Rows that can't be read: the first one is an error, or all of them are counted.

    Attributes:
        skip: count them and go on.
        remedy: what the error advises.
        count: how many there were.
    """

    skip: bool = False
    remedy: str = "correct the row, or leave such rows out with --skip-bad-rows"
    count: int = 0

    def add(self, where: str, reason: str) -> None:
        """Count a bad row at `where`, such as "reviews.csv:17", or raise InputError.

        A reason may have a remedy of its own, after a semicolon.
        """
        if not self.skip:
            remedy = "" if "; " in reason else f"; {self.remedy}"
            raise InputError(f"{where}: {reason}{remedy}")
        self.count += 1

    def notes(self) -> list[str]:
        """How many rows were left out, in a line for people, if any were."""
        rows = "1 row" if self.count == 1 else f"{self.count:,} rows"
        return [f"left out {rows} that can't be read"] if self.count else []


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of one file, or of several with the same columns.

    Attributes:
        name: the file, or what errors call data in memory.
        columns: the cells of each column, by its name. A list: of strings from text, of what JSON
            holds, None where a row lacks the cell. A column of pyarrow from a frame or Parquet.
        lines: the line at which each row begins; the number of the row, from 1, where there are no
            lines.
        dialect: how it was written, where it was text with delimiters.
        header: whether the names were in the table; else they are "1", "2", …
        blank: blank lines left out.
        parts: where there are several files: the names of all, and the first row of each.
        missing: words that stand for a missing number besides those of `MISSING`.
        doubtful: columns whose numbers can be read in two ways, as 1.234 and 1,234.
    """

    name: str
    columns: Mapping[str, Any]
    lines: Sequence[int]
    dialect: Dialect | None = None
    header: bool = True
    blank: int = 0
    parts: Sequence[tuple[str, int]] = field(default=())
    missing: tuple[str, ...] = ()
    doubtful: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.lines)

    def where(self, row: int) -> str:
        """The place of a row, as an error names it: "reviews.csv:17"."""
        name = self.name
        if self.parts:
            begins = [begin for _, begin in self.parts]
            name = self.parts[bisect_right(begins, row) - 1][0]
        return f"{name}:{self.lines[row]}"

    def take(self, rows: npt.NDArray[np.int64]) -> Table:
        columns = {
            name: [column[row] for row in rows] if isinstance(column, list) else column.take(rows)
            for name, column in self.columns.items()
        }
        return replace(self, columns=columns, lines=[self.lines[row] for row in rows])

    def cells(self, name: str) -> list[Any]:
        """A column as a list of plain values; None where a cell is missing."""
        column = self.columns[name]
        if isinstance(column, list):
            return column
        try:
            return list(column.to_pylist())
        except (OverflowError, ValueError):  # times before the year 1 or after 9999
            return list(column.cast(library("pyarrow").string()).to_pylist())

    def series(self, name: str) -> Any:
        """A column in pandas; an empty string is missing, any other is a word."""
        column = self.columns[name]
        if not isinstance(column, list):
            return _in_pandas(column)
        pd = library("pandas")
        if self.dialect is None:
            return pd.Series([_hashable(cell) for cell in column])
        words = [cell if (cell := each.strip()) else None for each in column]
        return pd.Series(words, dtype=object)

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """(R,) a column of finite numbers, NaN where one is missing; anything else is an error."""
        values, wrong = self._numbers(name)
        if name in self.doubtful:
            raise InputError(self._in_doubt(name))
        wrong |= np.isinf(values)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise InputError(self._not_a_number(name, row, infinite=bool(np.isinf(values[row]))))
        return values

    def is_numeric(self, name: str) -> bool:
        """Whether most of the first cells of a column, or all of none, are meant as numbers."""
        if name in self.doubtful:
            return True
        values, wrong = self._numbers(name, _LOOKED_AT)
        known, others = int((~np.isnan(values)).sum()), int(wrong.sum())
        if others and self.dialect is not None:
            cells = self.columns[name]
            meant = sum(
                with_unit(cells[row]) and not _NAME.fullmatch(cells[row].strip())
                for row in np.flatnonzero(wrong)
            )
            known, others = known + meant, others - meant
        return known > others or not (known or others)

    def _numbers(
        self, name: str, first: int | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """The numbers of a column, NaN elsewhere, and which cells are something else."""
        column = self.columns[name][slice(first)]
        if not isinstance(column, list):
            pd = library("pandas")
            column = _in_pandas(column)
            if pd.api.types.is_datetime64_any_dtype(column.dtype):
                return np.full(len(column), np.nan), np.array(column.notna())
            if self.missing:
                column = column.mask(column.astype(str).isin(self.missing))
            values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
            return np.array(values), np.isnan(values) & ~np.asarray(column.isna())
        if self.dialect is not None:
            own = self.dialect
            return numbers(column, own.decimal, own.thousands, own.missing)
        plain = Dialect(missing=self.missing)
        return as_arrays([number_of(cell, plain) for cell in column])

    def _not_a_number(self, name: str, row: int, *, infinite: bool) -> str:
        cell = str(self.cells(name)[row])
        if infinite:
            return f"{self.where(row)}: {name} is infinite; correct it, or leave it empty"
        here = f"{self.where(row)}: {name} is {cell!r}"
        if self.dialect is None:
            return (
                f"{here}, not a number; correct it (with a point for decimals), or leave it empty"
                " where nothing is known"
            )
        if with_unit(cell) and not cell.strip().isalnum():
            return f"{here}, a number with a sign or a unit; write the numbers of {name} alone"
        other = "," if self.dialect.decimal == "." else "."
        if replace(self.dialect, decimal=other, thousands="").number(cell) is not None:
            return (
                f"{here}, but numbers of this table have {self._spoken_decimal()}; write all of"
                f" them one way, or give --decimal '{other}' if that is it"
            )
        return (
            f"{here}, not a number; correct it, leave it empty where nothing is known, or name it"
            f" with --missing-values if it stands for that"
        )

    def _spoken_decimal(self) -> str:
        comma = self.dialect is not None and self.dialect.decimal == ","
        return "a decimal comma" if comma else "a decimal point"

    def _in_doubt(self, name: str) -> str:
        """The question that a column asks whose numbers can be read in two ways."""
        cells = self.columns[name]
        row = next(n for n, cell in enumerate(cells) if "." in cell or "," in cell)
        sign = "," if "," in cells[row] else "."
        other = "." if sign == "," else ","
        cell = cells[row].strip()
        return (
            f"{self.where(row)}: {name} is {cell!r}, which is {cell.replace(sign, '')} or"
            f" {cell.replace(sign, '.')}; say which with --decimal '{other}' or --decimal '{sign}'"
        )


def number_of(cell: Any, dialect: Dialect) -> float | None:
    """The number in a cell: NaN where it is missing, None where it is not a number."""
    if isinstance(cell, str):
        return dialect.number(cell)
    if cell is None or str(cell) in MISSING or str(cell) in (*dialect.missing, "NaT"):
        return float("nan")
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        return None


def _in_pandas(column: Any) -> Any:
    """A column of pyarrow in pandas; what is no number, word or time as its text."""
    pa, pd = library("pyarrow"), library("pandas")
    kind = column.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pd.Series([_hashable(cell) for cell in column.to_pylist()], dtype=object)
    return column.to_pandas()


def _hashable(cell: Any) -> Any:
    if isinstance(cell, str) and not cell.isascii():
        return cell.encode("utf-8", "replace").decode("utf-8")  # half of a surrogate pair
    return shown(cell) if isinstance(cell, list | dict | bytes) else cell


def joined(tables: Sequence[Table]) -> Table:
    """The rows of several tables, one after the other."""
    first = tables[0]
    if len(tables) == 1:
        return first
    parts, rows = [], 0
    for table in tables:
        if list(table.columns) != list(first.columns):
            raise InputError(
                f"{table.name}: its columns are {listed(table.columns)}, those of {first.name} are "
                f"{listed(first.columns)}; give files with the same columns"
            )
        parts.append((table.name, rows))
        rows += len(table)
    columns = {name: _concatenated([t.columns[name] for t in tables]) for name in first.columns}
    lines = np.concatenate([np.asarray(table.lines) for table in tables])
    made = replace(first, columns=columns, lines=lines.tolist(), blank=0, parts=parts)
    if first.dialect is None or all(table.dialect == first.dialect for table in tables):
        return replace(made, doubtful=frozenset().union(*(t.doubtful for t in tables)))
    # What one file leaves open, another of them may show.
    found = find_numerals(
        columns,
        points_may_group=first.dialect.delimiter == ";" and with_dotted_dates(columns),
        missing=first.missing,
    )
    dialect = replace(first.dialect, decimal=found.decimal, thousands=found.thousands)
    return replace(made, dialect=dialect, doubtful=found.doubtful)


def _concatenated(columns: Sequence[Any]) -> Any:
    if isinstance(columns[0], list):
        return [cell for column in columns for cell in column]
    return library("pyarrow").chunked_array([chunk for c in columns for chunk in c.chunks])


def listed(names: Sequence[str] | Mapping[str, Any]) -> str:
    """The first names, for a message."""
    shown = ", ".join(repr(name) for name in list(names)[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown

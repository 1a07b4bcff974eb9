"""Rows of a table, read one at a time as they arrive.

Legend: C channels, P columns of past covariates.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from elman.data.optional import library
from elman.data.series.columns import Columns, times_of
from elman.data.series.header import has_names
from elman.data.series.keys import joined_keys
from elman.data.series.panel import Floats, Panel
from elman.data.series.times.format import parse_times
from elman.data.tables.dialect import Dialect, find_dialect
from elman.data.tables.table import Table, number_of
from elman.errors import InputError


@dataclass(frozen=True)
class Header:
    """The first line of a table: its columns, and how the table is written."""

    names: tuple[str, ...]
    dialect: Dialect

    @classmethod
    def of(cls, line: str, where: str, kept: Dialect | None = None) -> Header:
        """The header that a first line is, or the numbers of its cells if it is a row.

        `kept` is how the table was written that comes before this one, which had a header or not;
        this one is read in the same way if that can be.
        """
        dialect, _ = find_dialect([line])
        if kept is not None and (kept.fits([line]) or dialect.delimiter not in line):
            dialect = kept
        elif kept is not None and kept.decimal == ",":
            raise InputError(
                f"{where}: has {dialect.delimiter!r} between cells; this run reads tables with"
                f" {kept.delimiter!r} and a decimal comma: write the same, or say how it is written"
                " with --delimiter and --decimal"
            )
        names = tuple(name.strip() for name in dialect.cells(line, where))
        if kept is None or kept.header:
            return cls(names, replace(dialect, header=True))
        if has_names([names]):
            raise InputError(
                f"{where}: holds names ({', '.join(names[:4])}), but the table of training had no"
                " header; leave this line out"
            )
        return cls(tuple(str(n + 1) for n in range(len(names))), replace(dialect, header=False))

    @classmethod
    def restored(cls, names: list[Any], dialect: dict[str, Any]) -> Header:
        """The header of a snapshot; an error where it can't be one."""
        header = cls(tuple(map(str, names)), Dialect(**dialect))
        header.dialect.cells("", "the snapshot")
        return header

    def row(self, line: str, where: str) -> dict[str, str]:
        """The cells of another line, by column."""
        cells = self.dialect.cells(line, where)
        if len(cells) != len(self.names):
            raise InputError(
                f"{where}: has {len(cells)} columns, expected the {len(self.names)} of the header"
                f" ({self.dialect.delimiter.join(self.names)})"
            )
        return dict(zip(self.names, map(str.strip, cells), strict=True))


@dataclass(frozen=True, eq=False)
class Row:
    """One row of one series; values (C,) and past (P,) are NaN where nothing stands."""

    series: str
    stamp: Any
    """Its time, as panels have it."""
    written: str
    """The same as it was written."""
    values: Floats
    past: Floats
    where: str
    """How a person finds it."""


@dataclass(frozen=True)
class RowReader:
    """Reads rows that go on with the series of `panel`, which was read by `columns`."""

    panel: Panel
    columns: Columns

    def check(self, names: Container[str], where: str) -> None:
        """Raise InputError where a column is missing."""
        past = [item.name for item in self.panel.of("past")]
        needed = [*self.columns.time, *self.columns.series, *self.panel.targets, *past]
        for name in needed:
            if name not in names:
                raise InputError(f"{where}: has no column {name}; expected {', '.join(needed)}")

    def row(self, found: Mapping[str, Any], where: str, last: Callable[[str], Any]) -> Row:
        """The row of what stands in each column: text, or numbers and dates.

        `last` gives the time of the last row of a series so far.
        """
        self.check(found, where)
        keys = [_word(found[name]) for name in self.columns.series]
        series = joined_keys(keys) if keys else self.panel.ids[0]
        if series not in self.panel.ids:
            raise InputError(
                f"{where}: series {series}: is not in the history that this session goes on from;"
                " give one that has it with --history"
            )
        past: list[float] = []
        for item in self.panel.of("past"):
            if item.categories:
                past += [float(_word(found[item.name]) == word) for word in item.categories]
            else:
                past.append(self._number(found, item.name, where))
        return Row(
            series=series,
            stamp=self._stamp(found, where, lambda: last(series)),
            written=" ".join(str(found[name]).strip() for name in self.columns.time),
            values=np.array([self._number(found, each, where) for each in self.panel.targets]),
            past=np.array(past, dtype=np.float64),
            where=where,
        )

    def _stamp(self, found: Mapping[str, Any], where: str, last: Callable[[], Any]) -> Any:
        """The time of a row as the panel has it: instants in UTC where there is a time zone.

        An hour that comes twice, since the clock is set back, is the second one where the first
        does not come after the last row of the series.
        """
        if self.columns.counted:
            return self.panel.frequency.shift(last(), np.ones(1, np.int64))[0]
        pd = library("pandas")
        cells = {name: [_plain(found[name])] for name in self.columns.time}
        column, name = times_of(Table(where, cells, [1]), self.columns.time)
        written = " ".join(str(cell).strip() for (cell,) in cells.values())
        stamps, zoned, *_ = parse_times(column, name, lambda _: where, known=self.columns.times)
        panel, zone = self.panel, self.panel.time_zone
        if (stamps.dtype == np.int64) != panel.frequency.counted:
            kind = "whole numbers" if panel.frequency.counted else "dates"
            raise InputError(f"{where}: {name} is {written!r}, expected {kind} as in training")
        if zone is None or panel.frequency.counted:
            return stamps[0]
        index = pd.DatetimeIndex(stamps)
        written_in = "UTC" if zoned else zone
        moved_to = "UTC" if panel.frequency.intraday else zone

        def placed(summer: bool) -> Any:
            local = index.tz_localize(written_in, ambiguous=np.array([summer]))
            naive = local.tz_convert(moved_to).tz_localize(None)
            return np.asarray(naive.to_numpy(), "datetime64[ns]")[0]

        try:
            early, late = placed(True), placed(False)
        except ValueError as error:
            raise InputError(
                f"{where}: {written} does not exist in {zone}, where the clock skipped it"
            ) from error
        return late if early != late and early <= last() else early

    def _number(self, found: Mapping[str, Any], name: str, where: str) -> float:
        dialect = self.columns.dialect or Dialect()
        cell = found[name]
        value = number_of(cell, dialect)
        if value is None or np.isinf(value):
            raise InputError(
                f"{where}: {name} is {str(cell)!r}, expected a finite number, or nothing where the"
                " value is missing"
            )
        return value


def _word(cell: Any) -> str:
    """A cell as a word; "" where nothing stands."""
    return "" if cell is None or cell != cell else str(cell)


def _plain(cell: Any) -> Any:
    """A time without the spaces around it; None where nothing stands."""
    cell = cell.strip() if isinstance(cell, str) else cell
    return None if cell == "" else cell

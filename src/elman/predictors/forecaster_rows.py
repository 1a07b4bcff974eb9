"""Rows of a table, read one at a time as they arrive.

Legend: C channels, P columns of past covariates.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from elman.data.optional import library
from elman.data.series.columns import Columns
from elman.data.series.panel import Floats, Panel
from elman.data.series.stamps import parse_times
from elman.data.series.tables import cells_of
from elman.errors import InputError

DELIMITERS = (",", "\t", ";")
_EMPTY = ("", "nan", "na", "null", "none", "nat", "<na>")


@dataclass(frozen=True)
class Header:
    """The first line of a table: its columns, and what separates them."""

    names: Sequence[str]
    delimiter: str

    def __post_init__(self) -> None:
        if self.delimiter not in DELIMITERS or not all(isinstance(n, str) for n in self.names):
            raise ValueError(f"{self.names} with {self.delimiter!r} between are no columns")

    @classmethod
    def of(cls, line: str, where: str) -> Header:
        """The header that a line is: with commas, tabs or semicolons."""
        delimiter = max(DELIMITERS, key=line.count)
        names = (name.strip() for name in cells_of(line, delimiter, where))
        return cls(tuple(names), delimiter)

    def row(self, line: str, where: str) -> dict[str, str]:
        """The cells of another line, by column.

        Raises:
            InputError: too few or too many.
        """
        cells = cells_of(line, self.delimiter, where)
        if len(cells) != len(self.names):
            raise InputError(
                f"{where}: has {len(cells)} columns, expected the {len(self.names)} of the header"
                f" ({self.delimiter.join(self.names)})"
            )
        return dict(zip(self.names, cells, strict=True))


@dataclass(frozen=True, eq=False)
class Row:
    """One row of one series.

    Attributes:
        series: its name.
        stamp: its time, as panels have it.
        written: the same as it was written.
        values: (C,), NaN where nothing stands.
        past: (P,), NaN where nothing stands.
        where: how a person finds it.
    """

    series: str
    stamp: Any
    written: str
    values: Floats
    past: Floats
    where: str


@dataclass(frozen=True)
class RowReader:
    """Makes rows of what stands in the columns of a table.

    Attributes:
        panel: the history, whose series the rows go on with.
        columns: how it was read.
    """

    panel: Panel
    columns: Columns

    def check(self, names: Container[str], where: str) -> None:
        """Raise InputError where a column is missing."""
        past = [item.name for item in self.panel.of("past")]
        needed = [self.columns.time, self.columns.series, *self.panel.targets, *past]
        for name in filter(None, needed):
            if name not in names:
                raise InputError(
                    f"{where}: has no column {name}; expected {', '.join(filter(None, needed))}"
                )

    def row(self, found: Mapping[str, Any], where: str, last: Callable[[str], Any]) -> Row:
        """The row of what stands in each column: text, or numbers and dates.

        Args:
            found: column -> what stands there.
            where: how a person finds it.
            last: the time of the last row of a series so far.

        Raises:
            InputError: something that can't be read, or a series that is not in the history.
        """
        self.check(found, where)
        series = str(found[self.columns.series]) if self.columns.series else self.panel.ids[0]
        if series not in self.panel.ids:
            raise InputError(
                f"{where}: series {series}: is not in the history that this session goes on from;"
                " give one that has it with --history"
            )
        written = found[self.columns.time]
        written = written.strip() if isinstance(written, str) else written
        past: list[float] = []
        for item in self.panel.of("past"):
            if item.categories:
                past += [float(str(found[item.name]) == word) for word in item.categories]
            else:
                past.append(_number(found, item.name, where))
        return Row(
            series=series,
            stamp=self._stamp(written, where, lambda: last(series)),
            written=str(written),
            values=np.array([_number(found, target, where) for target in self.panel.targets]),
            past=np.array(past, dtype=np.float64),
            where=where,
        )

    def _stamp(self, written: Any, where: str, last: Callable[[], Any]) -> Any:
        """A time as the panel has it: instants in UTC where there is a time zone.

        An hour that comes twice, since the clock is set back, is the second one where the first
        does not come after the last row of the series.
        """
        pd = library("pandas")
        stamps, zoned, _ = parse_times(pd.Series([written]), self.columns.time, lambda _: where)
        panel, zone = self.panel, self.panel.time_zone
        if (stamps.dtype == np.int64) != panel.frequency.counted:
            kind = "whole numbers" if panel.frequency.counted else "dates"
            raise InputError(
                f"{where}: {self.columns.time} is {str(written)!r}, expected {kind} as in training"
            )
        if zone is None or panel.frequency.counted:
            return stamps[0]
        index = pd.DatetimeIndex(stamps)
        written_in = "UTC" if zoned else zone
        moved_to = "UTC" if panel.frequency.intraday else zone
        try:
            first, second = (
                index.tz_localize(written_in, ambiguous=np.array([summer])).tz_convert(moved_to)
                for summer in (True, False)
            )
        except ValueError as error:
            raise InputError(
                f"{where}: {written} does not exist in {zone}, where the clock skipped it"
            ) from error
        early, late = (
            np.asarray(local.tz_localize(None).to_numpy(), "datetime64[ns]")[0]
            for local in (first, second)
        )
        return late if early != late and early <= last() else early


def _number(found: Mapping[str, Any], name: str, where: str) -> float:
    text = str(found[name]).strip()
    if text.lower() in _EMPTY:
        return float("nan")
    try:
        value = float(text)
    except ValueError:
        value = float("inf")
    if not np.isfinite(value):
        raise InputError(
            f"{where}: {name} is {text!r}, expected a finite number, or nothing where the value is"
            " missing"
        )
    return value

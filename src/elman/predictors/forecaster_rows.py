"""Lines of a table, read one at a time as they arrive.

Legend: C channels, P columns of past covariates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from elman.data.optional import library
from elman.data.series.columns import Columns
from elman.data.series.panel import Floats, Panel
from elman.data.series.stamps import parse_times
from elman.data.series.tables import cells_of
from elman.errors import InputError


@dataclass(frozen=True, eq=False)
class Row:
    """One row of one series.

    Attributes:
        series: its name.
        stamp: its time, as panels have it.
        written: the same as it was written.
        values: (C,), NaN where nothing stands.
        past: (P,), NaN where nothing stands.
    """

    series: str
    stamp: Any
    written: str
    values: Floats
    past: Floats


class StreamedRows:
    """The rows of lines with commas (or tabs, or semicolons) between columns, a header first.

    Args:
        panel: the history, whose series the rows go on with.
        columns: how it was read.
        last: the time of the last row of a series so far.
    """

    def __init__(self, panel: Panel, columns: Columns, last: Callable[[str], Any]) -> None:
        self._panel, self._columns, self._last = panel, columns, last
        self._header: list[str] | None = None
        self._delimiter = ","
        self._number = 0

    @property
    def where(self) -> str:
        """The line that was read last, for people."""
        return f"standard input:{self._number}"

    def parse(self, line: str) -> Row | None:
        """The row of a line; None for the header and for an empty line.

        Raises:
            InputError: a line that can't be read.
        """
        self._number += 1
        if not line.strip():
            return None
        if self._header is None:
            self._read_header(line)
            return None
        cells = cells_of(line, self._delimiter, self.where)
        if len(cells) != len(self._header):
            raise InputError(
                f"{self.where}: has {len(cells)} columns, expected the {len(self._header)} of the"
                f" header ({self._delimiter.join(self._header)})"
            )
        found = dict(zip(self._header, cells, strict=True))
        name = found[self._columns.series] if self._columns.series else self._panel.ids[0]
        if name not in self._panel.ids:
            raise InputError(
                f"{self.where}: series {name}: is not in the history that this stream goes on from;"
                " give one that has it with --history"
            )
        written = found[self._columns.time].strip()
        return Row(
            series=name,
            stamp=self._stamp(written, name),
            written=written,
            values=np.array([self._number_of(found, target) for target in self._panel.targets]),
            past=self._past(found),
        )

    def _read_header(self, line: str) -> None:
        self._delimiter = max(",\t;", key=line.count)
        self._header = [name.strip() for name in cells_of(line, self._delimiter, self.where)]
        past = [item.name for item in self._panel.of("past")]
        needed = [self._columns.time, self._columns.series, *self._panel.targets, *past]
        for name in filter(None, needed):
            if name not in self._header:
                raise InputError(
                    f"{self.where}: has no column {name}; begin with a header that names"
                    f" {', '.join(filter(None, needed))}"
                )

    def _number_of(self, found: dict[str, str], name: str) -> float:
        text = found[name].strip()
        if text.lower() in ("", "nan", "na", "null", "none"):
            return float("nan")
        try:
            value = float(text)
        except ValueError:
            value = float("inf")
        if not np.isfinite(value):
            raise InputError(
                f"{self.where}: {name} is {text!r}, expected a finite number, or nothing where the"
                " value is missing"
            )
        return value

    def _past(self, found: dict[str, str]) -> Floats:
        parts: list[float] = []
        for item in self._panel.of("past"):
            if item.categories:
                parts += [float(found[item.name] == word) for word in item.categories]
            else:
                parts.append(self._number_of(found, item.name))
        return np.array(parts, dtype=np.float64)

    def _stamp(self, written: str, series: str) -> Any:
        """A time as the panel has it: instants in UTC where there is a time zone.

        An hour that comes twice, since the clock is set back, is the second one where the first
        does not come after the last row of the series.
        """
        pd = library("pandas")
        where = self.where
        stamps, zoned, _ = parse_times(pd.Series([written]), self._columns.time, lambda _: where)
        panel, zone = self._panel, self._panel.time_zone
        if (stamps.dtype == np.int64) != panel.frequency.counted:
            kind = "whole numbers" if panel.frequency.counted else "dates"
            raise InputError(
                f"{where}: {self._columns.time} is {written!r}, expected {kind} as in training"
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
        return late if early != late and early <= self._last(series) else early

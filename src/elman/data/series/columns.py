"""What the columns of a table of time series are for: said, or found in the table."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from pydantic import BeforeValidator

from elman.data.given import Columns as GivenColumns
from elman.data.given import Data, Files, Given, given
from elman.data.optional import library
from elman.data.series.panel import Missing
from elman.data.series.time_format import TimeFormat
from elman.data.tables.asked import Asked
from elman.data.tables.dialect import Dialect
from elman.data.tables.read import TEXT_KINDS, read_columns, read_file, suffix_of
from elman.data.tables.table import BadRows, Table, joined, listed
from elman.errors import InputError
from elman.settings import listed as listed_names

TIMES = ("ds", "date", "datetime", "timestamp", "time", "day", "week", "month", "year")
SERIES = ("unique_id", "item_id", "series_id", "series", "symbol", "ticker")
_CLOCK = r"\s*\d{1,2}:\d\d(:\d\d)?\s*"
TARGETS = ("y", "target", "value")

Names: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(listed_names)]
Duplicates: TypeAlias = Literal["refuse", "first", "last", "mean"]
Constant: TypeAlias = Literal["refuse", "drop", "keep"]


@dataclass(frozen=True)
class Columns:
    """Names of columns, each found in the data where it is empty.

    Attributes:
        target: what is forecast; several are channels of one series, `("*",)` is every column of
            numbers that has no other part.
        time: the column of times, or those of the date and of the time of day.
        series: the columns that say, together, which series a row belongs to, in a long table; a
            wide one, with one row for each time, has none.
        static: covariates with one value a series.
        past: covariates known up to now.
        future: covariates known ahead; a table to predict from has them beyond the last target.
        frequency: an alias, see `elman.data.series.frequency.Frequency.named`.
        time_zone: an IANA name; of the times in the data, where these do not say it.
        dates: how the times are written, where that is said: `elman.data.series.time_kinds.NAMED`
            or a strptime format.
        missing: what stands where a row or a value is missing: nothing (it is an error), the
            last value, the line between its neighbors, 0, or a mask (nothing is invented).
        duplicates: which of two rows of one time is taken; two that are equal are always one.
        constant: what happens with a series whose values are all equal, or all missing.
        categories: of each covariate that is not a number, in the order of its codes.
        dialect: how text with delimiters is written; found where it is None.
        asked: what the user says of how it is written.
        times: how the times are written; found where it is None.
    """

    target: tuple[str, ...] = ()
    time: Names = ()
    series: Names = ()
    static: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    frequency: str = ""
    time_zone: str = ""
    dates: str = ""
    missing: Missing = "forward"
    duplicates: Duplicates = "refuse"
    constant: Constant = "refuse"
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)
    dialect: Dialect | None = None
    asked: Asked = field(default_factory=Asked)
    times: TimeFormat | None = None


def read_table(data: Data | Given, columns: Columns) -> Table:
    """The rows of a file, of several of one kind, of a frame or of a dict of columns."""
    match given(data):
        case Files(paths):
            bad = BadRows(remedy="correct the row")
            tables = [
                read_file(
                    path,
                    bad,
                    dialect=columns.dialect,
                    asked=columns.asked,
                    kind="delimited" if suffix_of(path) in TEXT_KINDS else "",
                )
                for path in paths
            ]
        case GivenColumns() as found:
            tables = [read_columns(found)]
        case _:
            raise InputError(
                "data: not a table of time series; give a file, a frame or a dict of columns"
            )
    for table in tables:
        if len(table.columns) < 2 and table.dialect is not None:
            raise InputError(
                f"{table.name}:1: one column only; give a table with a header and at least a column"
                " of times and one of numbers, separated by commas, semicolons or tabs"
            )
        if not len(table):
            raise InputError(f"{table.name}: has no rows; give a table with at least two")
    return joined([_without_blank(table) for table in tables])


def times_of(table: Table, names: Sequence[str]) -> tuple[Any, str]:
    """The column of times in pandas, and what messages call it; date and time of day are joined."""
    parts = [table.series(name) for name in names]
    if len(parts) == 1:
        return parts[0], names[0]
    words = [part.where(part.isna(), part.astype(str).str.strip()) for part in parts]
    column = words[0]
    for more in words[1:]:
        column = column.str.cat(more, sep=" ")
    return column, " and ".join(names)


def _without_blank(table: Table) -> Table:
    """The table without rows in which nothing stands."""
    if table.dialect is not None:
        return table
    blank = np.ones(len(table), np.bool_)
    for name in table.columns:
        blank &= np.asarray(table.series(name).isna())
    return table.take(np.flatnonzero(~blank)) if blank.any() else table


def resolve(table: Table, columns: Columns) -> Columns:
    """`columns` with every part that was left open found in the table."""
    names = list(table.columns)
    named = [*columns.time, *columns.series, *columns.static, *columns.past, *columns.future]
    named += [name for name in columns.target if name != "*"]
    for name in named:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]}?" if near else f"its columns are {listed(names)}"
            raise InputError(f"{table.name}: has no column {name}; {hint}")
        if named.count(name) > 1:
            raise InputError(f"{name}: named twice; a column has one part, or none")
    free = [name for name in names if name not in named]
    time = columns.time or _one(_first(TIMES, free) or _dates(table, free))
    if not time:
        raise InputError(
            f"{table.name}: no column of times found among {listed(free)}; name it with --time"
        )
    free = [name for name in free if name not in time]
    series = columns.series or _one(_first(SERIES, free) or _words(table, free, time[0]))
    free = [name for name in free if name not in series]
    target = columns.target or _one(_first(TARGETS, free))
    numbers = [name for name in free if table.is_numeric(name)]
    if not target and len(numbers) == 1:
        target = (numbers[0],)
    if target == ("*",):
        target = tuple(numbers)
    if not target:
        found = f"one of {listed(numbers)}" if numbers else f"none of {listed(free)} holds numbers"
        raise InputError(
            f"{table.name}: which column is forecast? name it with --target ({found}; several are"
            " channels; '*' for all)"
        )
    return replace(columns, time=time, series=series, target=target, dialect=table.dialect)


def _one(name: str) -> tuple[str, ...]:
    return (name,) if name else ()


def _first(wanted: Iterable[str], names: Sequence[str]) -> str:
    lower = {name.lower(): name for name in reversed(names)}
    return next((lower[name] for name in wanted if name in lower), "")


def _dates(table: Table, names: Sequence[str]) -> str:
    """The first column that holds dates."""
    pd = library("pandas")
    for name in names:
        column = table.series(name)
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            return name
        if not table.is_numeric(name):
            some = column.dropna().astype(str).head(100)
            if len(some) and pd.to_datetime(some, errors="coerce", format="mixed").notna().all():
                return name
    return ""


def _words(table: Table, names: Sequence[str], time: str) -> str:
    """Where times repeat: the one column of words, which then names the series."""
    if not table.series(time).duplicated().any():
        return ""
    words = [name for name in names if not table.is_numeric(name)]
    for name in words:
        if table.series(name).dropna().astype(str).str.fullmatch(_CLOCK).all():
            raise InputError(
                f"{table.name}: the dates in {time} repeat, and {name} holds times of day; join the"
                " two into one column, as in 2024-05-17 13:00"
            )
    return words[0] if len(words) == 1 else ""

"""Which columns of a table hold times, name the series and are forecast, where nobody says it.

What could be read in two ways is refused with a line that names both and the flag that chooses.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from elman.data.optional import library
from elman.data.series.columns import Columns
from elman.data.series.find_keys import refuse_several_series, repeats
from elman.data.series.frequency import STEPS
from elman.data.series.levels import SERIES
from elman.data.series.times.clocks import are_clocks
from elman.data.series.times.format import look_like_times
from elman.data.tables.table import Table, listed
from elman.errors import InputError

TIMES = ("ds", "date", "datetime", "timestamp", "time", "day", "week", "month", "year")
TARGETS = ("y", "target", "value")
_COUNTS = ("t", "step", "steps", "index", "idx", "period", "tick")
"""Names of whole numbers that count rows, where they ascend."""
_PARTS = ("year", "quarter", "month", "week", "day")
_HOURS = ("hour", "hr", "stunde", "heure", "hora")
_LOOKED_AT = 100
_MOST_COMMAS = 9


def resolve(table: Table, columns: Columns) -> Columns:
    """`columns` with every part that was left open found in the table."""
    columns = _with_whole_names(table, columns)
    named = [*columns.time, *columns.series, *columns.static, *columns.past, *columns.future]
    named += [name for name in columns.target if name != "*"]
    check_names(table, named)
    free = [name for name in table.columns if name not in named]
    found = _Found(table, columns, free)
    time = columns.time or (() if columns.counted else found.times())
    free = [name for name in free if name not in time]
    series = columns.series or found.series(time)
    free = [name for name in free if name not in series]
    target = columns.target or _one(_first(TARGETS, free))
    numbers = [name for name in free if table.is_numeric(name)]
    if not target and len(numbers) == 1:
        target = (numbers[0],)
    if target == ("*",):
        target = tuple(numbers)
    if time and columns.duplicates == "refuse" and columns.times is None:
        keys = [name for name in free if name not in target]
        refuse_several_series(table, time, series, keys)
    if not target:
        which = f"one of {listed(numbers)}" if numbers else f"none of {listed(free)} holds numbers"
        raise InputError(
            f"{table.name}: which column is forecast? name it with --target ({which}; several are"
            " channels; '*' for all)"
        )
    return replace(
        columns,
        time=time,
        counted=not time,
        layout=columns.layout or ("long" if series else "columns"),
        series=series,
        target=target,
        dialect=table.dialect,
    )


def check_names(table: Table, named: Sequence[str]) -> None:
    """Raise InputError for a column that is not there, or that has two parts."""
    names = list(table.columns)
    for name in named:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]}?" if near else f"its columns are {listed(names)}"
            if table.dialect is not None and not table.header:
                hint = (
                    f"its first row holds values, so its columns are {listed(names)}; give it a"
                    " first row of names, or say --header if it is one"
                )
            raise InputError(f"{table.name}: has no column {name}; {hint}")
        if named.count(name) > 1:
            raise InputError(f"{name}: named twice; a column has one part, or none")


def _with_whole_names(table: Table, columns: Columns) -> Columns:
    """Names that commas cut, put together again where the table has a column of the whole name."""
    whole = {_squeezed(name): name for name in table.columns if "," in name}
    if not whole:
        return columns

    def together(words: tuple[str, ...]) -> tuple[str, ...] | None:
        """Words as names of columns, the shortest name first; None where they are not."""
        found: list[tuple[str, ...] | None] = [None] * len(words) + [()]
        for begin in reversed(range(len(words))):
            for end in range(begin + 1, min(len(words), begin + _MOST_COMMAS) + 1):
                joined, rest = ",".join(words[begin:end]), found[end]
                name = joined if joined in table.columns else whole.get(_squeezed(joined))
                if name is not None and rest is not None:
                    found[begin] = (name, *rest)
                    break
        return found[0]

    parts = ("target", "time", "series", "static", "past", "future")
    found = {part: together(getattr(columns, part)) for part in parts}
    return replace(columns, **{part: names for part, names in found.items() if names})  # type: ignore[arg-type]


def _squeezed(name: str) -> str:
    return re.sub(r"\s*,\s*", ",", name.strip())


class _Found:
    """What the columns that have no part yet look like, by their first rows."""

    def __init__(self, table: Table, columns: Columns, free: Sequence[str]) -> None:
        self._table, self._columns, self._free = table, columns, free
        self._head = table.take(np.arange(min(len(table), _LOOKED_AT)))
        self._numeric = {name: self._head.is_numeric(name) for name in free}
        words = [name for name in free if not self._numeric[name]]
        self._clocks = [name for name in words if holds_clocks(self._head, name)]
        words = [name for name in words if name not in self._clocks]
        self._dated = [name for name in words if holds_times(self._head.series(name))]
        self._words = [name for name in words if name not in self._dated]

    def times(self) -> tuple[str, ...]:
        """The column of times, or those of date and time of day; () where rows are counted."""
        named = {name.lower(): name for name in reversed(self._free) if name not in self._clocks}
        time = self._chosen(self._dated, named)
        if not time:
            self._refuse_parts(named)
            numbers = [named[each] for each in TIMES if each in named]
            counts = (named[each] for each in _COUNTS if each in named)
            time = next(iter(numbers), "") or next(filter(self._ascends, counts), "")
        if not time:
            self._refuse_doubtful()
            return ()
        clock = self._clock_of(time)
        return (time, clock) if clock else (time,)

    def series(self, time: tuple[str, ...]) -> tuple[str, ...]:
        """The column that names the series, where times repeat or its name says it."""
        words = [name for name in self._words if name not in time]
        free = [name for name in self._free if name not in (*time, *self._clocks, *self._dated)]
        if self._columns.layout == "columns":
            return ()
        named = _first(SERIES, free)
        if not named and len(words) == 1 and time and repeats(self._table, time, ()):
            named = words[0]
        if not named and self._columns.layout == "long":
            raise InputError(
                f"{self._table.name}: --layout long: which column names the series? name it with"
                f" --series (one of {listed(free)})"
            )
        return _one(named)

    def _chosen(self, dated: Sequence[str], named: dict[str, str]) -> str:
        """The one column of those that look like times."""
        alike = [
            *dated,
            *(named[each] for each in TIMES[:4] if each in named and self._numeric[named[each]]),
        ]
        whole = [name for name in alike if not self._table.series(name).isna().any()]
        alike = whole or alike
        if len(alike) < 2 or "ds" in named:
            return named["ds"] if named.get("ds") in alike else next(iter(alike), "")
        keys = self._columns.series or _one(_first(SERIES, self._free))
        keys = keys or (tuple(self._words) if len(self._words) == 1 else ())
        single = [name for name in alike if not repeats(self._table, (name,), keys)]
        usual = [name for name in alike if name.lower() in TIMES]
        if len(usual) == 1 and usual == single:
            return usual[0]
        of = f" of a series ({', '.join(keys)})" if keys else ""
        hint = f"; each row{of} has another {single[0]}" if len(single) == 1 else ""
        raise InputError(
            f"{self._table.name}: {_and(alike)} look like times{hint}: say which one, with --time"
            f" {_flag(single[:1] or alike[:1])}"
        )

    def _clock_of(self, time: str) -> str:
        """The column of times of day that goes with one of dates, where its dates repeat."""
        hours = [name for name in self._free if self._is_hour(name)]
        clocks = self._clocks or hours[:1]
        keys = self._columns.series or _one(_first(SERIES, [n for n in self._free if n != time]))
        if not clocks or self._has_clock(time) or not repeats(self._table, (time,), keys):
            return ""
        if len(clocks) > 1:
            raise InputError(
                f"{self._table.name}: the dates in {time} repeat, and {_and(clocks)} hold times of"
                f" day: say which one, with --time {_flag([time, clocks[0]])}"
            )
        return clocks[0]

    def _has_clock(self, time: str) -> bool:
        pd = library("pandas")
        column = self._head.series(time).dropna()
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            return bool((column.dt.normalize() != column).any())
        return bool(column.astype(str).str.contains(":").any())

    def _is_hour(self, name: str) -> bool:
        if name.lower() not in _HOURS or not self._numeric[name]:
            return False
        hours = self._head.numbers(name)
        return bool((hours == np.round(hours)).all() and (hours >= 0).all() and (hours <= 24).all())

    def _ascends(self, name: str) -> bool:
        """Whether a column of whole numbers ascends within each series."""
        if not self._numeric[name]:
            return False
        steps = self._head.numbers(name)
        whole = bool((steps == np.round(steps)).all())
        return whole and bool((np.diff(steps) > 0).mean() > 0.5) if len(steps) > 1 else whole

    def _refuse_parts(self, named: dict[str, str]) -> None:
        """Where a year and what is within it stand in columns of numbers of their own."""
        parts = [named[each] for each in _PARTS if each in named and self._numeric[named[each]]]
        if len(parts) > 1 and repeats(self._table, parts[:1], self._columns.series):
            raise InputError(
                f"{self._table.name}: {_and(parts)} are parts of a time in several columns; write"
                " them into one, as in 2024-05 or 2024-05-17"
            )

    def _refuse_doubtful(self) -> None:
        """Where no times are read, but a column may hold some: rows are not counted in silence."""
        if self._columns.frequency.endswith(STEPS):
            return
        count = f"to count the rows instead, say --frequency {STEPS}"
        if self._clocks:
            raise InputError(
                f"{self._table.name}: {self._clocks[0]} holds times of day, and no column of dates"
                f" was found; give dates and times of day, or, {count}"
            )
        for name in self._free:
            if self._may_be_times(name):
                example = self._head.series(name).dropna().iloc[0]
                raise InputError(
                    f"{self._table.name}: no column of times was found; {name} ({example!s}) may be"
                    f" one: say --time {_flag([name])}, and --dates if it can't be read; or,"
                    f" {count}"
                )

    def _may_be_times(self, name: str) -> bool:
        column = self._head.series(name)
        if not len(column) or column.isna().any():
            return False
        words = column.astype(str).str.strip()
        if self._numeric[name]:  # 20240131, in a column with another name
            return bool(words.str.fullmatch(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-3]\d)?").all())
        several = len(words) > 2 and bool(words.str.contains(r"\d").all())
        return several and not words.duplicated().any()


def holds_times(column: Any) -> bool:
    """Whether the first rows of a pandas column of words or datetimes are times."""
    pd = library("pandas")
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return True
    return look_like_times([str(word).strip() for word in column.dropna().head(_LOOKED_AT)])


def holds_clocks(table: Table, name: str) -> bool:
    """Whether a column holds times of day, such as 13:00."""
    return are_clocks([str(word).strip() for word in table.series(name).dropna()])


def _one(name: str) -> tuple[str, ...]:
    return (name,) if name else ()


def _first(wanted: Iterable[str], names: Sequence[str]) -> str:
    lower = {name.lower(): name for name in reversed(names)}
    return next((lower[name] for name in wanted if name in lower), "")


def _and(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else names[0]


def _flag(names: Sequence[str]) -> str:
    """Names as they are typed after a flag."""
    text = ",".join(names)
    return f"'{text}'" if re.search(r"[^\w.,:/@%+-]", text) else text

"""How the times of a table are written: decided over a whole column, and kept for later tables.

Legend: R rows of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from elman.data.series.frequency import STEPS, Stamps
from elman.data.series.panel import Integers
from elman.data.series.stamps import Where
from elman.data.series.times.clocks import are_clocks, clock_time, split
from elman.data.series.times.dates import ISO, date_kinds
from elman.data.series.times.kinds import found_kind, is_regular
from elman.data.series.times.numbers import whole_words
from elman.data.series.times.words import NATIVE, Reading, Words, outside, read_words
from elman.errors import InputError

_LOOKED_AT = 100


@dataclass(frozen=True)
class TimeFormat:
    """How times are written.

    Attributes:
        kind: a name of `dates.DATE_KINDS` such as "day.month.year", of `numbers.DIGITS` or
            `numbers.EPOCHS`, "year", "steps" where time is counted, "datetime" for the
            datetimes of a frame, or a strptime format.
        offset: whether each time says how far it is from UTC, or is counted in UTC.
        zone: the time zone that was declared, which times without an offset are of.
    """

    kind: str
    offset: bool = False
    zone: str = ""

    def read(self, column: Any, name: str, where: Where) -> tuple[Stamps, bool]:
        """(R,) the stamps of a later column, and whether they are instants in UTC.

        Raises:
            InputError: a time that is not written as those that the format was found in. Dates
                that begin with the year are read all the same, since they are certain.
        """
        words = Words.of(column, name, where)
        if words.native is not None:
            if self.kind == STEPS:
                row = where(0)
                raise InputError(f"{row}: {name} is {words.text(0)!r}, expected {self._written}")
            stamps, zoned = words.native
        else:
            reading = read_words(words.words, self.kind)
            if reading.bad.any() and self.kind not in (ISO, STEPS):
                dated = read_words(words.words, ISO)
                reading = reading if dated.bad.any() else dated
            words.refuse(
                reading.bad,
                lambda word: (
                    outside(word, self.kind)
                    or f"not {self._written} like those the run was trained on"
                ),
            )
            stamps, zoned = words.placed(reading)
        if zoned != self.offset and not (zoned and self.zone) and len(words.codes):
            row, word = where(0), words.text(0)
            known, found = ("no", "has one") if zoned else ("each an", "has none")
            raise InputError(
                f"{row}: {name} is {word!r}, which {found}, but the times the run was trained on"
                f" have {known} offset from UTC; write them alike, as in "
                + ("2024-05-17 13:00" if zoned else "2024-05-17 13:00+00:00")
            )
        return stamps, zoned

    @property
    def _written(self) -> str:
        if self.kind == STEPS:
            return "a whole number"
        return f"a time written {ISO if self.kind == NATIVE else self.kind}"


class Times(NamedTuple):
    """A column of times as it was read."""

    stamps: Stamps
    """(R,)"""
    zoned: bool
    """Whether they are instants in UTC."""
    format: TimeFormat
    note: str
    """For people, or "" where the way they are written is plain."""


def parse_times(
    column: Any,
    name: str,
    where: Where,
    *,
    known: TimeFormat | None = None,
    asked: str = "",
    zone: str = "",
    series: Integers | None = None,
    frequency: str = "",
) -> Times:
    """The stamps of a column: written in a known way, or in one that is found over all rows.

    Args:
        column: a pandas series of dates, strings or numbers.
        name: what messages call it.
        where: names a row.
        known: how other data of a run are written.
        asked: `--dates`.
        zone: the time zone that was declared.
        series: (R,) which series each row is of: their times are regular in one order of day and
            month only.
        frequency: the distance of the rows, where it was declared.

    Raises:
        InputError: a time that is missing or can't be read, or a way to write them that is not
            certain, with the flag that says it.
    """
    if known is not None:
        stamps, zoned = known.read(column, name, where)
        return Times(stamps, zoned, known, "")
    words = Words.of(column, name, where)
    if words.native is not None:
        if asked:
            raise InputError(f"--dates {asked}: {name} holds datetimes already; leave the flag out")
        stamps, zoned = words.native
        return Times(stamps, zoned, TimeFormat(NATIVE, zoned, zone), "")
    codes = np.zeros(len(words.codes), dtype=np.int64) if series is None else series

    def regular(reading: Reading) -> bool:
        return is_regular(reading.stamps[words.codes], codes, frequency)

    kind, reading, note = found_kind(words, name, asked, regular)
    if reading.bad.any():
        words.refuse(
            reading.bad,
            lambda word: outside(word, kind) or _unlike(kind, asked),
        )
    stamps, zoned = words.placed(reading)
    return Times(stamps, zoned, TimeFormat(kind, zoned, zone), note)


def _unlike(kind: str, asked: str) -> str:
    if asked:
        return f"not a time written {kind}, as --dates {asked} says; correct the one or the other"
    written = f" written {kind}" if kind else ""
    return (
        f"not a time{written} like the others; write all of them one way, as in 2024-05-17 13:00,"
        " or name theirs with --dates"
    )


def look_like_times(words: Sequence[str]) -> bool:
    """Whether words are dates, with or without a time of day: not numbers, nor times of day."""
    some = words[:_LOOKED_AT]
    if not some or are_clocks(some) or whole_words(some):
        return False
    return all(_may_be(word) for word in some)


def _may_be(word: str) -> bool:
    parts = split(word)
    return bool(date_kinds(parts.date)) and clock_time(parts.clock) is not None

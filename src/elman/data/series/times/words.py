"""The distinct words of a column of times, and what they say when they are written in one way.

Legend: R rows of the table, W distinct words of the column.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from elman.data.optional import library
from elman.data.series.frequency import STEPS, Stamps
from elman.data.series.panel import Booleans, Integers
from elman.data.series.stamps import Where
from elman.data.series.times.clocks import clock_time, split, split_all, zone_offset
from elman.data.series.times.dates import DATE_KINDS, ISO, NO_DAY, PERIODS, date_kinds, read_dates
from elman.data.series.times.numbers import DIGITS, EPOCHS, read_digits, read_epochs, whole_words
from elman.errors import InputError

NATIVE, YEAR = "datetime", "year"
"""The kinds that are neither a date's nor a number's: datetimes of a frame, and years."""
_PLAIN_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_PLAIN_CLOCK = re.compile(
    r"(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?P<zone> ?Z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)
_DAY = 86400 * 1_000_000_000
_FIRST_DAY, _LAST_DAY = (
    int(np.datetime64(day, "D").astype(np.int64)) for day in ("1678-01-01", "2261-12-31")
)


class Reading(NamedTuple):
    """(W,) what words of one kind say."""

    stamps: Stamps
    """Times without their offset, as the clock on the wall had them; steps."""
    offsets: Integers
    """Nanoseconds ahead of UTC."""
    has_offset: Booleans
    bad: Booleans
    """Which can't be read."""


@dataclass(frozen=True, eq=False)
class Words:
    """A column as its distinct words, or as the datetimes that it is."""

    name: str
    where: Where
    words: list[str]
    codes: Integers
    """(R,) which word stands in each row."""
    native: tuple[Stamps, bool] | None = None

    @classmethod
    def of(cls, column: Any, name: str, where: Where) -> Words:
        pd = library("pandas")
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            zoned = getattr(column.dtype, "tz", None) is not None
            index = pd.DatetimeIndex(column)
            _refuse_missing(np.asarray(index.isna()), name, where)
            index = index.tz_convert("UTC").tz_localize(None) if zoned else index
            stamps = np.asarray(index.to_numpy(), "datetime64[ns]")
            return cls(name, where, [], np.arange(len(column)), (stamps, zoned))
        try:
            codes, kinds = pd.factorize(column)
        except TypeError as error:  # lists and objects of JSON
            raise InputError(
                f"{where(0)}: {name} holds lists or objects, not times; name another column with"
                " --time"
            ) from error
        codes = np.asarray(codes, dtype=np.int64)
        _refuse_missing(codes < 0, name, where)
        words = [str(word).strip() for word in kinds]
        if "" in words:
            _refuse_missing(codes == words.index(""), name, where)
        return cls(name, where, words, codes)

    def text(self, row: int) -> str:
        """What stands in a row."""
        return str(self.native[0][row]) if self.native else self.words[self.codes[row]]

    def refuse(self, bad: Booleans, reason: Callable[[str], str]) -> None:
        """Raise InputError for the first row whose word is bad."""
        if bad.any():
            row = int(np.flatnonzero(bad[self.codes])[0])
            word = self.text(row)
            raise InputError(f"{self.where(row)}: {self.name} is {word!r}, {reason(word)}")

    def placed(self, reading: Reading) -> tuple[Stamps, bool]:
        """(R,) the stamps, and whether they are instants in UTC."""
        stamps = reading.stamps
        if stamps.dtype == np.int64:
            return stamps[self.codes], False
        has = reading.has_offset
        if has.any() and not has.all():
            rows = has[self.codes]
            row = int(np.flatnonzero(rows != rows[0])[0])
            says = "says how far it is from UTC, those before it do not"
            raise InputError(
                f"{self.where(row)}: {self.name} is {self.text(row)!r}, which "
                + (says if rows[row] else "does not say how far it is from UTC, as those before it")
                + "; write an offset such as +00:00 to all of the times, or to none"
            )
        return (stamps - reading.offsets.astype("timedelta64[ns]"))[self.codes], bool(has.all())


def _refuse_missing(missing: Booleans, name: str, where: Where) -> None:
    if missing.any():
        row = int(np.flatnonzero(missing)[0])
        raise InputError(f"{where(row)}: {name} has no time; fill it in, or leave the row out")


def read_words(words: Sequence[str], kind: str) -> Reading:
    """What words of one kind say; those of another are bad."""
    if kind in (ISO, NATIVE):
        return read_plain(words) or _read_parts(words, ISO)
    if kind in DATE_KINDS and not (kind in DIGITS and whole_words(words)):
        return _read_parts(words, kind)
    if "%" in kind:
        return _read_strptime(words, kind)
    whole = whole_words(words) or list(words)
    if kind == STEPS:
        return read_steps(whole)
    if kind == YEAR:
        bad = np.array([not re.fullmatch(r"\d{4}", word, re.ASCII) for word in whole])
        years = np.array([0 if no else int(word) for no, word in zip(bad, whole, strict=True)])
        bad |= (years < 1678) | (years > 2261)
        days = np.where(bad, 0, years - 1970).astype("datetime64[Y]").astype("datetime64[D]")
        return reading_of(days.astype(np.int64) * _DAY, bad)
    found_at = read_digits(whole, kind) if kind in DIGITS else read_epochs(whole, kind)
    return reading_of(found_at, found_at == NO_DAY, kind in EPOCHS)


def reading_of(nanoseconds: Integers, bad: Booleans, has_offset: bool = False) -> Reading:
    """(W,) nanoseconds since 1970 as a reading."""
    stamps = np.where(bad, 0, nanoseconds).astype("datetime64[ns]")
    none = np.zeros(len(stamps), dtype=np.int64)
    return Reading(stamps, none, np.full(len(stamps), has_offset), bad)


def read_steps(words: Sequence[str]) -> Reading:
    """Whole numbers as they are."""

    def number(word: str) -> int | None:
        whole = re.fullmatch(r"[+-]?\d{1,19}", word, re.ASCII)
        return int(word) if whole and abs(int(word)) < 2**63 else None

    found = [number(word) for word in words]
    bad = np.array([value is None for value in found])
    steps = np.array([value or 0 for value in found], dtype=np.int64)
    return Reading(steps, np.zeros(len(steps), dtype=np.int64), np.zeros(len(steps), bool), bad)


def read_plain(words: Sequence[str]) -> Reading | None:
    """2024-05-17 or 2024-05-17 13:00, with seconds and offset or without, which pandas reads fast.

    None where a word is written otherwise, or only some have an offset.
    """
    tails = {word[10:] for word in words}
    zones = {tail: found["zone"] for tail in tails if (found := _PLAIN_CLOCK.fullmatch(tail))}
    if len(zones) < len(tails) or not all(map(_PLAIN_DATE.fullmatch, {w[:10] for w in words})):
        return None
    has = np.array([zones[word[10:]] is not None for word in words])
    if has.any() and not has.all():
        return None
    pd = library("pandas")
    index = pd.DatetimeIndex(
        pd.to_datetime(list(words), format="ISO8601", errors="coerce", utc=bool(has.all()))
    ).tz_localize(None)
    years = index.year
    inside = np.asarray((years >= 1678) & (years <= 2261))
    if not inside.all():  # and NaT
        return None
    stamps = np.asarray(index.to_numpy(), "datetime64[ns]")
    none = np.zeros(len(stamps), dtype=np.int64)
    return Reading(stamps, none, has, np.zeros(len(stamps), bool))


def _read_parts(words: Sequence[str], kind: str) -> Reading:
    """Dates of a kind, each with a time of day and an offset where it has them."""
    dates, clocks, zones = split_all(words)
    days = _each(dates, lambda part: int(read_dates([part], kind)[0]))
    times = _each(clocks, lambda part: _else(clock_time(part)))
    offsets = _each(zones, lambda part: _else(zone_offset(part)))
    bad = (days == NO_DAY) | (times == NO_DAY) | (offsets == NO_DAY)
    bad |= (days < _FIRST_DAY) | (days > _LAST_DAY)
    if kind in PERIODS:
        bad |= np.array([bool(clock) for clock in clocks], dtype=np.bool_)
    stamps = np.where(bad, 0, days) * _DAY + np.where(bad, 0, times)
    has = np.array([bool(zone) for zone in zones], dtype=np.bool_)
    return Reading(stamps.astype("datetime64[ns]"), np.where(bad, 0, offsets), has, bad)


def _else(value: int | None) -> int:
    return NO_DAY if value is None else value


def _each(parts: Sequence[str], read: Callable[[str], int]) -> Integers:
    """(W,) each part read, equal ones once."""
    known = {part: read(part) for part in set(parts)}
    return np.array([known[part] for part in parts], dtype=np.int64)


def _read_strptime(words: Sequence[str], form: str) -> Reading:
    pd = library("pandas")
    zoned = "%z" in form or "%Z" in form
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            index = pd.DatetimeIndex(
                pd.to_datetime(list(words), format=form, errors="coerce", utc=zoned)
            ).tz_localize(None)
    except (ValueError, re.error) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"--dates {form}: not a format of dates ({reason}); give one such as %d.%m.%Y %H:%M"
        ) from error
    years = index.year
    bad = ~np.asarray((years >= 1678) & (years <= 2261))
    values = np.asarray(index.where(~bad, pd.Timestamp(0)).to_numpy(), "datetime64[ns]")
    return reading_of(values.astype(np.int64), bad, zoned)


def outside(word: str, kind: str) -> str:
    """What is wrong with a date that is too far away, or ""."""
    date = split(word).date
    kinds = [kind] if kind in DATE_KINDS else date_kinds(date)
    days = [int(read_dates([date], each)[0]) for each in kinds]
    if days and all(day != NO_DAY and not _FIRST_DAY <= day <= _LAST_DAY for day in days):
        return "outside of the years 1678 to 2261 that a time can have; correct it"
    return ""

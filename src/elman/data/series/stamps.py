"""The times in a table, read as stamps: dates, counted steps, time zones, the clock set back.

Legend: R rows of the table.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from elman.data.optional import library
from elman.data.series.frequency import Stamps
from elman.data.series.panel import Integers
from elman.errors import InputError

Where: TypeAlias = Callable[[int], str]
"""Row of the table -> how a person finds it: "prices.csv:17"."""

_ZONED = re.compile(r".*(Z|[+-]\d{2}:?\d{2})\s*$")
_YEAR_NAMES = {"year", "years", "yr", "jahr"}
_EPOCHS = {10: "s", 13: "ms", 16: "us", 19: "ns"}


def parse_times(column: Any, name: str, where: Where) -> tuple[Stamps, bool, str]:
    """(R,) the stamps of a column, whether they are instants in UTC, and a remark on them, or "".

    The column is a pandas series of dates, strings or whole numbers.
    """
    pd = library("pandas")
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        zoned = getattr(column.dtype, "tz", None) is not None
        index = pd.DatetimeIndex(column)
        _refuse_missing(np.asarray(index.isna()), column, name, where)
        index = index.tz_convert("UTC").tz_localize(None) if zoned else index
        return np.asarray(index.to_numpy(), "datetime64[ns]"), zoned, ""
    text = column.astype("category")
    codes = np.asarray(text.cat.codes, dtype=np.int64)
    _refuse_missing(codes < 0, column, name, where)
    words = [str(word).strip() for word in text.cat.categories]
    stamps, zoned, note = _parse_words(pd, words, name)
    bad = np.zeros(len(words), bool) if stamps.dtype == np.int64 else np.isnat(stamps)
    if bad.any():
        row = int(np.flatnonzero(bad[codes])[0])
        raise InputError(
            f"{where(row)}: {name} is {words[codes[row]]!r}, which is not a time like the others; "
            "write all of them one way, as in 2024-05-17 13:00"
        )
    return stamps[codes], zoned, note


def _refuse_missing(missing: Any, column: Any, name: str, where: Where) -> None:
    if missing.any():
        row = int(np.flatnonzero(missing)[0])
        raise InputError(f"{where(row)}: {name} has no time; fill it in, or leave the row out")


def _parse_words(pd: Any, words: list[str], name: str) -> tuple[Stamps, bool, str]:
    """The stamps of distinct words; NaT for one that can't be read."""
    if all(re.fullmatch(r"-?\d{1,19}", word) for word in words):
        return _parse_numbers(pd, words, name)
    zoned = bool(_ZONED.match(words[0])) and ":" in words[0]
    slashed = any(mark in words[0] for mark in "/.")
    ways: list[tuple[str, dict[str, Any]]] = [("", {"format": "ISO8601"}), ("", {})]
    if slashed:
        ways.append(("read as day/month/year", {"dayfirst": True}))
    best, note = np.full(len(words), np.datetime64("NaT", "ns")), ""
    for remark, options in ways:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            index = pd.DatetimeIndex(
                pd.to_datetime(words, errors="coerce", utc=zoned, **options)
            ).tz_localize(None)
        found = _nanoseconds(index)
        if np.isnat(found).sum() < np.isnat(best).sum():
            best, note = found, remark
        if not np.isnat(best).any():
            break
    if slashed and not note and re.match(r"\d{1,2}[/.]\d{1,2}[/.]", words[0]):
        note = "read as month/day/year"
    return best, zoned, note


def _parse_numbers(pd: Any, words: list[str], name: str) -> tuple[Stamps, bool, str]:
    """Whole numbers: dates written together, years, seconds since 1970, or steps."""
    size = {len(word) for word in words}
    digits = size.pop() if len(size) == 1 else 0
    for length, form in ((8, "%Y%m%d"), (6, "%Y%m")):
        if digits == length:
            index = pd.DatetimeIndex(pd.to_datetime(words, format=form, errors="coerce"))
            if not index.isna().any() and index[0].year > 1500:
                remark = "read as year, month and day" if length == 8 else "read as year and month"
                return _nanoseconds(index), False, remark
    if digits == 4 and name.lower() in _YEAR_NAMES:
        years = np.array(words, dtype="datetime64[Y]")
        return years.astype("datetime64[ns]"), False, "read as years"
    try:
        numbers = np.array([int(word) for word in words], dtype=np.int64)
    except OverflowError:  # 19 digits hold more than 64 bits do: the first such has no time
        too_large = [abs(int(word)) >= 2**63 for word in words]
        return np.where(too_large, np.datetime64("NaT", "ns"), np.datetime64(0, "ns")), False, ""
    if digits in _EPOCHS:
        unit = _EPOCHS[digits]
        stamps = numbers.astype(f"datetime64[{unit}]").astype("datetime64[ns]")
        return stamps, True, f"read as {unit} since 1970 (UTC)"
    return numbers, False, ""


def _nanoseconds(index: Any) -> Stamps:
    """As datetime64[ns]; what such a stamp cannot hold (before 1678, after 2261) is NaT."""
    years = index.year
    inside = index.where((years >= 1678) & (years <= 2261))
    return np.asarray(inside.to_numpy(), "datetime64[ns]")


def place_in_zone(
    stamps: Stamps, zoned: bool, zone: str, codes: Integers, where: Where
) -> tuple[Stamps, str | None]:
    """Stamps as a panel has them, and its time zone.

    Days are counted on the wall: where all times are midnights of the zone they stay dates, since
    a day may have 23 or 25 hours. All others become instants in UTC. `stamps` (R,) and `zoned` are
    as `parse_times` gave them, `codes` (R,) say which series each row belongs to; the rows of one
    series are in the order of time.
    """
    if stamps.dtype == np.int64 or not (zone or zoned):
        return stamps, None
    pd = library("pandas")
    index = pd.DatetimeIndex(stamps)
    try:
        index[:0].tz_localize(zone or "UTC")
        local = index.tz_localize("UTC").tz_convert(zone or "UTC") if zoned else index
        if (local == local.normalize()).all():
            return np.asarray(local.tz_localize(None).to_numpy(), "datetime64[ns]"), zone or "UTC"
        if zoned:
            return stamps, zone or "UTC"
        summer = np.ones(len(index), bool)
        placed = index.tz_localize(zone, ambiguous=summer, nonexistent="NaT")
    except (KeyError, ValueError, OSError) as error:
        raise InputError(
            f"--time-zone {zone}: no such time zone; give a name such as Europe/Berlin"
        ) from error
    if placed.isna().any():
        row = int(np.flatnonzero(placed.isna())[0])
        raise InputError(
            f"{where(row)}: {index[row]} does not exist in {zone}, where the clock skipped it; "
            "correct the time, or leave --time-zone out if the times are not of that zone"
        )
    instants = np.asarray(placed.tz_convert("UTC").tz_localize(None).to_numpy(), "datetime64[ns]")
    winter = index.tz_localize(zone, ambiguous=~summer, nonexistent="NaT").tz_convert("UTC")
    later = np.asarray(winter.tz_localize(None).to_numpy(), "datetime64[ns]")
    return _clock_set_back(instants, later, codes), zone


def _clock_set_back(first: Stamps, second: Stamps, codes: Integers) -> Stamps:
    """Of the two instants that an hour stands for when the clock is set back, the one that fits.

    Where such a time of one series does not come after the row before it, it is the second.
    """
    placed = first.copy()
    previous: dict[int, Any] = {}
    for row in np.flatnonzero(first != second):
        series = int(codes[row])
        if series in previous and placed[row] <= previous[series]:
            placed[row] = second[row]
        previous[series] = placed[row]
    return placed

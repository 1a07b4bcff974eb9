"""How a time of day and its distance from UTC can be written, after a date or in a column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from elman.data.optional import library

SECOND = 1_000_000_000
DAY = 86400 * SECOND
"""In nanoseconds."""
_HALF = r"[AaPp]\.?[Mm]\.?"
_CLOCK = (
    rf"\d{{1,2}}(?:[:h]\d\d(?:[:m]\d\d(?:[.,]\d+)?)?s?|\.\d\d(?:\.\d\d)?)(?:\s?{_HALF})?"
    rf"|\d{{1,2}}\s?{_HALF}"
)
_DISTANCE = r"[+-]\d\d?(?::?\d\d)?"
_ZONE = rf"(?:Z|UTC|GMT)(?:{_DISTANCE})?|{_DISTANCE}"
_WORD = re.compile(
    # A date; a mark and a time of day, or digits of one; the distance from UTC. The year comes last
    # where C's ctime wrote it.
    rf"(?P<date>\S.*?)(?:(?:\s*[T_]\s*|,?\s+|(?<=[A-Za-z]/\d{{4}}):|-(?=\d\d\.\d\d\.\d\d))"
    rf"(?P<clock>{_CLOCK})|(?:(?<=\d)T|(?<=\b\d{{8}})[\s_-])"
    rf"(?P<digits>\d\d(?:\d\d(?:\d\d(?:[.,]\d+)?)?)?)"
    rf")\s*(?P<zone>{_ZONE})?(?:\[[\w/+-]+\])?(?:\s+(?P<year>\d{{4}}))?"
    rf"|(?P<day>\S.*?)\s*(?P<of>Z|UTC|GMT|(?<=\d)[+-]\d\d:\d\d)?",
    re.IGNORECASE | re.ASCII,
)
_ANY_DATE = "2000-01-01"
_TIME_OF_DAY = re.compile(_CLOCK, re.ASCII)
_NUMBERS = re.compile(
    r"(?P<hour>\d{1,2})(?:[:h.]?(?P<minute>\d\d)(?:[:m.]?(?P<second>\d\d)(?:[.,](?P<part>\d+))?)?)?"
    rf"s?\s?(?P<half>{_HALF})?",
    re.ASCII,
)
_LONGEST_WORD = 100


class Parts(NamedTuple):
    """A word in parts; each may be empty but the date."""

    date: str
    clock: str
    zone: str


def split(word: str) -> Parts:
    """The date, the time of day and the distance from UTC in a word."""
    # The pattern takes the square of a word's length, and no time is as long as a document.
    found = _WORD.fullmatch(word) if len(word) <= _LONGEST_WORD else None
    if not found:
        return Parts(word, "", "")
    date, clock, digits, zone, year, day, of = found.groups()
    if date is None:
        return Parts(day, "", of or "")
    return Parts(f"{date} {year}" if year else date, clock or digits, zone or "")


def split_all(words: Sequence[str]) -> list[tuple[str, ...]]:
    """The dates, the times of day and the distances from UTC of all words."""
    halves = [word.partition(" ") for word in words]
    tails = {tail: split(f"{_ANY_DATE} {tail}") for tail in {tail for _, _, tail in halves}}
    # Where all after the first space is a time of day, each of these is looked at once.
    if words and all(part.date == _ANY_DATE and part.clock for part in tails.values()):
        parts = [(date.removesuffix(","), *tails[tail][1:]) for date, _, tail in halves]
    else:
        parts = [split(word) for word in words]
    return list(zip(*parts, strict=True)) if parts else [(), (), ()]


def clock_time(clock: str) -> int | None:
    """Nanoseconds since midnight of "13:05", "1:05 PM", "130500"; 24:00 is the next midnight."""
    if not clock:
        return 0
    found = _NUMBERS.fullmatch(clock)
    if not found:
        return None
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    part = found["part"] or ""
    if half := found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (half[0] in "pP")
    whole = 3600 * hour + 60 * minute + second
    if minute > 59 or second > 59 or whole > 86400 or (whole == 86400 and part.strip("0")):
        return None
    return whole * SECOND + int(part[:9].ljust(9, "0"))


def zone_offset(zone: str) -> int | None:
    """Nanoseconds that "+01:00" is ahead of UTC; 0 for "Z", None for what no zone can be."""
    sign = zone.find("+") if "+" in zone else zone.find("-")
    if sign < 0:
        return 0
    digits = zone[sign + 1 :].replace(":", "")
    hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))
    if hours > 15 or minutes > 59:
        return None
    return (1 if zone[sign] == "+" else -1) * (3600 * hours + 60 * minutes) * SECOND


def are_clocks(words: Sequence[str]) -> bool:
    """Whether all words are times of day, such as 13:05 or 13.05.00, and no numbers."""
    return bool(words) and all(
        _TIME_OF_DAY.fullmatch(word) and not re.fullmatch(r"\d+\.\d+", word) for word in words
    )


def clock_digits(clock: Any) -> int:
    """How many digits the times of day of a pandas column have where they are whole numbers.

    2 are hours, 4 hours and minutes, 6 have seconds as well; leading zeros may be lost in all of
    them (5, 10, 100 … 2355), or in none. 0 where a word is no such number.
    """
    words = [_without_point(word) for word in library("pandas").factorize(clock)[1]]
    if not words or not all(re.fullmatch(r"\d{1,6}", word, re.ASCII) for word in words):
        return 0
    longest = max(map(len, words))
    digits = longest + longest % 2
    padded = digits > 2 and any(len(word) > 1 and word.startswith("0") for word in words)
    return 0 if padded and any(len(word) < digits for word in words) else digits


def joined_times(date: Any, clock: Any, digits: int) -> Any:
    """One pandas column of the words "date clock"; missing where either is.

    `digits` are those of `clock_digits`, of this column or of an earlier one like it.
    """
    pd = library("pandas")
    words = date.where(date.isna(), date.astype(str).str.strip().str.removesuffix(" 00:00:00"))
    codes, kinds = pd.factorize(clock)
    marked = [_with_marks(word, digits) for word in kinds]
    clocks = np.array([*marked, None], dtype=object)[codes]
    return words.str.cat(pd.Series(clocks, index=date.index), sep=" ")


def _without_point(clock: Any) -> str:
    return str(clock).strip().removesuffix(".0")


def _with_marks(clock: Any, digits: int) -> str:
    text = _without_point(clock)
    if not digits or len(text) > digits or not re.fullmatch(r"\d+", text, re.ASCII):
        return text
    parts = [text.zfill(digits)[place : place + 2] for place in range(0, digits, 2)]
    if any(int(part) > 59 for part in parts[1:]):
        return text  # no time of day, such as minutes since midnight, and named as it is written
    return ":".join([*parts, "00"] if digits == 2 else parts)

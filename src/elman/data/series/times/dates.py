"""How a date can be written, without its time of day: one pattern a kind.

A word that is a date in two kinds ("01/02/2024") is not decided here: see
`elman.data.series.times.format`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

_ENGLISH = "january february march april may june july august september october november december"
_GERMAN = "januar februar märz april mai juni juli august september oktober november dezember"
_MONTHS = {
    short: month
    for names in (_ENGLISH, _GERMAN)
    for month, name in enumerate(names.split(), 1)
    for short in (name, name[:3])
} | {"sept": 9, "mrz": 3}
_WEEKDAY = re.compile(
    r"(?:(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so)[a-z]{0,7})(?:\.,|[.,]|(?=\s))\s*",
    re.IGNORECASE,
)

_YEAR, _FULL_YEAR = r"(?P<year>\d{4}|'?\d\d)", r"(?P<year>\d{4})"
_MONTH, _DAY = r"(?P<month>\d{1,2})", r"(?P<day>\d{1,2})"
_NTH = rf"{_DAY}(?:st|nd|rd|th)?\.?"
_NAME = r"(?P<name>[A-Za-zä]{3,9})\.?"
_GAP = r"\s?[\s/-]?\s?"
_WEEK = r"(?P<week>\d{1,2})"
_IN_YEAR = r"[-/_. ]?(?:W|KW|CW|week)\s?"


def _three(mark: str) -> Iterator[tuple[str, str]]:
    """The orders of three numbers with a mark between them."""
    between = rf"\s?{re.escape(mark)}\s?"
    yield f"day{mark}month{mark}year", between.join((_DAY, _MONTH, _YEAR)) + r"\.?"
    yield f"month{mark}day{mark}year", between.join((_MONTH, _DAY, _YEAR))
    two_digits = r"'?(?P<year>\d\d)"
    yield f"yy{mark}month{mark}day", between.join((two_digits, _MONTH, _DAY))


# A kind is named as messages and notes call it.
_PATTERNS: tuple[tuple[str, str], ...] = (
    (
        "year-month-day",
        rf"{_FULL_YEAR}(?:(?P<mark>[-/.]){_MONTH}(?P=mark){_DAY}|(?P<digits>\d{{4}}))",
    ),
    *_three("."),
    *_three("/"),
    *_three("-"),
    ("ddmmyyyy", r"(?P<day>\d\d)(?P<month>\d\d)(?P<year>\d{4})"),
    ("mmddyyyy", r"(?P<month>\d\d)(?P<day>\d\d)(?P<year>\d{4})"),
    ("day month-name year", rf"{_NTH}{_GAP}{_NAME},?{_GAP}{_YEAR}"),
    ("month-name day year", rf"{_NAME}{_GAP}{_NTH},?{_GAP}{_FULL_YEAR}"),
    ("year month-name day", rf"{_FULL_YEAR}{_GAP}{_NAME}{_GAP}{_NTH}"),
    ("year-month", rf"{_FULL_YEAR}(?:[-/ ]?M{_MONTH}|[-/](?P<m>\d{{1,2}})|\.(?P<mm>\d\d))"),
    ("month-year", rf"{_MONTH}[-/.]{_FULL_YEAR}"),
    ("month-name year", rf"{_NAME}(?:{_GAP}{_FULL_YEAR}|\s?[-'/]\s?'?(?P<yy>\d\d))"),
    ("year month-name", rf"{_FULL_YEAR}{_GAP}{_NAME}"),
    ("year-week", rf"{_FULL_YEAR}(?:{_IN_YEAR}{_WEEK}|[-/.]?(?P<ww>\d\d))"),
    ("year-week-day", rf"{_FULL_YEAR}{_IN_YEAR}(?P<week>\d\d)[- ]?(?P<weekday>[1-7])"),
    ("week-year", rf"(?:W|KW|CW|week)\s?{_WEEK}[-/_. ]{{0,2}}{_FULL_YEAR}"),
    ("year-quarter", rf"{_FULL_YEAR}[-/_. ]?Q(?P<quarter>[1-4])"),
    ("quarter-year", rf"(?:Q(?P<quarter>[1-4])|(?P<q>[1-4])Q)[-/_. ]?{_YEAR}"),
    (
        "half-year",
        rf"{_FULL_YEAR}[-/_. ]?[HS](?P<half>[12])|[HS](?P<h>[12])[-/_. ]?(?P<yyyy>\d{{4}})",
    ),
)
DATE_KINDS = {kind: re.compile(pattern, re.IGNORECASE | re.ASCII) for kind, pattern in _PATTERNS}
ISO = "year-month-day"
PERIODS = ("year-month", "month-year", "month-name year", "year month-name", "year-week",
           "week-year", "year-quarter", "quarter-year", "half-year")  # fmt: skip
"""The kinds without a day: a time of day can't follow them."""


def date_kinds(word: str) -> list[str]:
    """The kinds whose pattern a word fits."""
    word = _without_weekday(word)
    return [kind for kind, pattern in DATE_KINDS.items() if pattern.fullmatch(word)]


def read_dates(words: Sequence[str], kind: str) -> npt.NDArray[np.int64]:
    """(W,) days since 1970 of words of one kind; NO_DAY where a word is not a date of that kind."""
    return np.array([_day(word, kind) for word in words], dtype=np.int64)


NO_DAY = np.iinfo(np.int64).min


def _without_weekday(word: str) -> str:
    found = _WEEKDAY.match(word)
    return word[found.end() :] if found else word


def _day(word: str, kind: str) -> int:
    found = DATE_KINDS[kind].fullmatch(_without_weekday(word))
    if not found:
        return NO_DAY
    part = {name: text for name, text in found.groupdict().items() if text is not None}
    year = _year(part.get("year") or part.get("yyyy") or part["yy"])
    week = part.get("week") or part.get("ww")
    try:
        if week:
            date = dt.date.fromisocalendar(year, int(week), int(part.get("weekday", 1)))
        else:
            date = dt.date(year, *_month_and_day(part))
    except (ValueError, KeyError):
        return NO_DAY
    return date.toordinal() - _EPOCH


_EPOCH = dt.date(1970, 1, 1).toordinal()


def _year(text: str) -> int:
    """Two digits are 1969 to 2068, as strptime has it."""
    digits = text.removeprefix("'")
    year = int(digits)
    return year if len(digits) > 2 else year + (1900 if year >= 69 else 2000)


def _month_and_day(part: dict[str, str]) -> tuple[int, int]:
    if "digits" in part:
        return int(part["digits"][:2]), int(part["digits"][2:])
    day = int(part.get("day", 1))
    if quarter := part.get("quarter") or part.get("q"):
        return 3 * int(quarter) - 2, day
    if half := part.get("half") or part.get("h"):
        return 6 * int(half) - 5, day
    if name := part.get("name"):
        return _MONTHS[name.lower()], day
    return int(part.get("month") or part.get("m") or part["mm"]), day

"""Times written as numbers: digits of a date put together, or seconds since 1970.

Legend: W distinct words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from elman.data.series.times.dates import NO_DAY, read_dates

Integers = npt.NDArray[np.int64]
DIGITS = {
    "yyyymm": 6,
    "year-week": 6,
    "yyyymmdd": 8,
    "ddmmyyyy": 8,
    "mmddyyyy": 8,
    "yyyymmddhh": 10,
    "yyyymmddhhmm": 12,
    "yyyymmddhhmmss": 14,
}
"""Dates put together, by their name: how many digits."""
UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}
"""Of a count since 1970: its nanoseconds."""
EPOCHS = tuple(f"epoch-{unit}" for unit in UNITS)
_EPOCH_DIGITS = {10: "s", 13: "ms", 16: "us", 19: "ns"}
_NUMBER = re.compile(r"-?\d{1,19}(?:\.\d*)?", re.ASCII)
_DAY = 86400 * UNITS["s"]
_YEARS = (1678, 2261)


def whole_words(words: Sequence[str]) -> list[str] | None:
    """The words without ".0", or None where one is not a whole number."""
    whole = [word.removesuffix(".0") for word in words]
    if not words:
        return None
    if all(_is_digits(word) and len(word) < 20 for word in whole):
        return whole
    return whole if all(re.fullmatch(r"-?\d{1,19}", word, re.ASCII) for word in whole) else None


def date_candidates(words: Sequence[str]) -> list[str]:
    """The kinds of digits put together that all of some whole numbers are."""
    lengths = {len(word) for word in words}
    if len(lengths) > 1 or any(word.startswith("-") for word in words[:1]):
        return []
    digits = lengths.pop()
    kinds = [kind for kind, count in DIGITS.items() if count == digits]
    return [kind for kind in kinds if (read_digits(words, kind) != NO_DAY).all()]


def epoch_candidate(words: Sequence[str]) -> str:
    """The unit of a count since 1970 whose size some whole numbers have, or ""."""
    lengths = {len(word.lstrip("-")) for word in words}
    for digits, unit in _EPOCH_DIGITS.items():
        if lengths == {digits}:
            return f"epoch-{unit}"
        # Times around 2001 and before, and those before 1970: a whole number of minutes.
        if max(lengths) in (digits, digits - 1) and min(lengths) >= digits - 2:
            minute = 60 * UNITS["s"] // UNITS[unit]
            if all(int(word) % minute == 0 for word in words):
                return f"epoch-{unit}"
    return ""


def read_digits(words: Sequence[str], kind: str) -> Integers:
    """(W,) nanoseconds since 1970 of dates put together; NO_DAY where a word is none.

    Years are 1678 to 2261: a number that is further away is a count of something.
    """
    if kind == "year-week":
        days = read_dates(words, kind)
        years = (days.astype("datetime64[D]")).astype("datetime64[Y]").astype(np.int64) + 1970
        good = (days != NO_DAY) & _within(years)
        return np.where(good, np.where(good, days, 0) * _DAY, NO_DAY)
    count = DIGITS[kind]
    good = np.array([len(word) == count and _is_digits(word) for word in words])
    text = np.array([word if fine else "0" * count for word, fine in zip(words, good, strict=True)])
    digit = text.astype(f"S{count}").view(np.uint8).reshape(-1, count).astype(np.int64) - 48
    size = {"y": 4, "m": 2, "d": 2}
    order = {"d": "dmy", "m": "mdy"}.get(kind[0], "ymd"[: 2 if kind == "yyyymm" else 3])
    parts, place = {"d": np.ones(len(words), dtype=np.int64)}, 0
    for name in order:
        parts[name] = _number(digit[:, place : place + size[name]])
        place += size[name]
    clock = [_number(digit[:, start : start + 2]) for start in range(place, count, 2)]
    nothing = np.zeros(len(words), dtype=np.int64)
    hour, minute, second = (*clock, nothing, nothing, nothing)[:3]
    month = parts["m"]
    good &= _within(parts["y"]) & (month >= 1) & (month <= 12)
    months = np.where(good, (parts["y"] - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + parts["d"] - 1
    good &= (parts["d"] >= 1) & (days.astype("datetime64[D]").astype("datetime64[M]") == months)
    midnight = (hour == 24) & (minute == 0) & (second == 0)
    good &= (hour < 24) | midnight
    good &= (minute < 60) & (second < 60)
    seconds = 3600 * hour + 60 * minute + second
    return np.where(good, np.where(good, days, 0) * _DAY + seconds * UNITS["s"], NO_DAY)


def read_epochs(words: Sequence[str], kind: str) -> Integers:
    """(W,) nanoseconds since 1970 of counts in some unit, which may have decimals."""
    unit = UNITS[kind.removeprefix("epoch-")]
    return np.array([_nanoseconds(word, unit) for word in words], dtype=np.int64)


def _nanoseconds(word: str, unit: int) -> int:
    if not _NUMBER.fullmatch(word):
        return NO_DAY
    whole, _, part = word.partition(".")
    value = int(whole) * unit
    if part:
        fraction = int(part[:9].ljust(9, "0")) * unit // UNITS["s"]
        value += -fraction if word.startswith("-") else fraction
    return value if abs(value) < 2**63 else NO_DAY


def _is_digits(word: str) -> bool:
    return word.isascii() and word.isdecimal()


def _within(years: Integers) -> npt.NDArray[np.bool_]:
    return (years >= _YEARS[0]) & (years <= _YEARS[1])


def _number(digits: Integers) -> Integers:
    value = np.zeros(len(digits), dtype=np.int64)
    for column in digits.T:
        value = value * 10 + column
    return value

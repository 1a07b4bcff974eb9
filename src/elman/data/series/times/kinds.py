"""How a column of times is written, decided over all of its words; what is not certain is asked.

Legend: R rows of the table, W distinct words of the column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from elman.data.series.frequency import STEPS, Stamps
from elman.data.series.infer_frequency import infer_frequency
from elman.data.series.panel import Integers
from elman.data.series.times.clocks import split
from elman.data.series.times.dates import ISO, NO_DAY, date_kinds
from elman.data.series.times.numbers import (
    EPOCHS,
    date_candidates,
    epoch_candidate,
    read_digits,
    whole_words,
)
from elman.data.series.times.words import (
    YEAR,
    Reading,
    Words,
    read_plain,
    read_steps,
    read_words,
    reading_of,
)
from elman.errors import InputError

ORDERS = {"day-first": "day", "month-first": "month", "year-first": "y"}
"""What `--dates` calls the orders, and how the names of their kinds begin."""
NAMED = (*ORDERS, "year-week", *EPOCHS, STEPS, YEAR)
"""What `--dates` can be, beside a strptime format."""
_YEAR_NAMES = {"year", "years", "yr", "jahr"}
_WEEK_NAME = re.compile(r"week|woche|^kw$", re.IGNORECASE)
_MONTH_NAME = re.compile(r"month|monat", re.IGNORECASE)
_LOOKED_AT = 100


def found_kind(
    words: Words, name: str, asked: str, regular: Callable[[Reading], bool]
) -> tuple[str, Reading, str]:
    """The kind of a column, what its words say, and a note."""
    texts = words.words
    if asked:
        kinds = _asked_kinds(words, asked)
    elif (whole := whole_words(texts)) is not None:
        return _found_whole(words, whole, regular)
    elif (plain := read_plain(texts)) is not None:
        return ISO, plain, ""
    elif all(re.fullmatch(r"\d{10}(\d{3}){0,3}\.\d+", word, re.ASCII) for word in texts):
        kinds = [f"epoch-{ {10: 's', 13: 'ms', 16: 'us', 19: 'ns'}[texts[0].index('.')] }"]
    else:
        kinds = _candidates(texts)
    if not kinds:
        return "", reading_of(np.zeros(len(texts), np.int64), np.ones(len(texts), bool)), ""
    readings = {kind: read_words(texts, kind) for kind in kinds}
    fewest = min(int(reading.bad.sum()) for reading in readings.values())
    readings = {kind: each for kind, each in readings.items() if each.bad.sum() == fewest}
    first = next(iter(readings))
    if not asked and "year-month" in readings:  # 2024-05 is a week where it can be no month
        readings = {"year-month": readings["year-month"]}
        if _WEEK_NAME.search(name) and not (week := read_words(texts, "year-week")).bad.any():
            readings = {"year-week": week}
        first = next(iter(readings))
    if fewest or len(readings) == 1 or asked:
        return first, readings[first], _note(first)
    kind = _decided(words, readings, regular)
    return kind, readings[kind], _note(kind)


def _asked_kinds(words: Words, asked: str) -> list[str]:
    """The kind that `--dates` names; the first word tells what stands between its numbers."""
    if "%" in asked:
        return [asked]
    if asked not in NAMED:
        raise InputError(
            f"--dates {asked}: expected {', '.join(NAMED)} or a strptime format such as %d.%m.%Y"
        )
    if asked not in ORDERS:
        return [asked]
    first = words.text(0)
    digits = {"day-first": "ddmmyyyy", "month-first": "mmddyyyy", "year-first": "yyyymmdd"}[asked]
    kinds = (
        [digits]
        if whole_words([first])
        else [
            kind
            for kind in date_kinds(split(first).date)
            if kind.startswith(ORDERS[asked]) or kind == digits
        ]
    )
    if not kinds:
        raise InputError(
            f"{words.where(0)}: {words.name} is {first!r}, which is not written {asked} as --dates"
            " says; leave the flag out, or give a strptime format such as %d.%m.%Y"
        )
    return kinds


def _candidates(texts: Sequence[str]) -> list[str]:
    """The kinds of the first words; all words are tried in each of them."""
    some = [date_kinds(split(text).date) for text in texts[:_LOOKED_AT]]
    return list(dict.fromkeys(kind for kinds in some for kind in kinds))


def _found_whole(
    words: Words, whole: list[str], regular: Callable[[Reading], bool]
) -> tuple[str, Reading, str]:
    """Whole numbers: dates put together, years, a count since 1970, or steps."""
    name = words.name
    kinds = date_candidates(whole)
    if {len(word) for word in whole} == {4} and name.lower() in _YEAR_NAMES:
        kinds = [YEAR]
    readings = {kind: read_words(whole, kind) for kind in kinds}
    if kinds and set(kinds) <= {"ddmmyyyy", "mmddyyyy"} and _counts_on(whole):
        readings = {}
    if {"yyyymm", "year-week"} <= set(kinds) and (
        _WEEK_NAME.search(name) or _MONTH_NAME.search(name)
    ):
        readings.pop("yyyymm" if _WEEK_NAME.search(name) else "year-week")
    epoch = epoch_candidate(whole)
    if epoch and not any(map(regular, readings.values())):
        return epoch, read_words(whole, epoch), _note(epoch)
    if readings:
        kind = _decided(words, readings, regular) if len(readings) > 1 else next(iter(readings))
        return kind, readings[kind], _note(kind)
    reading = read_steps(whole)
    _refuse_other_weeks(words, whole, reading.stamps)
    return STEPS, reading, ""


def _counts_on(whole: Sequence[str]) -> bool:
    """Whether numbers of eight digits mostly step by less than a month before a year is."""
    steps = np.abs(np.diff(np.array([int(word) for word in whole], dtype=np.int64)))
    leading = any(word.startswith("0") for word in whole)
    return not leading and bool((steps < 10_000).mean() > 0.5) if len(steps) else not leading


def _refuse_other_weeks(words: Words, whole: Sequence[str], steps: Stamps) -> None:
    """Refuse years with weeks that are not those of ISO, which would be counted with gaps."""
    if {len(word) for word in whole} != {6}:
        return
    years, weeks = steps // 100, steps % 100
    if (weeks <= 53).all() and ((years >= 1678) & (years <= 2261)).all() and len(set(years)) > 1:
        bad = read_digits(whole, "year-week") == NO_DAY
        words.refuse(
            bad,
            lambda _: (
                "not a week of ISO 8601, though the others are years with weeks; correct it,"
                " or say --dates steps if it is a count"
            ),
        )


def _decided(words: Words, readings: dict[str, Reading], regular: Callable[[Reading], bool]) -> str:
    """The one kind of several whose times are a regular grid, if there is one.

    Raises:
        InputError: where there is none, or more than one: a question with the flags that answer it.
    """
    kinds = list(readings)
    good = [kind for kind in kinds if regular(readings[kind])]
    if len(good) == 1:
        return good[0]
    left = good or kinds
    # With points between its numbers a date begins with the day.
    if set(left) <= {"day.month.year", "month.day.year"}:
        return "day.month.year"
    flags = list(dict.fromkeys(map(_flag, left)))
    raise InputError(
        f"{words.where(0)}: {words.name} is {words.text(0)!r}: the column can be read as"
        f" {' or as '.join(left)}, and its rows do not tell which; say {' or '.join(flags)}"
    )


def _flag(kind: str) -> str:
    """The `--dates` that a kind is asked for with."""
    named = {"yyyymm": "%Y%m", "ddmmyyyy": "day-first", "mmddyyyy": "month-first"}
    order = next((order for order, part in ORDERS.items() if kind.startswith(part)), kind)
    if kind in ("year-week", *EPOCHS):
        order = kind
    return f"--dates {named.get(kind, order)}"


def _note(kind: str) -> str:
    if kind == ISO:
        return ""
    if kind in EPOCHS:
        return f"times read as {kind.removeprefix('epoch-')} since 1970 (UTC)"
    return f"dates read as {kind}"


def is_regular(stamps: Stamps, series: Integers, frequency: str) -> bool:
    """Whether the times of each series are on one grid without large holes, the declared one."""
    order = np.lexsort((stamps, series))
    stamps, series = stamps[order], series[order]
    new = np.concatenate([[True], (np.diff(stamps).astype(np.int64) != 0) | (np.diff(series) != 0)])
    stamps, series = stamps[new], series[new]
    try:
        found, _ = infer_frequency(stamps, series, str)
        if not frequency:
            return True
        # A day apart is a month apart as well, with holes: the grid has to be the declared one.
        return infer_frequency(stamps, series, str, frequency)[0].alias == found.alias
    except InputError:
        return False

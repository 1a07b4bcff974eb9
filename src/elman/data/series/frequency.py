"""How far apart the rows of a time series are, and the seasons and lags that go with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from elman.errors import InputError

Stamps: TypeAlias = npt.NDArray[Any]
"""datetime64[ns], or int64 where time is counted in steps."""

STEPS = "steps"
"""The alias of time that is counted: 1, 2, 3. "5 steps" counts 5, 10, 15."""


@dataclass(frozen=True)
class Frequency:
    """The distance of neighboring rows.

    Attributes:
        alias: as pandas writes it ("h", "15min", "D", "B", "W-SUN", "MS", "3MS", "ME"), "M29" and
            "M30" for months on that day or, where February has none, on its last, or "steps",
            "2 steps" where time is a whole number.
        words: for people: "hourly", "every 15 minutes".
        seasons: lengths in rows, shortest first, none 1; may be empty.
        lags: rows back that are worth showing to a network, ascending, beginning with 1.
        calendar: names of the features of `elman.data.series.calendar`; empty where time is
            counted.
    """

    alias: str
    words: str
    seasons: tuple[int, ...]
    lags: tuple[int, ...]
    calendar: tuple[str, ...]

    @classmethod
    def named(cls, alias: str) -> Frequency:
        """The frequency of an alias; "M", "Q", "Y", "H", "T", … are those of pandas 2."""
        count, unit = _split(alias)
        base = unit.partition("-")[0]
        if base not in _UNITS or count < 1 or (base == "W") != ("-" in unit):
            raise InputError(
                f"{alias}: not a frequency; give one of {', '.join(_EXAMPLES)}, with a number "
                "before it for a multiple, as in 15min"
            )
        once, many, months, per, calendar = _UNITS[base]
        if base == STEPS:
            alias = STEPS if count == 1 else f"{count} {STEPS}"
        else:
            alias = f"{count if count > 1 else ''}{unit}"
        words = once if count == 1 else f"every {count} {many}"
        if months and count in _MONTHS:
            words = once.replace("monthly", _MONTHS[count])
        found = [rows // count for rows in per if rows % count == 0]
        seasons = tuple(rows for rows in found if rows > 1)
        return cls(alias, words, seasons, _lags(seasons), () if count == 12 else calendar)

    @property
    def counted(self) -> bool:
        """Whether stamps are whole numbers rather than dates."""
        return self.alias.endswith(STEPS)

    @property
    def intraday(self) -> bool:
        """Whether rows are a fixed time apart, shorter than a day."""
        return _split(self.alias)[1] in _SECONDS

    def shift(self, starts: Any, rows: npt.NDArray[np.int64]) -> Stamps:
        """Each stamp moved on by its number of rows; the two are broadcast.

        A stamp of a month keeps its place in it: so many days after the first day (or before the
        last), at its time of day.
        """
        count, unit = _split(self.alias)
        rows = rows * count
        if unit == STEPS:
            return np.asarray(starts + rows, dtype=np.int64)
        base = unit.partition("-")[0]
        starts = np.asarray(starts, "datetime64[ns]")
        if base == "B":
            begin = np.asarray(starts, "datetime64[D]")
            days = np.busday_offset(begin, rows, roll="forward")
            return np.asarray(np.asarray(days, "datetime64[ns]") + (starts - begin))
        if base in MONTH_ENDS:
            days = MONTH_ENDS[base](np.asarray(starts, "datetime64[M]") + rows)
            return np.asarray(np.asarray(days, "datetime64[ns]") + _in_month(starts, base))
        return np.asarray(starts + rows * _nanoseconds(base))

    def rows_between(self, starts: Stamps, stamps: Stamps) -> npt.NDArray[np.int64]:
        """How many rows on from a start each stamp is, or -1 where it is off the rows' grid."""
        count, unit = _split(self.alias)
        base = unit.partition("-")[0]
        if base == STEPS:
            units = stamps - starts
        elif base == "B":
            units = np.busday_count(starts.astype("datetime64[D]"), stamps.astype("datetime64[D]"))
        elif base in MONTH_ENDS:
            months = stamps.astype("datetime64[M]") - starts.astype("datetime64[M]")
            units = months.astype(np.int64)
        else:
            units = (stamps - starts) // _nanoseconds(base)
        rows = np.asarray(units, dtype=np.int64) // count
        rows[self.shift(starts, rows) != stamps] = -1
        if base in MONTH_ENDS:
            least, most = _WITHIN[base]
            place = _in_month(np.asarray(starts, "datetime64[ns]"), base)
            rows[(place < np.timedelta64(least, "D")) | (place >= np.timedelta64(most, "D"))] = -1
        return rows

    def on_other_days(self) -> list[Frequency]:
        """Months on their first day, where these are months on their last, and so on."""
        count, unit = _split(self.alias)
        if unit not in MONTH_ENDS:
            return []
        return [Frequency.named(f"{count}{each}") for each in MONTH_ENDS if each != unit]

    def words_from(self, start: Any) -> str:
        """The words, with the day of the month that rows from `start` stand on."""
        base = _split(self.alias)[1]
        if base not in MONTH_ENDS:
            return self.words
        days = int(_in_month(start, base) // np.timedelta64(1, "D"))
        if not days:
            return self.words
        once = self.words.partition(",")[0]
        before = "the day before" if days == -1 else f"{-days} days before"
        day = f"on day {days + 1}" if days > 0 else f"{before} the last day"
        return f"{once}, {day}"


MONTH_ENDS: dict[str, Callable[[Stamps], Stamps]] = {
    "MS": lambda months: months.astype("datetime64[D]"),
    "ME": lambda months: (months + 1).astype("datetime64[D]") - 1,
    "BMS": lambda months: np.asarray(np.busday_offset(MONTH_ENDS["MS"](months), 0, "forward")),
    "BME": lambda months: np.asarray(np.busday_offset(MONTH_ENDS["ME"](months), 0, "backward")),
    "M29": lambda months: np.minimum(months.astype("datetime64[D]") + 28, MONTH_ENDS["ME"](months)),
    "M30": lambda months: np.minimum(months.astype("datetime64[D]") + 29, MONTH_ENDS["ME"](months)),
}
"""The day of its month that a row of each unit counts from."""
_WITHIN = {
    "MS": (0, 28),
    "ME": (-27, 1),
    "BMS": (0, 1),
    "BME": (0, 1),
    "M29": (0, 1),
    "M30": (0, 1),
}
"""How many days from there a row may stand, so that every month has that day."""
_MONTHS = {1: "monthly", 3: "quarterly", 12: "yearly"}
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
_LONGER = {"D": 86400.0, "W": 7 * 86400.0}
_YEARDAY = ("weekday", "monthday", "yearday")
_CLOCK = ("second", "minute", "hour", "weekday")

# One of the unit, many, whether it is a month, the rows of its seasons, its calendar features.
_UNITS: dict[str, tuple[str, str, bool, tuple[int, ...], tuple[str, ...]]] = {
    STEPS: ("counted in steps", STEPS, False, (), ()),
    "ms": ("every millisecond", "milliseconds", False, (1000,), _CLOCK),
    "s": ("every second", "seconds", False, (60, 3600), _CLOCK),
    "min": ("every minute", "minutes", False, (60, 1440, 10080), (*_CLOCK[1:], "yearday")),
    "h": ("hourly", "hours", False, (24, 168), (*_CLOCK[2:], "yearday")),
    "D": ("daily", "days", False, (7, 365), _YEARDAY),
    "B": ("every business day", "business days", False, (5, 261), _YEARDAY),
    "W": ("weekly", "weeks", False, (52,), ("yearday",)),
    "MS": ("monthly, on the first day", "months, on the first day", True, (12,), ("month",)),
    "ME": ("monthly, on the last day", "months, on the last day", True, (12,), ("month",)),
    "BMS": ("monthly, on the first business day", "months", True, (12,), ("month",)),
    "BME": ("monthly, on the last business day", "months", True, (12,), ("month",)),
    "M29": ("monthly, on day 29", "months, on day 29", True, (12,), ("month",)),
    "M30": ("monthly, on day 30", "months, on day 30", True, (12,), ("month",)),
}
_EXAMPLES = ("s", "min", "h", "D", "B", "W-SUN", "MS", "ME", "QS", "YS", STEPS)
_ALIAS = re.compile(r"(\d{0,9}) ?([A-Za-z]+|M29|M30)(?:-([A-Z]{3}))?")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_OF_YEAR = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
# Multiples of a unit, and what pandas 2 wrote: there an end has no letter of its own.
_SYNONYMS: dict[str, tuple[int, str]] = {
    "H": (1, "h"),
    "T": (1, "min"),
    "S": (1, "s"),
    "L": (1, "ms"),
    "W": (1, "W-SUN"),
    "M": (1, "ME"),
    "BM": (1, "BME"),
    "QS": (3, "MS"),
    "BQS": (3, "BMS"),
    **dict.fromkeys(("QE", "Q"), (3, "ME")),
    **dict.fromkeys(("BQE", "BQ"), (3, "BME")),
    **dict.fromkeys(("YS", "AS"), (12, "MS")),
    **dict.fromkeys(("YE", "Y", "A"), (12, "ME")),
    **dict.fromkeys(("BYS", "BAS"), (12, "BMS")),
    **dict.fromkeys(("BYE", "BY", "BA"), (12, "BME")),
}


def _split(alias: str) -> tuple[int, str]:
    """How many of which unit; a count of 0 for what is no alias."""
    found = _ALIAS.fullmatch(alias)
    if not found:
        return 0, ""
    count, unit = _SYNONYMS.get(found[2], (1, found[2]))
    if found[3] in _WEEKDAYS:
        unit = f"{found[2]}-{found[3]}"
    elif found[3] and (found[3] not in _OF_YEAR or count < 3):
        return 0, ""
    return count * int(found[1] or 1), unit


def anchor_month(alias: str) -> int | None:
    """The month, 0 for January, that an alias such as "QE-MAR" or "YS-APR" names."""
    found = _ALIAS.fullmatch(alias)
    return _OF_YEAR.index(found[3]) if found and found[3] in _OF_YEAR else None


def names_a_period(alias: str) -> bool:
    """Whether an alias is that of a month, quarter or year, without a day of it: "M", "Q-DEC"."""
    found = _ALIAS.fullmatch(alias)
    return found is not None and found[2] in ("M", "Q", "Y", "A")


def _in_month(starts: Any, base: str) -> Any:
    """How long after the day that a unit counts from each stamp is."""
    return starts - MONTH_ENDS[base](np.asarray(starts, "datetime64[M]"))


def _nanoseconds(base: str) -> Any:
    seconds = _SECONDS.get(base) or _LONGER[base]
    return np.timedelta64(round(seconds * 1e9), "ns")


def _lags(seasons: tuple[int, ...]) -> tuple[int, ...]:
    """The last rows, and those about one season ago and two."""
    lags = {1, 2, 3}
    for season in seasons:
        lags |= {season - 1, season, season + 1, 2 * season}
    return tuple(sorted(lag for lag in lags if lag > 0))


def spoken(stamp: Any) -> str:
    """A stamp for people, as short as it can be."""
    if not isinstance(stamp, np.datetime64):
        return str(stamp)
    text = str(stamp.astype("datetime64[ms]")).replace("T", " ")
    for tail in (".000", ":00", " 00:00"):
        text = text.removesuffix(tail) if not (tail == ":00" and text.count(":") < 2) else text
    return text

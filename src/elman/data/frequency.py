"""How far apart the rows of a time series are, and the seasons and lags that go with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from elman.data.extras import library
from elman.errors import InputError

Stamps: TypeAlias = npt.NDArray[Any]
"""datetime64[ns], or int64 where time is counted in steps."""

STEPS = "steps"
"""The alias of time that is counted: 1, 2, 3. "5 steps" counts 5, 10, 15."""

_ALIAS = re.compile(r"(\d*)([A-Za-z]+(?:-[A-Za-z]+)?)")
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
_DAY = 86400.0
_LONGEST_SEASON = 20_000


@dataclass(frozen=True)
class Frequency:
    """The distance of neighboring rows.

    Attributes:
        alias: as pandas writes it ("h", "15min", "D", "B", "W-SUN", "MS", "ME"), or "steps",
            "2 steps" where time is a whole number.
        words: for people: "hourly", "every 15 minutes".
        seasons: lengths in rows, shortest first, none 1; may be empty.
        lags: rows back that are worth showing to a network, ascending, beginning with 1.
        calendar: names of the features of `elman.data.calendar`; empty where time is counted.
    """

    alias: str
    words: str
    seasons: tuple[int, ...]
    lags: tuple[int, ...]
    calendar: tuple[str, ...]

    @property
    def counted(self) -> bool:
        """Whether stamps are whole numbers rather than dates."""
        return self.alias.endswith(STEPS)

    @property
    def intraday(self) -> bool:
        """Whether rows are a fixed time apart, rather than a step of the calendar."""
        return not self.counted and _split(self.alias)[1] in _SECONDS

    @classmethod
    def named(cls, alias: str) -> Frequency:
        """The frequency of an alias.

        Raises:
            InputError: it is not one.
        """
        if alias.endswith(STEPS):
            return cls(alias, "counted in steps", (), (1, 2, 3), ())
        count, unit = _split(alias)
        base = unit.partition("-")[0]
        if base not in _UNITS or count < 1:
            raise InputError(
                f"{alias}: not a frequency; give one such as {', '.join(_EXAMPLES)} (with a number "
                "before it for a multiple, as in 15min)"
            )
        singular, plural, per = _UNITS[base]
        words = singular if count == 1 else f"every {count} {plural}"
        seasons = _seasons(base, count, per)
        calendar = _calendar(base)
        return cls(alias, words, seasons, _lags(seasons), calendar)

    def times(self, start: Any, count: int, skip: int = 0) -> Stamps:
        """(count,) stamps, the first of them `skip` rows after `start`."""
        if self.counted:
            return int(start) + self._stride() * np.arange(skip, skip + count, dtype=np.int64)
        pandas = library("pandas")
        steps = pandas.date_range(start, periods=skip + count, freq=self.alias, unit="ns")
        return np.asarray(steps.to_numpy()[skip:])

    def shift(self, starts: Stamps, rows: npt.NDArray[np.int64]) -> Stamps:
        """(S,) each stamp moved on by its number of rows."""
        if self.counted:
            return starts + self._stride() * rows
        if self.intraday or self.alias == "D":
            return starts + self._nanoseconds() * rows
        moved = [self.times(start, 1, int(skip)) for start, skip in zip(starts, rows, strict=True)]
        return np.concatenate(moved) if moved else starts

    def clock(self, times: Stamps, time_zone: str | None) -> Any:
        """A pandas index of stamps as they are to be written: in the time zone; steps stay.

        Args:
            times: as in a `Panel`: in UTC where there is a time zone and `intraday` holds.
            time_zone: an IANA name, or None.
        """
        if self.counted:
            return times
        pandas = library("pandas")
        index = pandas.DatetimeIndex(times)
        if time_zone is None or not self.intraday:
            return index
        return index.tz_localize("UTC").tz_convert(time_zone)

    def _stride(self) -> int:
        return int(self.alias.split()[0]) if " " in self.alias else 1

    def _nanoseconds(self) -> Any:
        count, unit = _split(self.alias)
        seconds = count * _SECONDS.get(unit, _DAY)
        return np.timedelta64(round(seconds * 1e9), "ns")


# Unit: one of them, many of them, and how many make up the seasons that people know.
_UNITS: dict[str, tuple[str, str, tuple[int, ...]]] = {
    "ms": ("every millisecond", "milliseconds", (1000,)),
    "s": ("every second", "seconds", (60, 3600)),
    "min": ("every minute", "minutes", (60, 1440, 10080)),
    "h": ("hourly", "hours", (24, 168)),
    "D": ("daily", "days", (7, 365)),
    "B": ("every business day", "business days", (5, 261)),
    "W": ("weekly", "weeks", (52,)),
    "MS": ("monthly, on the first day", "months", (12,)),
    "ME": ("monthly, on the last day", "months", (12,)),
    "BMS": ("monthly, on the first business day", "months", (12,)),
    "BME": ("monthly, on the last business day", "months", (12,)),
    "QS": ("quarterly, on the first day", "quarters", (4,)),
    "QE": ("quarterly, on the last day", "quarters", (4,)),
    "BQS": ("quarterly, on the first business day", "quarters", (4,)),
    "BQE": ("quarterly, on the last business day", "quarters", (4,)),
    "YS": ("yearly, on the first day", "years", ()),
    "YE": ("yearly, on the last day", "years", ()),
    "BYS": ("yearly, on the first business day", "years", ()),
    "BYE": ("yearly, on the last business day", "years", ()),
}
_EXAMPLES = ("min", "h", "D", "B", "W-SUN", "MS", "ME", "QS", "YS", STEPS)

_CALENDAR: dict[str, tuple[str, ...]] = {
    "ms": ("second", "minute", "hour", "weekday"),
    "s": ("second", "minute", "hour", "weekday"),
    "min": ("minute", "hour", "weekday", "yearday"),
    "h": ("hour", "weekday", "yearday"),
    "D": ("weekday", "monthday", "yearday"),
    "B": ("weekday", "monthday", "yearday"),
    "W": ("yearday",),
}


def _split(alias: str) -> tuple[int, str]:
    found = _ALIAS.fullmatch(alias)
    return (int(found[1] or 1), found[2]) if found else (0, "")


def _seasons(base: str, count: int, per: tuple[int, ...]) -> tuple[int, ...]:
    """The known seasons in rows, where a whole number of rows makes one up."""
    found = [length // count for length in per if length % count == 0]
    return tuple(length for length in found if 1 < length <= _LONGEST_SEASON)


def _lags(seasons: tuple[int, ...]) -> tuple[int, ...]:
    """The last rows, and those about one and two seasons ago."""
    lags = {1, 2, 3}
    for season in seasons:
        lags |= {season - 1, season, season + 1, 2 * season}
    return tuple(sorted(lag for lag in lags if lag > 0))


def _calendar(base: str) -> tuple[str, ...]:
    if "M" in base:
        return ("month",)
    return ("quarter",) if "Q" in base else _CALENDAR.get(base, ())

"""The frequency of a panel, found from the stamps of its rows.

Legend: R rows of the table, ordered by series and time.
"""

from __future__ import annotations

import numpy as np

from elman.data.series.frequency import (
    MONTH_ENDS,
    STEPS,
    Frequency,
    Stamps,
    anchor_month,
    names_a_period,
    spoken,
)
from elman.data.series.panel import Booleans, Integers
from elman.data.series.stamps import Where
from elman.data.series.times.clocks import DAY, SECOND
from elman.errors import InputError

_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_HOUR, _MINUTE = 3600 * SECOND, 60 * SECOND
_UNITS = (("h", _HOUR), ("min", _MINUTE), ("s", SECOND), ("ms", SECOND // 1000))
LEAST_FULL = 0.5
"""A series with fewer of its rows than this is taken for one of another frequency."""


def infer_frequency(
    stamps: Stamps, codes: Integers, at: Where, declared: str = "", *, instants: bool = False
) -> tuple[Frequency, Integers]:
    """The distance of rows that all series share, and (R,) the place of each row in its series.

    Args:
        stamps: (R,), ascending within a series.
        codes: (R,) which series, ascending.
        at: names a row, in this order, and its series.
        declared: an alias that beats what is found, or "".
        instants: whether the stamps are in UTC, where a day of the wall may have 23 hours.
    """
    begins = np.concatenate([[True], codes[1:] != codes[:-1]])
    steps = np.diff(stamps).astype(np.int64)[~begins[1:]]
    firsts = np.flatnonzero(begins)[np.cumsum(begins) - 1]
    if declared:
        frequency = Frequency.named(declared)
        if frequency.counted != (stamps.dtype == np.int64):
            raise InputError(
                f"--frequency {declared}: the times are "
                f"{'dates' if frequency.counted else 'whole numbers'}; give one that fits them"
            )
        _refuse_other_month(declared, stamps, at)
    elif not len(steps):
        raise InputError("every series has one row, so no frequency can be found; give --frequency")
    else:
        distances, counts = np.unique(steps, return_counts=True)
        usual = int(distances[counts.argmax()])
        frequency = _named(stamps, usual, distances, firsts, at, instants)
    starts = stamps[firsts]
    places = frequency.rows_between(starts, stamps)
    if (places < 0).any():
        fits = next(
            (
                other
                for other in (frequency.on_other_days() if declared else ())
                if (other.rows_between(starts, stamps) >= 0).all()
            ),
            None,
        )
        if fits is None or not names_a_period(declared):
            raise _off_grid(frequency, fits, stamps, codes, places, at, bool(declared))
        frequency, places = fits, fits.rows_between(starts, stamps)
    if not declared:
        _refuse_sparse(frequency, places, begins, stamps, at)
    return frequency, places


def _off_grid(
    frequency: Frequency,
    fits: Frequency | None,
    stamps: Stamps,
    codes: Integers,
    places: Integers,
    at: Where,
    declared: bool,
) -> InputError:
    """The error of the first row off the grid; `fits` is a frequency that it is on."""
    row = int(np.flatnonzero(places < 0)[0])
    off = (
        f"{at(row)}: {spoken(stamps[row])} is off the grid of rows {frequency.words} "
        f"({'as declared' if declared else 'found'}: {frequency.alias})"
    )
    if fits is not None:
        return InputError(f"{off}; give --frequency {fits.alias}, which fits all rows")
    gaps, counts = np.unique(
        np.diff(stamps[codes == codes[row]]).astype(np.int64), return_counts=True
    )
    usual = _spoken(int(gaps[counts.argmax()]), stamps) if len(gaps) else "one row"
    return InputError(
        f"{off}; this series mostly steps by {usual}: mixed frequencies or irregular times;"
        " resample to one frequency, correct the time, or give --frequency (and --time-zone, where"
        " days are of 23 or 25 hours)"
    )


def _refuse_other_month(declared: str, stamps: Stamps, at: Where) -> None:
    """Quarters and years that are declared to stand in certain months have to stand there."""
    month = anchor_month(declared)
    if month is None:
        return
    period = 3 if declared.lstrip("0123456789 ").lstrip("B").startswith("Q") else 12
    off = (stamps.astype("datetime64[M]").astype(np.int64) - month) % period != 0
    if off.any():
        row = int(np.flatnonzero(off)[0])
        raise InputError(
            f"{at(row)}: {spoken(stamps[row])} is in no month of --frequency {declared}; give"
            f" --frequency {'Q' if period == 3 else 'Y'}, which takes the months of the rows"
        )


def _named(
    stamps: Stamps, usual: int, distances: Integers, firsts: Integers, at: Where, instants: bool
) -> Frequency:
    """The frequency whose rows are mostly `usual` apart: steps, or nanoseconds."""
    if stamps.dtype == np.int64:
        return Frequency.named(STEPS if usual == 1 else f"{usual} {STEPS}")
    days = stamps.astype("datetime64[D]")
    clock = stamps - days
    if usual % DAY == 0 and (clock == clock[firsts]).all() and not instants:
        return Frequency.named(_of_days(days, usual // DAY, distances, firsts))
    for unit, length in _UNITS:
        if usual % length == 0:
            return Frequency.named(f"{usual // length}{unit}")
    raise InputError(
        f"{at(0)}: rows are mostly {usual} ns apart, finer than the milliseconds that can be"
        " handled; give times in milliseconds or longer"
    )


def _of_days(days: Stamps, usual: int, distances: Integers, firsts: Integers) -> str:
    """The alias where the rows of a series are days at one time of day."""
    if usual >= 28:
        months = days.astype("datetime64[M]")
        count = max(1, round(usual / 30.44))
        for alias, day in MONTH_ENDS.items():
            if (days == day(months)).all():
                return f"{count}{alias}"
        for alias in ("MS", "ME"):  # the 15th, or the day before the last
            starts = days[firsts].astype("datetime64[ns]")
            kind = Frequency.named(f"{count}{alias}")
            if (kind.rows_between(starts, days.astype("datetime64[ns]")) >= 0).all():
                return kind.alias
    weekdays = (days.astype(np.int64) + 3) % 7  # January 1, 1970 was a Thursday
    if usual % 7 == 0 and (weekdays == weekdays[0]).all():
        return f"{usual // 7}W-{_DAYS[weekdays[0]]}"
    if usual == 1 and (weekdays < 5).all() and (distances == 3 * DAY).any():
        return "B"
    return f"{usual}D"


def _refuse_sparse(
    frequency: Frequency, places: Integers, begins: Booleans, stamps: Stamps, at: Where
) -> None:
    ends = np.concatenate([begins[1:], [True]])
    rows = np.diff(np.concatenate([np.flatnonzero(begins), [len(begins)]]))
    full = rows / (places[ends] + 1)
    if not (full < LEAST_FULL).any():
        return
    series = int(np.flatnonzero(full < LEAST_FULL)[0])
    first = int(np.flatnonzero(begins)[series])
    jump = first + 1 + int(np.diff(places[first : first + rows[series]]).argmax())
    step = _spoken(int((stamps[jump] - stamps[jump - 1]).astype(np.int64)), stamps)
    raise InputError(
        f"{at(jump)}: steps of {step}, but the panel is {frequency.words} ({frequency.alias}): "
        f"{1 - full[series]:.0%} of its rows would be missing; train mixed frequencies apart, "
        "resample them to one, or give --frequency to fill them"
    )


def _spoken(step: int, stamps: Stamps) -> str:
    if stamps.dtype == np.int64:
        return str(step)
    for unit, length in (("day", DAY), ("hour", _HOUR), ("minute", _MINUTE)):
        if step % length == 0:
            return f"{step // length} {unit}{'s' * (step != length)}"
    return f"{step / 1e9:g} seconds"

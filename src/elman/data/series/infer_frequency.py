"""The frequency of a panel, found from the stamps of its rows.

Legend: R rows of the table, ordered by series and time.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from elman.data.series.frequency import STEPS, Frequency, Stamps
from elman.data.series.panel import Booleans, Integers
from elman.data.series.stamps import Where
from elman.errors import InputError

_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_UNITS = (
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
)
_DAY = 86_400_000_000_000
LEAST_FULL = 0.5
"""A series with fewer of its rows than this is taken for one of another frequency."""


def infer_frequency(
    stamps: Stamps, codes: Integers, ids: tuple[str, ...], where: Where, declared: str = ""
) -> tuple[Frequency, Integers]:
    """The distance of rows that all series share, and the place of each row in its series.

    Args:
        stamps: (R,), ascending within a series.
        codes: (R,) which series, ascending.
        ids: names of the series.
        where: names a row, in this order.
        declared: an alias that beats what is found, or "".

    Returns:
        The frequency, and (R,) how many rows after the first of its series each row stands.

    Raises:
        InputError: times that are not regular, series of different frequencies, or nothing to
            find a frequency from.
    """
    begins = np.concatenate([[True], codes[1:] != codes[:-1]])
    steps = np.diff(stamps).astype(np.int64)[~begins[1:]]
    if declared:
        frequency = Frequency.named(declared)
        if frequency.counted != (stamps.dtype == np.int64):
            raise InputError(
                f"--frequency {declared}: the times are "
                f"{'dates' if frequency.counted else 'whole numbers'}; give one that fits them"
            )
    elif not len(steps):
        raise InputError("every series has one row, so no frequency can be found; give --frequency")
    else:
        distances, counts = np.unique(steps, return_counts=True)
        frequency = _named(stamps, int(distances[counts.argmax()]), distances, where, ids, codes)
    starts = stamps[begins][np.cumsum(begins) - 1]
    places = frequency.rows_between(starts, stamps)
    if (places < 0).any():
        _off_grid(frequency, places, stamps, codes, ids, where, declared)
    if not declared:
        _refuse_sparse(frequency, places, begins, codes, ids, where, stamps)
    return frequency, places


def _named(
    stamps: Stamps,
    usual: int,
    distances: Integers,
    where: Where,
    ids: tuple[str, ...],
    codes: Integers,
) -> Frequency:
    """The frequency whose rows are mostly `usual` apart: steps, or nanoseconds."""
    if stamps.dtype == np.int64:
        return Frequency.named(STEPS if usual == 1 else f"{usual} {STEPS}")
    if usual % _DAY == 0 and (stamps == stamps.astype("datetime64[D]")).all():
        return Frequency.named(_of_days(stamps.astype("datetime64[D]"), usual // _DAY, distances))
    for unit, length in _UNITS:
        if usual % length == 0:
            return Frequency.named(f"{usual // length}{unit}")
    raise InputError(
        f"{where(0)}: {ids[codes[0]]}: rows are mostly {usual} ns apart, finer than the "
        "milliseconds that can be handled; give times in milliseconds or longer"
    )


def _of_days(days: Stamps, usual: int, distances: Integers) -> str:
    """The alias where all stamps are dates."""
    weekdays = (days.astype(np.int64) + 3) % 7  # January 1, 1970 was a Thursday
    if usual >= 28:
        months = days.astype("datetime64[M]")
        count = max(1, round(usual / 30.44))
        if (days == months.astype("datetime64[D]")).all():
            return f"{count}MS"
        if (days + 1 == (months + 1).astype("datetime64[D]")).all():
            return f"{count}ME"
        for alias, roll, month_day in (
            ("BMS", "forward", months.astype("datetime64[D]")),
            ("BME", "backward", (months + 1).astype("datetime64[D]") - 1),
        ):
            if (days == np.busday_offset(month_day, 0, roll=roll)).all():  # type: ignore[call-overload]
                return f"{count}{alias}"
    if usual % 7 == 0 and (weekdays == weekdays[0]).all():
        return f"{usual // 7}W-{_DAYS[weekdays[0]]}"
    if usual == 1 and (weekdays < 5).all() and (distances == 3 * _DAY).any():
        return "B"
    return f"{usual}D"


def _off_grid(
    frequency: Frequency,
    places: Integers,
    stamps: Stamps,
    codes: Integers,
    ids: tuple[str, ...],
    where: Where,
    declared: str,
) -> NoReturn:
    row = int(np.flatnonzero(places < 0)[0])
    own = codes == codes[row]
    gaps, counts = np.unique(np.diff(stamps[own]).astype(np.int64), return_counts=True)
    usual = _spoken(int(gaps[counts.argmax()]), stamps) if len(gaps) else "one row"
    raise InputError(
        f"{where(row)}: {ids[codes[row]]}: {spoken(stamps[row])} is off the grid of rows "
        f"{frequency.words} ({'as declared' if declared else 'found'}: {frequency.alias}); this "
        f"series mostly steps by {usual}: mixed frequencies or irregular times; resample to one "
        "frequency, correct the time, or give --frequency (and --time-zone, where days are of "
        "23 or 25 hours)"
    )


def _refuse_sparse(
    frequency: Frequency,
    places: Integers,
    begins: Booleans,
    codes: Integers,
    ids: tuple[str, ...],
    where: Where,
    stamps: Stamps,
) -> None:
    ends = np.concatenate([begins[1:], [True]])
    rows = np.diff(np.concatenate([np.flatnonzero(begins), [len(begins)]]))
    full = rows / (places[ends] + 1)
    if not (full < LEAST_FULL).any():
        return
    series = int(np.flatnonzero(full < LEAST_FULL)[0])
    first = int(np.flatnonzero(begins)[series])
    jump = first + 1 + int(np.diff(places[first : first + rows[series]]).argmax())
    raise InputError(
        f"{where(jump)}: {ids[codes[first]]}: steps of {_spoken_between(stamps, jump)}, but the "
        f"panel is {frequency.words} ({frequency.alias}): {1 - full[series]:.0%} of its rows would "
        "be missing; train mixed frequencies apart, resample them to one, or give --frequency to "
        "fill them"
    )


def spoken(stamp: Any) -> str:
    """A stamp for people, as short as it can be."""
    if not isinstance(stamp, np.datetime64):
        return str(stamp)
    text = str(stamp.astype("datetime64[ms]")).replace("T", " ")
    for tail in (".000", ":00", " 00:00"):
        text = text.removesuffix(tail) if not (tail == ":00" and text.count(":") < 2) else text
    return text


def _spoken_between(stamps: Stamps, row: int) -> str:
    return _spoken(int((stamps[row] - stamps[row - 1]).astype(np.int64)), stamps)


def _spoken(step: int, stamps: Stamps) -> str:
    if stamps.dtype == np.int64:
        return str(step)
    for unit, length in (("day", _DAY), ("hour", _UNITS[0][1]), ("minute", _UNITS[1][1])):
        if step % length == 0:
            return f"{step // length} {unit}{'s' * (step != length)}"
    return f"{step / 1e9:g} seconds"

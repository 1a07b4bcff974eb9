"""Stamps placed in a time zone, where the clock is set back once a year.

Legend: R rows of the table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from elman.data.optional import library
from elman.data.series.frequency import Frequency, Stamps
from elman.data.series.panel import Integers
from elman.errors import InputError

Where: TypeAlias = Callable[[int], str]
"""Row of the table -> how a person finds it: "prices.csv:17"."""


class Placed(NamedTuple):
    """Stamps as a panel has them."""

    stamps: Stamps
    zone: str | None
    instants: bool
    """Whether they are in UTC: else as the clock on the wall has them."""


def place_in_zone(
    stamps: Stamps, zoned: bool, zone: str, codes: Integers, where: Where, frequency: str = ""
) -> Placed:
    """Stamps as a panel has them, and its time zone.

    Days are counted on the wall: where all times are one time of day in the zone they stay as they
    are there, since a day may have 23 or 25 hours. All others become instants in UTC. A declared
    `frequency` says which. `stamps` (R,) and `zoned` are as `parse_times` gave them, `codes` (R,)
    say which series each row belongs to; the rows of one series are in the order of time.
    """
    if stamps.dtype == np.int64 or not (zone or zoned):
        return Placed(stamps, None, False)
    pd = library("pandas")
    index = pd.DatetimeIndex(stamps)
    try:
        index[:0].tz_localize(zone or "UTC")
        local = index.tz_localize("UTC").tz_convert(zone or "UTC") if zoned else index
        wall = np.asarray(local.tz_localize(None).to_numpy(), "datetime64[ns]")
        clock = wall - wall.astype("datetime64[D]")
        days = not Frequency.named(frequency).intraday if frequency else (clock == clock[0]).all()
        if days:
            return Placed(wall, zone or "UTC", False)
        if zoned:
            return Placed(stamps, zone or "UTC", True)
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
    return Placed(_clock_set_back(instants, later, codes), zone, True)


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

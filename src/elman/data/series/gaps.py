"""What stands where a value is missing, and the report of it.

Legend: S series, N rows of all series, C columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from elman.data.series.frequency import Frequency, Stamps
from elman.data.series.infer_frequency import spoken
from elman.data.series.panel import Booleans, Floats, Integers, Missing

WORDS: dict[str, str] = {
    "forward": "filled with the last value",
    "interpolate": "filled along the line between their neighbors",
    "zero": "filled with 0",
    "mask": "left out",
}
_SHOWN = 3


def filled(values: Floats, borders: Integers, missing: Missing) -> Floats:
    """A copy without gaps: what comes before the first value of a column stays NaN.

    After the last value of a series `interpolate` goes on with that value. `mask` and `refuse`
    fill nothing.

    Args:
        values: (N, C), NaN where a value is missing.
        borders: (S + 1,) where series begin.
        missing: what to fill with.
    """
    values = values.copy()
    if missing in ("mask", "refuse") or not len(values):
        return values
    lengths = np.diff(borders)
    begins, ends = np.repeat(borders[:-1], lengths), np.repeat(borders[1:], lengths)
    rows = np.arange(len(values))
    for column in values.T:
        known = ~np.isnan(column)
        if known.all():
            continue
        before = np.maximum.accumulate(np.where(known, rows, -1))
        gap = ~known & (before >= begins)
        left = column[before[gap]]
        if missing == "zero":
            column[gap] = 0.0
        elif missing == "forward":
            column[gap] = left
        else:
            after = np.minimum.accumulate(np.where(known, rows, len(rows))[::-1])[::-1][gap]
            inside = after < ends[gap]
            right = np.where(inside, column[np.where(inside, after, 0)], left)
            width = np.where(inside, after - before[gap], 1)
            column[gap] = left + (right - left) * (rows[gap] - before[gap]) / width
    return values


def first_gap(observed: Booleans, borders: Integers) -> tuple[int, int, int] | None:
    """Series, row in the series and column of the first value that is missing, or None."""
    rows, columns = np.nonzero(~observed)
    if not len(rows):
        return None
    series = int(np.searchsorted(borders, rows[0], side="right")) - 1
    return series, int(rows[0] - borders[series]), int(columns[0])


def report(
    observed: Booleans,
    borders: Integers,
    names: Sequence[str],
    ids: Sequence[str],
    starts: Stamps,
    frequency: Frequency,
    missing: Missing,
) -> list[str]:
    """A line for each column with gaps: how many, where, and what was done about them."""
    lines = []
    for name, known in zip(names, observed.T, strict=True):
        if known.all():
            continue
        begins = borders[np.searchsorted(borders, np.arange(len(known)), side="right") - 1]
        opens = ~known & ((np.arange(len(known)) == begins) | np.roll(known, 1))
        opened = np.flatnonzero(opens)
        places = []
        for row in opened[:_SHOWN]:
            series = int(np.searchsorted(borders, row, side="right")) - 1
            stop = row + int(np.argmax(np.append(known[row : borders[series + 1]], True)))
            first, last = frequency.times(starts[series], 1, int(row - borders[series])), stop - row
            of = f"{ids[series]} " if len(ids) > 1 else ""
            places.append(f"{of}{spoken(first[0])}" + (f" ({last} rows)" if last > 1 else ""))
        if len(opened) > _SHOWN:
            places.append(f"and {len(opened) - _SHOWN:,} more")
        count = int((~known).sum())
        lines.append(
            f"{name}: {count:,} value{'s' * (count > 1)} missing ({count / len(known):.1%}), "
            f"{WORDS[missing]}: {', '.join(places)}"
        )
    return lines

"""How the times of a table are written: decided over a whole column, and kept for later tables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TimeFormat:
    """How times are written.

    Attributes:
        kind: a name of `elman.data.series.dates.KINDS` such as "day.month.year", a strptime format
            such as "%d.%m.%Y %H:%M", or "datetime" for the datetimes of a frame.
        offset: whether each time says how far it is from UTC.
    """

    kind: str
    offset: bool = False

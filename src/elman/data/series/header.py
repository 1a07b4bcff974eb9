"""Whether the first rows of a table of time series hold names or values."""

from __future__ import annotations

import re
from collections.abc import Sequence

from elman.data.tables.numerals import MISSING

LEAST_ACROSS = 3
"""So many times among the names of columns are no accident."""
_NUMBER = re.compile(r"[-+]?(?:\d[\d.,' \u00a0\u202f]*|[.,]\d+)(?:[eE][-+]?\d+)?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ].*)?")
_CLOCK = re.compile(r"\d{1,2}:\d\d.*")


def has_names(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row of a table holds names of columns that stand for all of it.

    It does not where all its cells are numbers or times (but for 0, 1, 2 …, which pandas writes for
    columns without names, and for times across), or where two rows hold names.
    """
    first = [cell.strip() for cell in rows[0]]
    if two_rows_of_names(rows):
        return False
    if first == [str(number) for number in range(len(first))] and len(first) > 1:
        return True
    dates = [cell for cell in first if _DATE.fullmatch(cell)]
    if len(dates) >= LEAST_ACROSS or not first[0]:
        return True
    if dates and first[0] == dates[0] and len(rows) > 1 and _DATE.fullmatch(rows[1][0].strip()):
        return False
    known = [cell for cell in first if cell not in MISSING]
    ways = (_NUMBER, _DATE, _CLOCK)
    values = [cell for cell in known if any(way.fullmatch(cell) for way in ways)]
    return len(values) < len(known) or not known


def two_rows_of_names(rows: Sequence[Sequence[str]]) -> bool:
    """Whether a field and a series stand above each column, as yfinance writes them."""
    if len(rows) < 4 or len(rows[0]) < 2 or len({len(row) for row in rows[:4]}) > 1:
        return False
    upper, lower = ([cell.strip() for cell in row[1:]] for row in rows[:2])
    if not all(name and not _NUMBER.fullmatch(name) for name in (*upper, *lower)):
        return False
    first = rows[3 if name_of_times(rows) else 2][0].strip()
    pairs = set(zip(upper, lower, strict=True))
    return bool(_DATE.fullmatch(first)) and len(pairs) == len(upper)


def name_of_times(rows: Sequence[Sequence[str]]) -> str:
    """The name of the times, where it stands alone in a third row below two of names."""
    return rows[2][0].strip() if not any(cell.strip() for cell in rows[2][1:]) else ""

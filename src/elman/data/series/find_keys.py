"""Which columns tell the series of a long table apart.

Legend: R rows of the table.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from elman.data.optional import library
from elman.data.series.panel import Integers
from elman.data.tables.table import Table
from elman.errors import InputError

MOST_KEYS = 3
_CANDIDATES = 12
# Fewer rows than this share with a time that another row has are a few double rows.
_MANY = 0.5


def codes_of(table: Table, names: Sequence[str]) -> Integers:
    """(R,) a number for each combination of the words of some columns; an empty cell is one too."""
    pd = library("pandas")
    return joined_codes(
        [pd.factorize(table.series(name), use_na_sentinel=False)[0] for name in names]
    )


def repeats(table: Table, time: Sequence[str], series: Sequence[str]) -> bool:
    """Whether a time stands in several rows of one series."""
    codes = codes_of(table, [*series, *time])
    return len(np.unique(codes)) < len(codes)


def refuse_several_series(
    table: Table, time: Sequence[str], series: Sequence[str], free: Sequence[str]
) -> None:
    """Raise InputError where most times repeat, and columns among `free` would make them unique."""
    times = codes_of(table, [*series, *time])
    counts = np.bincount(times)
    if len(counts) == len(times) or (counts[times] > 1).mean() < _MANY:
        return
    keys = smallest_keys(table, times, free)
    if not keys:
        return
    names = [name for name in table.columns if name in (*series, *keys)]
    row = int(np.flatnonzero(library("pandas").Series(times).duplicated())[0])
    when = " ".join(str(table.series(name).iloc[row]) for name in time)
    raise InputError(
        f"{table.where(row)}: times start again ({when} stood before): several series?"
        f" --series {as_typed(names)}"
    )


def smallest_keys(table: Table, times: Integers, free: Sequence[str]) -> tuple[str, ...]:
    """The fewest columns of words or whole numbers that make rows of one time unique.

    Columns of words with one value a series are added, up to three in all, since they name it too.
    """
    words = [name for name in free if not table.is_numeric(name)]
    whole = [name for name in free if name not in words and _is_whole(table, name)]
    found = {name: codes_of(table, [name]) for name in [*words, *whole][:_CANDIDATES]}
    # With one row a value, a column is no key but a number of the row.
    found = {name: codes for name, codes in found.items() if 2 * codes.max() < len(codes)}
    for count in range(1, MOST_KEYS + 1):
        for names in combinations(found, count):
            codes = joined_codes([found[name] for name in names])
            if len(np.unique(joined_codes([codes, times]))) == len(times):
                told = [
                    name
                    for name in words
                    if name in found and name not in names and _is_told(codes, found[name])
                ]
                return (*names, *told[: MOST_KEYS - count])
    return ()


def _is_whole(table: Table, name: str) -> bool:
    try:
        values = table.numbers(name)
    except InputError:
        return False
    return bool((values == np.round(values)).all())


def joined_codes(codes: Sequence[Integers]) -> Integers:
    """(R,) a number for each combination of numbers of rows, in the order in which they come."""
    joined = codes[0]
    for more in codes[1:]:  # numbered anew each time, so that the numbers stay small
        joined = library("pandas").factorize(joined * (int(more.max()) + 1) + more)[0]
    return np.asarray(joined, dtype=np.int64)


def _is_told(series: Integers, codes: Integers) -> bool:
    """Whether each series has one value."""
    return len(np.unique(joined_codes([series, codes]))) == len(np.unique(series))


def as_typed(names: Sequence[str]) -> str:
    """Names of columns as they are typed after a flag."""
    return shlex.quote(",".join(names))

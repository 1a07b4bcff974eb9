"""The id of a series whose rows are told apart by the words of one column, or of several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from elman.data.tables.table import Table
from elman.errors import InputError

_BETWEEN = re.compile(r"(?<!\\)(?:\\\\)*/")


def joined_keys(keys: Sequence[str]) -> str:
    r"""One id of several keys: "South/Adelaide"; a slash within a key is written `\/`.

    A single key is the id itself.
    """
    if len(keys) == 1:
        return keys[0]
    return "/".join(key.replace("\\", "\\\\").replace("/", "\\/") for key in keys)


def split_keys(series: str, count: int) -> tuple[str, ...]:
    """The `count` keys that `joined_keys` made an id of."""
    if count == 1:
        return (series,)
    keys, begin = [], 0
    for mark in _BETWEEN.finditer(series):
        keys.append(series[begin : mark.end() - 1])
        begin = mark.end()
    keys.append(series[begin:])
    return tuple(re.sub(r"\\(.)", r"\1", key) for key in keys)


def key_column(table: Table, name: str) -> Any:
    """A column that names series, in pandas.

    Raises:
        InputError: a cell is empty.
    """
    column = table.series(name)
    empty = np.asarray(column.isna())
    if empty.any():
        row = int(np.flatnonzero(empty)[0])
        raise InputError(f"{table.where(row)}: {name} is empty; name the row's series")
    return column

"""The id of a series whose rows are told apart by the words of several columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

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

"""Encoding by look-up of the segments that were met before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import final

import numpy as np

from elman.data.units.base import Ids

_MOST_SEGMENTS = 1 << 19
_MOST_CHARACTERS = 1 << 23


@final
class SegmentCache:
    """The ids of known segments, laid out flat; a text is gathered from them.

    A text repeats its words, which makes this several times faster than to merge them anew.

    Args:
        encode: gives the ids of each of some segments.
    """

    def __init__(self, encode: Callable[[list[str]], list[list[int]]]) -> None:
        self._encode = encode
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._rows: dict[str, int] = {}
        self._characters = 0
        self._flat = np.empty(0, dtype=np.int64)
        self._starts = np.empty(0, dtype=np.int64)
        self._lengths = np.empty(0, dtype=np.int64)

    def encode(self, segments: list[str]) -> Ids:
        """The ids of all segments, one after the other; safe to call from several threads."""
        with self._lock:
            return self._look_up(segments)

    def _look_up(self, segments: list[str]) -> Ids:
        if len(self._rows) > _MOST_SEGMENTS or self._characters > _MOST_CHARACTERS:
            self._clear()
        new = set(segments).difference(self._rows)
        if new:
            self._add(list(new))
        rows = np.fromiter(map(self._rows.__getitem__, segments), np.int64, len(segments))
        lengths = self._lengths[rows]
        # Place k of the result is place `start of its segment + k - ids before its segment`.
        shift = self._starts[rows] - (np.cumsum(lengths) - lengths)
        ids: Ids = self._flat[np.repeat(shift, lengths) + np.arange(lengths.sum())]
        return ids

    def _add(self, segments: list[str]) -> None:
        encoded = [np.array(ids, dtype=np.int64) for ids in self._encode(segments)]
        lengths = np.array([len(ids) for ids in encoded], dtype=np.int64)
        starts = len(self._flat) + np.cumsum(lengths) - lengths
        first = len(self._rows)
        self._rows.update(zip(segments, range(first, first + len(segments)), strict=True))
        self._characters += sum(map(len, segments))
        self._flat = np.concatenate([self._flat, *encoded])
        self._starts = np.concatenate([self._starts, starts])
        self._lengths = np.concatenate([self._lengths, lengths])

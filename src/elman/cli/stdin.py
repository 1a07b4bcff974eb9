"""Standard input, in the pieces in which it arrives."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from elman.streaming.text_input import LineInput


def pieces() -> Iterator[bytes]:
    """The bytes as they arrive."""
    while data := os.read(sys.stdin.fileno(), 1 << 16):
        yield data


def chunks() -> Iterator[bytes]:
    """The bytes as they arrive, cut after each line, so that one is answered before the next."""
    for data in pieces():
        yield from data.splitlines(keepends=True)


def lines() -> Iterator[str]:
    """The lines as they arrive, without what ends them."""
    reader = LineInput()
    for chunk in chunks():
        yield from reader.read(chunk)
    yield from reader.end()

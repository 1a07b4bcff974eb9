"""Standard input as text, in the pieces in which it arrives."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterator

from elman.errors import InputError


def arriving_text() -> Iterator[str]:
    """Standard input in the pieces in which it arrives, as UTF-8.

    Raises:
        InputError: bytes that are not UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    seen = 0
    ended = False
    while not ended:
        data = os.read(sys.stdin.fileno(), 1 << 16)
        ended = not data
        waiting = len(decoder.getstate()[0])
        try:
            text = decoder.decode(data, final=ended)
        except UnicodeDecodeError as error:
            place = seen - waiting + error.start
            raise InputError(f"standard input: not UTF-8 at byte {place}; convert it") from error
        seen += len(data)
        if text:
            yield text

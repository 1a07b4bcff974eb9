"""Standard input, in the pieces in which it arrives."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from elman.errors import InputError
from elman.streaming.text_input import LineInput

_AUDIO = (b"RIFF", b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")
"""What files of audio begin with, the last of MP3."""


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
    reader, begun = LineInput(), False
    for chunk in chunks():
        if not begun and chunk.startswith(_AUDIO):
            raise InputError(
                "standard input: begins as audio, but lines are expected; give the file itself, as"
                " elman predict RUN FILE, or elman stream RUN < FILE"
            )
        begun = True
        yield from reader.read(chunk)
    yield from reader.end()

"""What the header of a WAV claims, against the size of the file.

libsndfile corrects a wrong size without a word, so that half a recording would pass for a whole
one.
"""

from __future__ import annotations

import struct
from pathlib import Path

_UNKNOWN = 0x7FFF0000
"""Sizes from here on are what programs write that do not know yet how much will follow: 0xFFFFFFFF,
sox 0x7FFFF000, arecord 0x80000000."""

_MOST_CHUNKS = 1000


def wav_fault(path: Path, size: int) -> str:
    """What is wrong with the sizes in the header of a RIFF or RF64 file; "" for nothing.

    A size of 0, or one from 2 GB on, is that of a stream, whose end is the file's.
    """
    with path.open("rb") as file:
        kind = file.read(12)
        if kind[:4] not in (b"RIFF", b"RF64") or kind[8:12] != b"WAVE":
            return ""
        wide = 0
        for _ in range(_MOST_CHUNKS):
            head = file.read(8)
            if len(head) < 8:
                return "is cut off before its samples"
            name, length = head[:4], struct.unpack("<I", head[4:])[0]
            here = file.tell()
            if name == b"ds64":
                content = file.read(16)
                wide = struct.unpack("<Q", content[8:16])[0] if len(content) == 16 else 0
            if name == b"data":
                return _data_fault(length, wide if kind[:4] == b"RF64" else 0, size - here)
            if here + length > size:
                return "is cut off before its samples"
            file.seek(here + length + length % 2)
        return f"has more than {_MOST_CHUNKS} chunks before its samples"


def _data_fault(length: int, wide: int, there: int) -> str:
    if wide:
        length = wide
    elif length >= _UNKNOWN:
        return ""
    if length <= there:
        return ""
    return f"is cut off: its header claims {length:,} bytes of samples, and it has {there:,}"

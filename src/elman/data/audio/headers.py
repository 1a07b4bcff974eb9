"""What the header of a file claims, against its size and its end.

libsndfile corrects a wrong size without a word, and takes an Ogg file for whole wherever it ends,
so that half a recording would pass for a whole one.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_UNKNOWN = 0x7FFF0000
"""Sizes from here on are what programs write that do not know yet how much will follow: 0xFFFFFFFF,
sox 0x7FFFF000, arecord 0x80000000."""

_MOST_CHUNKS = 1000
_LONGEST_PAGE = 27 + 255 + 255 * 255

_PLAIN = (1, 3, 0xFFFE)
"""WAV's codes of whole numbers, floating point, and either with more said of it."""

_AGAIN = "get it again"


def header_fault(path: Path, size: int) -> str:
    """What is wrong with the sizes that a WAV or Ogg file declares, with a remedy; "" for nothing.

    A size in a WAV from 2 GB on is that of a stream, whose end is the file's.
    """
    with path.open("rb") as file:
        kind = file.read(12)
        if kind[:4] in (b"RIFF", b"RF64") and kind[8:12] == b"WAVE":
            return _of_wav(file, size, wide=kind[:4] == b"RF64")
        if kind[:4] == b"riff":
            return _of_w64(file, size)
        if kind[:4] == b"OggS":
            return _of_ogg(file, size)
    return ""


def _of_wav(file: BinaryIO, size: int, *, wide: bool) -> str:
    claimed = None
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return f"is cut off before its samples; {_AGAIN}"
        name, length = head[:4], int.from_bytes(head[4:], "little")
        here = file.tell()
        if name == b"ds64" and wide:
            (claimed,) = struct.unpack("<8xQ", file.read(16).ljust(16, b"\0"))
        if name == b"fmt " and 16 <= length <= size - here and (fault := _of_format(file.read(16))):
            return fault
        if name == b"data":
            if claimed is None and length >= _UNKNOWN:
                return ""
            return _of_size(length if claimed is None else claimed, size - here)
        if here + length > size:
            return f"is cut off before its samples; {_AGAIN}"
        file.seek(here + length + length % 2)
    return f"has more than {_MOST_CHUNKS} chunks before its samples; {_AGAIN}"


def _of_format(content: bytes) -> str:
    """The bytes of a sample of all channels, which libsndfile reckons itself whatever they are."""
    codec, channels, _, _, block, bits = struct.unpack("<HHIIHH", content)
    wanted = channels * ((bits + 7) // 8)
    if codec not in _PLAIN or not wanted or block in (0, wanted):
        return ""
    return (
        f"its header has blocks of {block} bytes, but {channels} x {bits} bits take {wanted};"
        " write it again (ffmpeg -i IN OUT.wav)"
    )


def _of_w64(file: BinaryIO, size: int) -> str:
    """Sony Wave64: chunks of a GUID and a size of 8 bytes that includes both, 8 bytes aligned."""
    file.seek(40)
    for _ in range(_MOST_CHUNKS):
        head, here = file.read(24), file.tell()
        length = int.from_bytes(head[16:24], "little") - 24
        if len(head) < 24 or length < 0:
            return f"is cut off before its samples; {_AGAIN}"
        if head[:4] == b"data":
            return _of_size(length, size - here)
        if here + length > size:
            return f"is cut off before its samples; {_AGAIN}"
        file.seek(here + length + -length % 8)
    return f"has more than {_MOST_CHUNKS} chunks before its samples; {_AGAIN}"


def _of_size(claimed: int, there: int) -> str:
    if claimed > there:
        return (
            f"is cut off: its header claims {claimed:,} bytes of samples, and {there:,} are there;"
            f" {_AGAIN}"
        )
    if not claimed and there > 8:  # a file without samples may have a chunk or a pad after them
        return (
            f"its header claims no samples, and {there:,} bytes follow, as where a recording was"
            " killed; repair it (sox --ignore-length IN.wav OUT.wav)"
        )
    return ""


def _of_ogg(file: BinaryIO, size: int) -> str:
    """An Ogg file is whole where its last page is, and says that it is the last (RFC 3533)."""
    file.seek(max(size - _LONGEST_PAGE, 0))
    end = file.read()
    page = end[end.rfind(b"OggS") :]
    lengths = page[27 : 27 + page[26]] if len(page) > 26 else b""
    whole = len(page) > 26 and len(page) >= 27 + page[26] + sum(lengths)
    if whole and page[5] & 4:
        return ""
    return (
        f"is cut off: its last page is not there; {_AGAIN}, or keep what is (ffmpeg -i IN OUT.ogg)"
    )

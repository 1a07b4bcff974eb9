"""What the header of a video claims, against the size of its file, before a library believes it.

FFmpeg takes memory for each frame that an MP4 claims, and plays what is left of a file that was cut
off without a word.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

AGAIN = "get it again"

_MOST_BOXES = 10_000
_MOST_TRACKS = 64
_LARGEST_HEAD = 1 << 28
"""Bytes of a `moov` box; one of a million frames takes 20 MB."""

_AVI_HEAD = 1 << 16
"""Bytes of an AVI in which the head of its video is looked for."""

_NESTED = (b"trak", b"mdia", b"minf", b"stbl")


def container_fault(path: Path, size: int, most_frames: int) -> str:
    """What is wrong with what a file claims, with a remedy; "" for nothing.

    Files of other kinds than MP4, AVI, WebM and GIF have none.
    """
    with path.open("rb") as file:
        head = file.read(16)
        if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return _of_mp4(file, size, most_frames)
        if head[:4] == b"RIFF" and head[8:11] == b"AVI":
            return _of_avi(file, size, most_frames)
        if head[:4] == b"\x1aE\xdf\xa3":
            return _of_webm(file, size)
        if head[:4] == b"GIF8":
            return _of_gif(file, size)
    return ""


def _cut_off(claimed: int, there: int) -> str:
    return f"is cut off: it should have {claimed:,} bytes, and {there:,} are there; {AGAIN}"


def _of_mp4(file: BinaryIO, size: int, most_frames: int) -> str:
    """Boxes of a size and a name (ISO 14496-12); the index is in `moov`."""
    indexed = False
    for name, begin, end in _boxes(file, 0, size):
        if end > size:
            return _cut_off(end, size)
        if name == b"moov":
            indexed = True
            if end - begin > _LARGEST_HEAD:
                return f"its index has {end - begin:,} bytes, above the bound; {AGAIN}"
            fault = _of_tracks(file, begin, end, size, most_frames)
            if fault:
                return fault
    if not indexed:
        return f"is cut off: its index, which is written last, is not there; {AGAIN}"
    return ""


def _of_tracks(file: BinaryIO, begin: int, end: int, size: int, most_frames: int) -> str:
    for name, first, last in _boxes(file, begin, end):
        if last > end:
            return f"its index is damaged; {AGAIN}"
        if name in _NESTED:
            fault = _of_tracks(file, first, last, size, most_frames)
            if fault:
                return fault
        elif name == b"stsz" and last - first >= 12:
            file.seek(first + 4)
            each, count = struct.unpack(">II", file.read(8))
            if count > most_frames:
                return _too_many(count, most_frames)
            if each * count > size or (not each and 4 * count > last - first):
                return f"claims {count:,} frames, more than its bytes can hold; {AGAIN}"
    return ""


def _boxes(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The name of each box, where its content begins, and where it ends."""
    for _ in range(_MOST_BOXES):
        if begin + 8 > end:
            return
        file.seek(begin)
        head = file.read(16)
        length, name, inner = int.from_bytes(head[:4], "big"), head[4:8], begin + 8
        if length == 1:
            length, inner = int.from_bytes(head[8:16], "big"), begin + 16
        stop = end if length == 0 else begin + length
        if stop < inner:
            return
        yield name, inner, stop
        begin = stop


def _too_many(count: int, most: int) -> str:
    return (
        f"claims {count:,} frames, above the bound of {most:,}; if it is so long, cut it"
        " (ffmpeg -i IN -c copy -f segment -segment_time 3600 OUT%d.mp4)"
    )


def _of_avi(file: BinaryIO, size: int, most_frames: int) -> str:
    """RIFF: a size at the front, and the number of frames in `avih`, the first chunk."""
    file.seek(0)
    head = file.read(64)
    claimed = int.from_bytes(head[4:8], "little") + 8
    if claimed > max(size + 1, 8):
        return _cut_off(claimed, size)
    if head[24:28] == b"avih":
        count = int.from_bytes(head[48:52], "little")
        if count > most_frames:
            return _too_many(count, most_frames)
        if not any(head[32:36]):  # microseconds a frame; FFmpeg makes 25 a second of no rate
            file.seek(0)
            found = re.search(rb"strh....vids.{16}(.{4})(.{4})", file.read(_AVI_HEAD), re.DOTALL)
            if found and not (any(found[1]) and any(found[2])):
                return "0 frames a second; write it anew (ffmpeg -r 25 -i IN -c copy OUT.avi)"
    return ""


def _of_webm(file: BinaryIO, size: int) -> str:
    """EBML (RFC 8794): a header, then a segment with its size, unless that is unknown."""
    file.seek(4)
    length, at = _variable(file, 4)
    if length is None or at + length > size:
        return f"is cut off before its first frame; {AGAIN}"
    file.seek(at + length)
    if file.read(4) != b"\x18S\x80g":
        return f"is cut off or damaged: there is no segment of frames; {AGAIN}"
    segment, begin = _variable(file, at + length + 4)
    if segment is not None and begin + segment > size:
        return _cut_off(begin + segment, size)
    return ""


def _variable(file: BinaryIO, at: int) -> tuple[int | None, int]:
    """A number of EBML at a place, None where it is said to be unknown, and the place after it."""
    first = file.read(1)
    if not first or not first[0]:
        return None, at
    width = 9 - first[0].bit_length()
    rest = file.read(width - 1)
    value = int.from_bytes(bytes([first[0] & ((1 << 8 - width) - 1)]) + rest, "big")
    return (None if value == (1 << 7 * width) - 1 else value), at + width


def _of_gif(file: BinaryIO, size: int) -> str:
    """A GIF ends with a semicolon."""
    file.seek(max(size - 64, 0))
    if not file.read().rstrip(b"\0").endswith(b";"):
        return f"is cut off: its end is not there; {AGAIN}"
    return ""

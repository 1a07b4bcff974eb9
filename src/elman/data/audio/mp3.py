"""How long an MP3 is, by its frames.

Where no first frame counts the others (the tag of Xing, or Fraunhofer's VBRI), libsndfile takes
all frames to be as large as the first. At a variable bit rate that is wrong, and it then gives a
part of the recording for the whole.

Sources: ISO/IEC 11172-3 and 13818-3, section 2.4.2.3; ID3v2.4, section 3.1.
"""

from __future__ import annotations

from pathlib import Path

_KILOBITS = {
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Layer III, of MPEG 1 and of its lower rates, from index 1 on."""

_RATES = (44100, 48000, 32000)
_SEARCHED = 1 << 16
_TAGS = (b"Xing", b"Info", b"VBRI")
_AFTER = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3")
"""What may follow the last frame."""


def samples_of_mp3(path: Path) -> int | str | None:
    """The samples of each channel, counted; None where the file itself says how many there are.

    In place of a number, what is wrong with the file: it ends, or is damaged, within its frames.
    None too where the frames are of a kind that can't be followed.
    """
    with path.open("rb") as file:
        head = file.read(10)
        begin = 10 + _synchsafe(head[6:10]) if head[:3] == b"ID3" else 0
        file.seek(begin)
        first = file.read(_SEARCHED)
        found = _first(first)
        if found is None or any(tag in first[found : found + 200] for tag in _TAGS):
            return None
        file.seek(begin + found)
        data = file.read()
    samples = at = 0
    while (frame := _frame(data, at)) is not None:
        length, more = frame
        if at + length > len(data):
            return f"ends within a frame, after {samples:,} samples"
        samples, at = samples + more, at + length
    rest = data[at:]
    if not rest.startswith(_AFTER) and (again := _first(rest)) is not None:
        return f"has {again:,} bytes that are no frames after {samples:,} samples"
    return samples


def _first(data: bytes) -> int | None:
    """Where a frame begins that another one follows."""
    at = data.find(b"\xff")
    while at >= 0:
        frame = _frame(data, at)
        if frame is not None and _frame(data, at + frame[0]) is not None:
            return at
        at = data.find(b"\xff", at + 1)
    return None


def _frame(data: bytes, at: int) -> tuple[int, int] | None:
    """The bytes of the frame at a place and the samples in it; None where there is none."""
    head = data[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:  # layer III of any MPEG
        return None
    version, bits, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or bits in (0, 15) or rate == 3:
        return None
    first = version == 3
    hertz = _RATES[rate] >> (0 if first else 1 if version == 2 else 2)
    samples = 1152 if first else 576
    length = samples // 8 * 1000 * _KILOBITS[first][bits - 1] // hertz
    return length + (head[2] >> 1 & 1), samples


def _synchsafe(size: bytes) -> int:
    """A number of 7 bits a byte."""
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(reversed(size)))

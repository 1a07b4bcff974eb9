"""Bytes that are cut anywhere, as samples: a WAV, or raw 16-bit PCM.

Legend: N samples of each channel.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, TypeAlias, final, get_args

import numpy as np
import numpy.typing as npt

from elman.errors import InputError

Floats: TypeAlias = npt.NDArray[np.float32]

LOWEST_RATE, HIGHEST_RATE, MOST_CHANNELS = 1_000, 768_000, 64

_UNKNOWN = 0x7FFF0000
"""A size of 0, or from here on, is what a program writes that does not know yet how much will
follow: 0xFFFFFFFF, sox 0x7FFFF000, arecord 0x80000000."""

_LONGEST_HEADER = 4096
"""Bytes of a chunk that is looked into; a format has 16 to 40."""

LONGEST_FAULT = 500
"""Characters; a snapshot that was changed may have more."""

_RIFF = (b"RIFF", b"RF64")
_WHOLE = "give the whole file"

Phase: TypeAlias = Literal["begin", "raw", "chunk", "data", "skip"]

_OTHERS = {
    b"fLaC": "FLAC",
    b"OggS": "OGG",
    b"FORM": "AIFF",
    b"caff": "CAF",
    b".snd": "AU",
    b"RIFX": "big-endian WAV",
    b"riff": "W64",
    b"ID3\x02": "MP3",
    b"ID3\x03": "MP3",
    b"ID3\x04": "MP3",
}
"""What other files begin with; as PCM they would be noise."""

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_CODECS = {2: "ADPCM", 6: "A-law", 7: "µ-law", 17: "ADPCM", 0x55: "MP3"}


@dataclass(frozen=True)
class SampleFormat:
    """How samples stand in bytes.

    Attributes:
        channels: how many stand side by side.
        width: bytes of one sample.
        floating: floating point in [-1, 1]; whole numbers where not, those of a byte from 0 to 255.
    """

    channels: int = 1
    width: int = 2
    floating: bool = False

    KNOWN: ClassVar = {(1, False), (2, False), (3, False), (4, False), (4, True), (8, True)}

    def __post_init__(self) -> None:
        known = (self.width, self.floating) in self.KNOWN
        if not known or not 1 <= self.channels <= MOST_CHANNELS:
            raise ValueError(f"no format of samples: {self}")

    @property
    def block(self) -> int:
        """Bytes of one sample of each channel."""
        return self.channels * self.width

    def samples(self, data: bytes) -> Floats:
        """(N, channels) on a scale of 1, of whole blocks."""
        if self.floating:
            with np.errstate(over="ignore"):  # an infinity, which is refused later
                found = np.frombuffer(data, f"<f{self.width}").astype(np.float32)
        elif self.width == 1:
            found = (np.frombuffer(data, "u1").astype(np.float32) - 128) * np.float32(2**-7)
        elif self.width == 3:
            wide = np.zeros((len(data) // 3, 4), np.uint8)
            wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            found = wide.view("<i4").ravel().astype(np.float32) * np.float32(2**-31)
        else:
            scale = np.float32(2.0 ** (1 - 8 * self.width))
            found = np.frombuffer(data, f"<i{self.width}").astype(np.float32) * scale
        return found.reshape(-1, self.channels)


@final
class SampleInput:
    """A WAV or raw 16-bit PCM (little-endian, one channel) that arrives in pieces.

    Which of the two is told by the first bytes. In a WAV a size of 0, or one from 2 GB on, is that
    of a stream, which has no end of its own. After the end of another a further WAV may follow, as
    `cat` puts them together; other chunks are passed over.

    What can't be read is a fault that stays until `reset`.

    Args:
        where: what the stream is called in an error.
    """

    def __init__(self, where: str = "standard input") -> None:
        self._where = where
        self.reset()

    def reset(self) -> None:
        self._phase: Phase = "begin"
        self._format: SampleFormat | None = None
        self._rate: int | None = None
        self._held, self._seen = b"", 0
        self._size, self._left = 0, 0  # of the chunk; 0 for samples without an end
        self._sampled = False
        self._fault: str | None = None

    @property
    def begun(self) -> bool:
        """Whether any bytes have come."""
        return self._seen > 0

    def read(self, piece: bytes | memoryview) -> list[tuple[Floats, int | None]]:
        """The samples (N, channels) that are complete, and the rate that their header names.

        A fault is an error of the next call, or of `check`, so that what came before it can be used
        first.

        Raises:
            InputError: the fault.
        """
        self.check()
        data = self._held + piece if self._held else bytes(piece)
        self._seen += len(piece)
        found: list[tuple[Floats, int | None]] = []
        at = 0
        while self._fault is None:
            phase = self._phase
            used = self._samples(data, at, found) if self._in_samples else self._header(data, at)
            at += used
            if not used and self._phase == phase:
                break
        self._held = b"" if self._fault else data[at:]
        return found

    def check(self) -> None:
        """Raise InputError for the fault of the bytes so far, if there is one."""
        if self._fault is not None:
            raise InputError(f"{self._where}: {self._fault}")

    def end(self) -> None:
        """Raise InputError where the bytes end inside of something."""
        self.check()
        match self._phase:
            case "begin" if self._held:
                self._fault = f"ends after {self._seen} bytes, in its header; {_WHOLE}"
            case "chunk" | "skip" if not self._sampled:
                self._fault = f"the WAV ends before its samples; {_WHOLE}"
            case "data" if self._left:
                came = self._size - self._left + len(self._held)
                self._fault = (
                    f"the WAV is cut off: its header claims {self._size:,} bytes of samples, and"
                    f" {came:,} came; {_WHOLE}"
                )
            case "raw" | "data" if self._held:
                self._fault = (
                    f"ends at byte {self._seen:,} in the middle of a sample; give whole samples of"
                    f" {self._block} bytes"
                )
        self.check()

    @property
    def state(self) -> Mapping[str, Any]:
        return {
            "phase": self._phase,
            "format": None if self._format is None else asdict(self._format),
            "rate": self._rate,
            "held": self._held.hex(),
            "seen": self._seen,
            "size": self._size,
            "left": self._left,
            "sampled": self._sampled,
            "fault": self._fault,
        }

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        kept, held = state["format"], bytes.fromhex(state["held"])
        form = None
        if kept is not None:
            channels, width = int(kept["channels"]), int(kept["width"])
            form = SampleFormat(channels, width, bool(kept["floating"]))
        phase, rate, fault = state["phase"], state["rate"], state["fault"]
        seen, size, left = (int(state[name]) for name in ("seen", "size", "left"))
        if phase not in get_args(Phase) or (form is None and phase in ("raw", "data")):
            raise ValueError(f"no place in a stream of samples: {phase!r}")
        if len(held) > _LONGEST_HEADER + 8 or min(seen, size, left) < 0:
            raise ValueError("more is held back than a header has")
        if rate is not None:
            rate = checked_rate(rate)
        self._phase, self._format, self._rate = phase, form, rate
        self._held, self._seen, self._size, self._left = held, seen, size, left
        self._sampled = bool(state["sampled"])
        self._fault = None if fault is None else str(fault)[:LONGEST_FAULT]

    @property
    def _in_samples(self) -> bool:
        return self._phase in ("raw", "data")

    @property
    def _block(self) -> int:
        assert self._format is not None
        return self._format.block

    def _samples(self, data: bytes, at: int, found: list[tuple[Floats, int | None]]) -> int:
        """Take the whole samples from `at` on; how many bytes were used."""
        assert self._format is not None
        there = len(data) - at
        if self._size:
            there = min(there, self._left)
            if self._left < self._block:  # a rest that is no sample, and the padding after it
                self._skip(self._left + self._size % 2)
                return 0
        whole = there - there % self._block
        if whole:
            found.append((self._format.samples(data[at : at + whole]), self._rate))
            self._left -= whole if self._size else 0
        return whole

    def _header(self, data: bytes, at: int) -> int:
        """Take what stands between samples; how many bytes were used, 0 where more are needed."""
        match self._phase:
            case "begin":
                return self._begin(data[at : at + 12])
            case "skip":
                used = min(self._left, len(data) - at)
                self._left -= used
                if not self._left:
                    self._phase = "chunk"
                return used
        head = data[at : at + 8]
        if len(head) < 8:
            return 0
        name, size = head[:4], int.from_bytes(head[4:], "little")
        if name in _RIFF and self._sampled:
            return self._begin(data[at : at + 12])
        if head == b"\0" * 8 and self._sampled:  # some files are filled up with zeros
            return 8
        if not (name.isascii() and name.decode().isprintable()):
            return self._fail(f"no WAV from byte {self._seen - len(data) + at:,} on; {_WHOLE}")
        if name == b"data":
            if self._format is None:
                return self._fail(f"the WAV has samples before their format; {_WHOLE}")
            self._phase, self._sampled = "data", True
            self._size = self._left = 0 if size >= _UNKNOWN else size
        elif name == b"fmt ":
            if not 16 <= size <= _LONGEST_HEADER:
                return self._fail(f"the WAV has a format of {size:,} bytes; {_WHOLE}")
            padded = size + size % 2
            content = data[at + 8 : at + 8 + padded]
            if len(content) < padded:
                return 0
            self._read_format(content)
            return 8 + padded
        else:
            self._skip(size + size % 2)
        return 8

    def _begin(self, head: bytes) -> int:
        """Tell by its first bytes what the stream is."""
        magic = head[:4]
        if len(magic) < 4:
            if not magic or any(known.startswith(magic) for known in (*_RIFF, *_OTHERS)):
                return 0
        elif magic in _OTHERS:
            return self._fail(
                f"begins as {_OTHERS[magic]}; give the file to `elman predict`, or decode it, as"
                " ffmpeg -i FILE -f wav - does"
            )
        elif magic in _RIFF:
            if len(head) < 12:
                return 0
            if head[8:] != b"WAVE":
                return self._fail("begins as RIFF, but is no WAV; give a WAV or 16-bit PCM")
            self._phase, self._sampled, self._format = "chunk", False, None
            return 12
        self._phase, self._format = "raw", SampleFormat()
        return 0

    def _skip(self, size: int) -> None:
        self._left = size
        self._phase = "skip" if size else "chunk"

    def _fail(self, fault: str) -> int:
        self._fault = fault
        return 0

    def _read_format(self, content: bytes) -> None:
        codec, channels, rate, _, block, bits = struct.unpack("<HHIIHH", content[:16])
        if codec == _EXTENSIBLE and len(content) >= 26:
            codec = int.from_bytes(content[24:26], "little")
        if codec not in (_PCM, _FLOAT):
            named = _CODECS.get(codec, f"codec {codec}")
            self._fail(f"the WAV is of {named}; decode it, as ffmpeg -i FILE -f wav - does")
        elif not 1 <= channels <= MOST_CHANNELS:
            self._fail(
                f"the WAV has {channels:,} channels, above the bound of {MOST_CHANNELS}; keep those"
                " with speech"
                if channels
                else f"the WAV has no channels; {_WHOLE}"
            )
        elif not LOWEST_RATE <= rate <= HIGHEST_RATE:
            self._fail(
                f"the WAV has a rate of {rate:,} Hz, expected {LOWEST_RATE:,} to {HIGHEST_RATE:,};"
                " correct it"
            )
        elif block not in (0, wanted := channels * ((bits + 7) // 8)):
            self._fail(
                f"the WAV has blocks of {block} bytes, but {channels} x {bits} bits take {wanted};"
                " write it again, as ffmpeg -i FILE -f wav - does"
            )
        else:
            try:
                self._format = SampleFormat(channels, (bits + 7) // 8, codec == _FLOAT)
            except ValueError:
                kind = "floating point" if codec == _FLOAT else "whole numbers"
                self._fail(
                    f"the WAV has samples of {bits} bits in {kind}; give it in 16 bits, as"
                    " ffmpeg -i FILE -c:a pcm_s16le -f wav - does"
                )
            self._rate = rate


def checked_rate(rate: Any) -> int:
    """A number of samples a second within the bounds; ValueError for others."""
    if not isinstance(rate, int) or not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise ValueError(f"no rate of samples: {rate!r}")
    return rate

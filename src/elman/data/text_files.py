"""Files of text, in blocks or by line.

What is missing, unreadable, cut off or not UTF-8 text raises `InputError`, which says where.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from elman.errors import InputError

BLOCK_BYTES = 1 << 20
LONGEST_LINE = 1 << 20
"""Of a sentence, in bytes."""

_LONGEST_DOCUMENT = 1 << 26

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Place:
    """Where a block begins, so that reading can start there: characters are of the whole text."""

    file: int = 0
    byte: int = 0
    line: int = 1
    characters: int = 0


def file_blocks(path: Path, start: Place) -> Iterator[tuple[str, Place]]:
    """Blocks of about 1 MiB of one file, none empty, each with the byte and line where it begins.

    Newlines are as they are, a byte order mark is left out.
    """
    byte, line = start.byte, start.line
    with _open(path) as file, _reading(path):
        mark = b"" if start.byte else file.read(len(codecs.BOM_UTF8))
        if mark == codecs.BOM_UTF8:
            mark, byte = b"", len(codecs.BOM_UTF8)
        elif mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise InputError(f"{path}: looks like UTF-16, not UTF-8; save it as UTF-8")
        if start.byte:
            file.seek(start.byte)
        data = mark + file.read(BLOCK_BYTES)
        if not data:
            raise InputError(f"{path}: the file is empty; give a text with something in it")
        while data:
            more = file.read(BLOCK_BYTES)
            text, used = _decode(path, data, byte, line, final=not more)
            if text:
                yield text, Place(byte=byte, line=line)
            byte, line = byte + used, line + text.count("\n")
            data = data[used:] + more


def _decode(path: Path, data: bytes, byte: int, line: int, *, final: bool) -> tuple[str, int]:
    def where(place: int) -> str:
        return f"at byte {byte + place} (line {line + data.count(10, 0, place)})"

    nul = data.find(b"\0")
    if nul >= 0:
        raise InputError(f"{path}: binary, not text: NUL {where(nul)}; give UTF-8 text")
    try:
        return codecs.utf_8_decode(data, "strict", final)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 {where(error.start)}: {error.reason} "
            f"(0x{data[error.start]:02x}); save it as UTF-8"
        ) from error


def _open(path: Path) -> BinaryIO:
    try:
        with path.open("rb") as file:
            magic = file.read(2)
        if path.suffix == ".gz" and magic != _GZIP:
            raise InputError(
                f"{path}: named .gz, but not compressed by gzip; rename or compress it"
            )
        return gzip.open(path) if magic == _GZIP else path.open("rb")  # type: ignore[return-value]
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path}: the gzip file is cut off or damaged ({error}); get it again"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the disk") from error


def numbered_lines(path: Path, longest: int = LONGEST_LINE) -> Iterator[tuple[int, bytes]]:
    """The lines of one file with their numbers from 1, without their ends and byte order mark.

    They are bytes, so that the caller can say which line is not UTF-8 and go on. A line is cut off
    after `longest` bytes.
    """
    with _open(path) as file, _reading(path):
        number, begins = 1, True
        while line := file.readline(longest):
            if number == 1 and begins:
                if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                    raise InputError(f"{path}: looks like UTF-16, not UTF-8; save it as UTF-8")
                line = line.removeprefix(codecs.BOM_UTF8)
            if begins:
                yield number, line.rstrip(b"\r\n")
            begins = line.endswith(b"\n")
            number += begins


def decoded_lines(
    path: Path, bad: Callable[[str, str], None], longest: int = _LONGEST_DOCUMENT
) -> Iterator[tuple[int, str]]:
    """The lines of one file of UTF-8, otherwise as `numbered_lines` gives them.

    `bad` is called with the place and the fault of each line that can't be read.
    """
    for number, line in numbered_lines(path, longest):
        text, fault = decode(line, longest)
        if fault:
            bad(f"{path}:{number}", fault)
        else:
            yield number, text


def decode(line: bytes, longest: int) -> tuple[str, str]:
    """The text of a line, and what is wrong with it, or ""."""
    if len(line) >= longest:
        return "", f"longer than {longest:,} bytes"
    if b"\0" in line:
        return "", "binary, not text: it holds a NUL"
    try:
        return line.decode("utf-8"), ""
    except UnicodeDecodeError as error:
        return "", f"not UTF-8 ({error.reason}, byte {error.start + 1})"


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """`decoded_lines` of a file that has to be UTF-8 all through."""

    def refuse(where: str, reason: str) -> None:
        raise InputError(f"{where}: {reason}; save the file as UTF-8")

    return decoded_lines(path, refuse)

"""Files of text, in blocks or by line.

What is missing, unreadable, cut off or not UTF-8 text raises `InputError`, which says where.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from elman.bounds import check_expansion, check_regular
from elman.errors import InputError

BLOCK_BYTES = 1 << 20
LONGEST_LINE = 1 << 20
"""Of a sentence, in bytes."""

LONGEST_DOCUMENT = 1 << 26
"""Of a line that may hold a whole document or a series, in bytes."""

_MARKS = {
    "utf-8": (codecs.BOM_UTF8,),
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Place:
    """Where a block begins, so that reading can start there: characters are of the whole text."""

    file: int = 0
    byte: int = 0
    line: int = 1
    characters: int = 0


def file_blocks(path: Path, start: Place, encoding: str = "") -> Iterator[tuple[str, Place]]:
    """Blocks of about 1 MiB of one file, none empty, each with the byte and line where it begins.

    Line ends are LF, also where the file has CR LF; a byte order mark is left out.
    """
    byte, line = start.byte, start.line
    with _open(path) as file, _reading(path):
        codec = _codec_of(path, file, encoding)
        begin = file.read(len(codecs.BOM_UTF8))
        marks = _MARKS.get(codec, ())
        if codec == "utf-16":
            codec = "utf-16-le" if begin.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
        byte = byte or next((len(mark) for mark in marks if begin.startswith(mark)), 0)
        file.seek(byte)
        data = file.read(BLOCK_BYTES)
        if not data and not start.byte:
            raise InputError(f"{path}: the file is empty; give a text with something in it")
        while data:
            more = file.read(BLOCK_BYTES)
            text, used = _decode(path, data, byte, line, codec, final=not more)
            if more and text.endswith("\r"):  # its LF may come next
                text, used = text[:-1], used - len("\r".encode(codec))
            if text:
                yield text.replace("\r\n", "\n"), Place(byte=byte, line=line)
            byte, line = byte + used, line + text.count("\n")
            _check_gzip(path, file, byte)
            data = data[used:] + more


def _decode(
    path: Path, data: bytes, byte: int, line: int, codec: str, *, final: bool
) -> tuple[str, int]:
    """The text of the bytes, and how many of them it took."""

    def where(place: int) -> str:
        return f"at byte {byte + place} (line {line + data.count(10, 0, place)})"

    nul = -1 if codec.startswith(("utf-16", "utf-32")) else data.find(b"\0")
    if nul >= 0:
        raise InputError(f"{path}: binary, not text: NUL {where(nul)}; give UTF-8 text")
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        text = decoder.decode(data, final)
    except UnicodeDecodeError as error:
        begin = data.rfind(b"\n", 0, error.start) + 1
        remedy = other_encoding(data[begin : begin + 1000])
        if codec != "utf-8":
            remedy = "give another --encoding"
        raise InputError(
            f"{path}: not {codec.upper()} {where(error.start)}: {error.reason} "
            f"(0x{data[error.start]:02x}); {remedy}"
        ) from error
    return text, len(data) - len(decoder.getstate()[0])


def _open(path: Path) -> BinaryIO:
    check_regular(path)
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


def _check_gzip(path: Path, file: BinaryIO, read: int) -> None:
    packed: object = file
    if isinstance(packed, gzip.GzipFile):
        check_expansion(path, read, path.stat().st_size, "decompress it first (gunzip)")


def first_bytes(path: Path) -> bytes:
    """The first of a file, decompressed."""
    with _open(path) as file, _reading(path):
        return file.read(1 << 16)


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


def numbered_lines(
    path: Path, longest: int = LONGEST_LINE, encoding: str = ""
) -> Iterator[tuple[int, bytes]]:
    """The lines of one file with their numbers from 1, without their ends and byte order mark.

    They are bytes of UTF-8, so that the caller can say which line is not UTF-8 and go on; those of
    a file in another `encoding`, or in UTF-16 with a byte order mark, are recoded. A line is cut
    off after `longest` bytes.
    """
    with _open(path) as file, _reading(path):
        codec = _codec_of(path, file, encoding)
        lines = file if codec == "utf-8" else _Recoded(path, file, codec)
        number, begins = 1, True
        held, unchecked = 0, BLOCK_BYTES
        while line := lines.readline(longest):
            held += len(line)
            if held > unchecked:
                _check_gzip(path, file, held)
                unchecked = held + BLOCK_BYTES
            if number == 1 and begins:
                line = line.removeprefix(codecs.BOM_UTF8)
            if begins:
                yield number, line.rstrip(b"\r\n")
            begins = line.endswith(b"\n")
            number += begins


class _Recoded:
    """Lines of a file in any encoding as bytes of UTF-8."""

    def __init__(self, path: Path, file: BinaryIO, codec: str) -> None:
        self._path, self._codec, self._number = path, codec, 1
        self._text = io.TextIOWrapper(file, codec, newline="\n")

    def readline(self, longest: int) -> bytes:
        try:
            line = self._text.readline(longest)
        except UnicodeError as error:
            reason = getattr(error, "reason", str(error))
            raise InputError(
                f"{self._path}:{self._number}: not {self._codec} ({reason}) here or a little"
                " further on; give another --encoding"
            ) from error
        self._number += line.endswith("\n")
        return line.encode("utf-8", "surrogatepass")


def encoding_of(path: Path, asked: str = "", kept: str = "") -> str:
    """The encoding to read a file with: what is `asked` for, else what its bytes say, else `kept`.

    A byte order mark tells UTF-8 and UTF-16. Bytes that all are UTF-8 are UTF-8, also where an
    earlier file was written otherwise.
    """
    with _open(path) as file, _reading(path):
        codec = _codec_of(path, file, asked)
        if asked or codec != "utf-8" or kept in ("", "utf-8"):
            return codec
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while block := file.read(BLOCK_BYTES):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return kept
    return codec


def _codec_of(path: Path, file: BinaryIO, encoding: str) -> str:
    """The codec of an open file, which is then at its beginning."""
    begin = file.read(len(codecs.BOM_UTF8))
    file.seek(0)
    utf_16 = begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    marked = "utf-16" if utf_16 else "utf-8" if begin == codecs.BOM_UTF8 else ""
    if marked and encoding and not encoding.startswith(marked):
        raise InputError(
            f"{path}: --encoding {encoding}, but its first bytes say {marked}; leave the flag out"
        )
    return marked or encoding or "utf-8"


def decoded_lines(
    path: Path,
    bad: Callable[[str, str], None],
    longest: int = LONGEST_DOCUMENT,
    encoding: str = "",
) -> Iterator[tuple[int, str]]:
    """The lines of one file as text, otherwise as `numbered_lines` gives them.

    `bad` is called with the place and the fault of each line that can't be read.
    """
    for number, line in numbered_lines(path, longest, encoding):
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
        if line.startswith(b"PK\x03\x04"):
            return "", "a zip file, such as .xlsx, not text; save the sheet as CSV"
        return "", "binary, not text: it holds a NUL"
    try:
        return line.decode("utf-8"), ""
    except UnicodeDecodeError as error:
        return "", f"not UTF-8 ({spot(line, error.start)}); {other_encoding(line)}"


def spot(line: bytes, place: int) -> str:
    """A byte of a line, as an error names it."""
    return f"byte {place + 1} is 0x{line[place]:02x}"


def other_encoding(data: bytes) -> str:
    """What to do with bytes that are not UTF-8."""
    windows = any(0x80 <= byte < 0xA0 for byte in data)
    first, second = ("cp1252", "latin-1") if windows else ("latin-1", "cp1252")
    return f"if it is {first} or {second}, say so: --encoding {first}"


def text_lines(path: Path, encoding: str = "") -> Iterator[tuple[int, str]]:
    """`decoded_lines` of a file that has to be readable all through."""

    def refuse(where: str, reason: str) -> None:
        remedy = "" if "; " in reason else "; save the file as UTF-8"
        raise InputError(f"{where}: {reason}{remedy}")

    return decoded_lines(path, refuse, encoding=encoding)

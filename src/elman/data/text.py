"""Text on disk: which files are the training, validation and test text, read in blocks.

A text may be larger than memory: nothing here holds more than a block of it. What is missing, too
short or not UTF-8 text raises `InputError`, in part only when it is read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from elman.data.folders import files_in
from elman.data.given import Columns, Data, Files, Given, Texts, given
from elman.data.split_names import parts_of
from elman.data.tables.read import read_columns
from elman.data.text_files import (
    BLOCK_BYTES,
    LONGEST_DOCUMENT,
    Place,
    encoding_of,
    file_blocks,
    first_bytes,
)
from elman.errors import InputError

_FEWEST_CHARACTERS = 2
_BEGINNING = Place()


@dataclass(frozen=True)
class Text:
    """Characters `start` to `stop` of the files, read as one text one after the other.

    Attributes:
        files: UTF-8 files or such files compressed by gzip, in order, or a string, the text itself;
            a newline is put after a file that does not end in one, so that its last word stays
            apart.
        start: the first character.
        stop: the character after the last; None for the end of the files.
        name: what errors call it.
        encoding: of the files; "" for UTF-8, or what a byte order mark says.
    """

    files: tuple[Path | str, ...]
    start: int = 0
    stop: int | None = None
    name: str = "the text"
    encoding: str = ""
    _from: Place = _BEGINNING

    def blocks(self) -> Iterator[str]:
        """The text in blocks of about 1 MiB, from its beginning each time."""
        position = self._from.characters
        for block, _ in _blocks(self.files, self._from, self.encoding):
            first = max(self.start - position, 0)
            last = len(block) if self.stop is None else self.stop - position
            if first < min(last, len(block)):
                yield block[first:last]
            position += len(block)
            if self.stop is not None and position >= self.stop:
                return


@dataclass(frozen=True)
class TextSplit:
    """The three parts of a data set; there may be no test text."""

    train: Text
    valid: Text
    test: Text | None


def resolve_sources(
    data: Data | Given,
    *,
    valid_fraction: float = 0.05,
    test_fraction: float = 0.05,
    encoding: str = "",
) -> TextSplit:
    """Find the training, validation and test text.

    `data` is one file; or one folder, which holds either `train.*`, `valid.*` and perhaps `test.*`,
    or any files of text, read in the order of their names; or two or three files: train, valid and
    perhaps test; or texts, a line each. What is not split yet is cut by position: the test text at
    the very end, before it the validation text, a fraction of the characters each.
    """
    parts = parts_of(given(data), needed=("train", "valid"))
    texts = {name: whole_text(part, encoding) for name, part in parts.items()}
    train, test = texts["train"], texts.get("test")
    if "valid" in texts:
        return TextSplit(train, texts["valid"], test)
    cut = _split_by_position(train, valid_fraction, 0.0 if test else test_fraction)
    return replace(cut, test=test or cut.test)


def whole_text(data: Data | Given, encoding: str = "", kept: str = "") -> Text:
    """All of the texts or files; of a folder, all files but hidden and empty ones.

    Lines end in LF, however they are written. Files are in the `encoding`; where that is "", in
    UTF-8, or all of them in `kept` if one of them is not.
    """
    found = given(data)
    match found:
        case Files():
            files = tuple(file for path in found.paths for file in _text_files(path))
            if kept and not encoding:
                found_in = {encoding_of(file, "", kept) for file in files}
                encoding = kept if kept in found_in else ""
            return Text(files, name=str(found.paths[0]), encoding=encoding)
        case Texts(labels=None):
            return Text((_joined(found),), name=found.where)
        case Texts():
            raise InputError(f"{found.where}: texts with labels; give the texts alone")
        case Columns():
            return whole_text(texts_of(found))
    raise InputError("data: not text; give files of text, or strings")


def notes_of(text: Text) -> tuple[str, ...]:
    """What is not as it stands in the first file, in lines for the terminal."""
    first, name = text.files[0], Path(text.name).name
    begin = first_bytes(first) if isinstance(first, Path) else b""
    encoding = text.encoding or (encoding_of(first) if isinstance(first, Path) else "utf-8")
    lines = [f"{name}: read as {encoding}"] if encoding != "utf-8" else []
    if b"\r\n" in begin:
        lines.append(f"{name}: lines end in CR LF, which is read as LF")
    return tuple(lines)


def texts_of(columns: Columns) -> Texts:
    """The texts of a table: of its only column, or of the one called text."""
    table = read_columns(columns)
    name = next(iter(table.columns)) if len(table.columns) == 1 else "text"
    if name not in table.columns:
        raise InputError(
            f"{table.name}: which column holds the texts ({', '.join(table.columns)}) is not clear;"
            " rename it to text"
        )
    texts = table.cells(name)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"{table.where(row)}: expected text, got {text!r}; correct the row")
    return Texts(texts, where=table.name)


def _joined(given: Texts) -> str:
    lines = (line.replace("\r\n", "\n") for line in given.texts)
    text = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{given.where}: not Unicode at character {error.start} ({error.reason}); leave it out"
        ) from error
    return text


def _text_files(path: Path) -> tuple[Path, ...]:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    if stat.S_ISREG(mode):
        return (path,)
    if not stat.S_ISDIR(mode):
        raise InputError(f"{path}: not a file that can be read twice; save the text in one first")
    files = [file for file in files_in(path) if file.stat().st_size > 0]
    if not files:
        raise InputError(f"{path}: the folder holds no files with text; give one that does")
    return tuple(files)


def lines_of(path: str | os.PathLike[str], encoding: str = "", kept: str = "") -> Iterator[str]:
    """The lines of a file, or of the files of a folder, without what ends them (LF or CRLF)."""
    waiting = ""
    for block in whole_text(Path(path), encoding, kept).blocks():
        *complete, waiting = (waiting + block).split("\n")
        if len(waiting) > LONGEST_DOCUMENT:
            raise InputError(
                f"{path}: a line is longer than {LONGEST_DOCUMENT:,} characters, the bound of"
                " what is read at once; cut it into lines"
            )
        yield from complete
    if waiting:
        yield waiting.removesuffix("\r")


def _split_by_position(text: Text, valid_fraction: float, test_fraction: float) -> TextSplit:
    if not (0 < valid_fraction < 1 and 0 <= test_fraction < 1 - valid_fraction):
        raise InputError(
            "the validation fraction must be above 0, the test fraction at least 0, and both "
            f"together below 1, got {valid_fraction} and {test_fraction}"
        )
    places, length = [], 0
    for block, place in _blocks(text.files, _BEGINNING, text.encoding):
        places.append(place)
        length += len(block)
    # A hair is added so that 0.9 of 10 is 9 and not 8, whatever the binary fractions come to.
    train_end = int(length * (1 - valid_fraction - test_fraction) + 1e-6)
    valid_end = int(length * (1 - test_fraction) + 1e-6)
    cuts = [0, train_end, valid_end] + ([length] if test_fraction else [])
    shortest = min(stop - start for start, stop in pairwise(cuts))
    if shortest < _FEWEST_CHARACTERS:
        raise InputError(
            f"{text.name}: too short: of its {length} characters, the training, validation and "
            f"test parts must have at least {_FEWEST_CHARACTERS} each; use a longer text"
        )

    def part(start: int, stop: int) -> Text:
        before = next(place for place in reversed(places) if place.characters <= start)
        return replace(text, start=start, stop=stop, _from=before)

    return TextSplit(
        part(0, train_end),
        part(train_end, valid_end),
        part(valid_end, length) if test_fraction else None,
    )


def _blocks(
    files: Sequence[Path | str], start: Place, encoding: str
) -> Iterator[tuple[str, Place]]:
    characters = start.characters
    for number in range(start.file, len(files)):
        begin = start if number == start.file else Place(number)
        block, place = "\n", begin
        text = files[number]
        if isinstance(text, Path):
            within_file = file_blocks(text, begin, encoding)
        else:
            cuts = range(begin.byte, len(text), BLOCK_BYTES)
            within_file = ((text[cut : cut + BLOCK_BYTES], Place(byte=cut)) for cut in cuts)
        for block, within in within_file:
            place = Place(number, within.byte, within.line, characters)
            yield block, place
            characters += len(block)
        if block[-1] != "\n" and number + 1 < len(files):
            yield "\n", place  # to start at this newline, read the block before it again
            characters += 1

"""Text on disk: which files are the training, validation and test text, read in blocks.

A text may be larger than memory: nothing here holds more than a block of it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from elman.data.reading import Place, file_blocks, read_blocks
from elman.data.roles import role_of
from elman.errors import InputError

__all__ = ["Text", "TextSplit", "read_blocks", "resolve_sources", "whole_text"]

_FEWEST_CHARACTERS = 2
_BEGINNING = Place()
_BY_NAME = "name the files one by one: train valid test"


@dataclass(frozen=True)
class Text:
    """Characters `start` to `stop` of the files, read as one text one after the other.

    Attributes:
        files: UTF-8 files or such files compressed by gzip, in order; a newline is put after a
            file that does not end in one, so that its last word stays apart.
        start: the first character.
        stop: the character after the last; None for the end of the files.
    """

    files: tuple[Path, ...]
    start: int = 0
    stop: int | None = None
    _from: Place = _BEGINNING

    def blocks(self) -> Iterator[str]:
        """The text in blocks of about 1 MiB, from its beginning each time.

        Raises:
            InputError: a file cannot be read, is empty, or is not UTF-8 text.
        """
        position = self._from.characters
        for block, _ in _blocks(self.files, self._from):
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
    paths: Sequence[str | os.PathLike[str]],
    *,
    valid_fraction: float = 0.05,
    test_fraction: float = 0.05,
) -> TextSplit:
    """Find the training, validation and test text.

    Args:
        paths: one file; or one folder, which holds either `train.*`, `valid.*` and perhaps
            `test.*`, or any files of text, read in the order of their names; or two or three
            paths: train, valid and perhaps test.
        valid_fraction: of the characters of a single file or folder, those at the end but for the
            test text; unused where the files are split already.
        test_fraction: of the characters, those at the very end; 0 for no test text.

    Raises:
        InputError: a path is missing or holds no text, the text is too short, or is not UTF-8
            (where it has to be counted; else that is found when it is read).
    """
    if not 1 <= len(paths) <= 3:
        raise InputError(
            f"got {len(paths)} paths, expected one file or folder, or train valid test"
        )
    texts = [whole_text(path) for path in paths]
    if len(texts) > 1:
        return TextSplit(texts[0], texts[1], texts[2] if len(texts) > 2 else None)
    folder = Path(paths[0])
    if folder.is_dir() and (split := _split_by_name(folder)):
        return split
    return _split_by_position(folder, texts[0], valid_fraction, test_fraction)


def whole_text(path: str | os.PathLike[str]) -> Text:
    """All of a file, or of the files of a folder (hidden and empty ones left out).

    Raises:
        InputError: there is nothing to read.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    if stat.S_ISREG(mode):
        return Text((path,))
    if not stat.S_ISDIR(mode):
        raise InputError(f"{path}: not a file that can be read twice; save the text in one first")
    files = []
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(folder, name) for name in names if not name.startswith(".")]
    files = sorted(file for file in files if file.is_file() and file.stat().st_size > 0)
    if not files:
        raise InputError(f"{path}: the folder holds no files with text; give one that does")
    return Text(tuple(files))


def lines_of(path: str | os.PathLike[str]) -> Iterator[str]:
    """The lines of a file, or of the files of a folder, without what ends them (LF or CRLF).

    Raises:
        InputError: as `whole_text` and `Text.blocks`.
    """
    waiting = ""
    for block in whole_text(path).blocks():
        *complete, waiting = (waiting + block).split("\n")
        yield from (line.removesuffix("\r") for line in complete)
    if waiting:
        yield waiting.removesuffix("\r")


def _split_by_name(folder: Path) -> TextSplit | None:
    """The files named after their parts; None where names say nothing."""
    found: dict[str, list[Path]] = {}
    for file in sorted(folder.iterdir()):
        role = role_of(file.name)
        if file.is_file() and not file.name.startswith(".") and role:
            found.setdefault(role, []).append(file)
    if len(found) < 2:
        return None
    for role, several in found.items():
        if len(several) > 1:
            raise InputError(
                f"{folder}: {len(several)} files could be the {role} text "
                f"({several[0].name}, {several[1].name}); {_BY_NAME}"
            )
    names = " and ".join(found[role][0].name for role in sorted(found, reverse=True))
    for role in ("train", "valid"):
        if role not in found:
            raise InputError(f"{folder}: holds {names} but no {role}.*; add it, or {_BY_NAME}")
    return TextSplit(
        Text(tuple(found["train"])),
        Text(tuple(found["valid"])),
        Text(tuple(found["test"])) if "test" in found else None,
    )


def _split_by_position(
    path: Path, text: Text, valid_fraction: float, test_fraction: float
) -> TextSplit:
    if not (0 < valid_fraction < 1 and 0 <= test_fraction < 1 - valid_fraction):
        raise InputError(
            "the validation fraction must be above 0, the test fraction at least 0, and both "
            f"together below 1, got {valid_fraction} and {test_fraction}"
        )
    places, length = [], 0
    for block, place in _blocks(text.files, _BEGINNING):
        places.append(place)
        length += len(block)
    # A hair is added so that 0.9 of 10 is 9 and not 8, whatever the binary fractions come to.
    train_end = int(length * (1 - valid_fraction - test_fraction) + 1e-6)
    valid_end = int(length * (1 - test_fraction) + 1e-6)
    cuts = [0, train_end, valid_end] + ([length] if test_fraction else [])
    shortest = min(stop - start for start, stop in pairwise(cuts))
    if shortest < _FEWEST_CHARACTERS:
        raise InputError(
            f"{path}: too short: of its {length} characters, the training, validation and test "
            f"parts must have at least {_FEWEST_CHARACTERS} each; use a longer text"
        )

    def part(start: int, stop: int) -> Text:
        before = next(place for place in reversed(places) if place.characters <= start)
        return Text(text.files, start, stop, before)

    return TextSplit(
        part(0, train_end),
        part(train_end, valid_end),
        part(valid_end, length) if test_fraction else None,
    )


def _blocks(files: Sequence[Path], start: Place) -> Iterator[tuple[str, Place]]:
    characters = start.characters
    for number in range(start.file, len(files)):
        begin = start if number == start.file else Place(number)
        block, place = "\n", begin
        for block, within in file_blocks(files[number], begin):
            place = Place(number, within.byte, within.line, characters)
            yield block, place
            characters += len(block)
        if block[-1] != "\n" and number + 1 < len(files):
            yield "\n", place  # to start at this newline, read the block before it again
            characters += 1

"""Rows of sentence pairs: two parallel files, a table of tab-separated columns, or JSON lines.

What is wrong with a row is said with its file and line, or counted where bad rows are skipped.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from elman.data.given import Data, Given, paths_of
from elman.data.text_files import LONGEST_LINE, numbered_lines
from elman.errors import InputError

NAMES = (("source", "target"), ("src", "tgt"), ("src", "trg"), ("input", "output"))
"""What the two columns or keys are called in files that need no telling."""

_NESTED = "translation"
JSON_LINES = (".jsonl", ".ndjson", ".json")
TABLES = (".tsv", ".tab", *JSON_LINES)


@dataclass(frozen=True)
class Pair:
    """A sentence and its translation: NFC, single spaces, no newline, neither of them empty."""

    source: str
    target: str


@dataclass
class Reader:
    """Reads pairs and keeps count of what it left out.

    Attributes:
        source: the column or key of the source, where it is named.
        target: that of the target.
        insist: the names must be there; or else they are only tried first.
        skip_bad_rows: count a row that can't be read, rather than stop at it.
        bad: rows left out that could not be read.
        empty: rows left out that hold nothing on either side.
        found: sentences that say which columns or keys were taken.
    """

    source: str | None = None
    target: str | None = None
    insist: bool = True
    skip_bad_rows: bool = False
    bad: int = 0
    empty: int = 0
    found: list[str] = field(default_factory=list)

    def read(self, data: Data | Given) -> list[Pair]:
        """The pairs of two parallel files, or of one table.

        Raises:
            InputError: a file or a row that can't be read, columns that are missing or not clear.
        """
        files = paths_of(data, "pairs")
        if len(files) == 2:
            rows = self._parallel(*files)
        elif suffix(files[0]) in JSON_LINES:
            rows = self._json_lines(files[0])
        else:
            rows = self._table(files[0])
        pairs = [pair for where, row in rows if (pair := self._pair(where, row)) is not None]
        if not pairs:
            raise InputError(f"{files[0]}: holds no sentence pairs; give a file with some in it")
        return pairs

    def _parallel(self, source: Path, target: Path) -> Iterator[tuple[str, list[str] | None]]:
        count = 0
        for left, right in zip_longest(_whole_lines(source), _whole_lines(target)):
            if left is None or right is None:
                longer, shorter = (source, target) if right is None else (target, source)
                raise InputError(
                    f"{longer}: goes on after line {count}, where {shorter} ends; parallel files"
                    " must have as many lines as each other"
                )
            count = left[0]
            texts = []
            for path, (number, line) in ((source, left), (target, right)):
                if (text := self._text(path, number, line)) is None:
                    break
                texts.append(text)
            yield f"{source}:{count}", texts if len(texts) == 2 else None

    def _table(self, path: Path) -> Iterator[tuple[str, list[str] | None]]:
        places: tuple[int, int] | None = None
        for number, line in _whole_lines(path):
            where = f"{path}:{number}"
            text = self._text(path, number, line)
            if text is None or not text.strip():
                self.empty += text is not None
                continue
            fields = text.split("\t")
            if places is None:
                places, is_header = self._columns(path, fields)
                if is_header:
                    continue
            if len(fields) <= max(places):
                self._complain(
                    where,
                    f"has {_columns(len(fields))}, expected at least {max(places) + 1} with tabs"
                    " between them",
                )
                continue
            yield where, [fields[place] for place in places]

    def _columns(self, path: Path, first: Sequence[str]) -> tuple[tuple[int, int], bool]:
        """Where the two columns are, and whether the first line is a header."""
        names = [name.strip().lower() for name in first]
        if self.source is not None and self.target is not None:
            wanted = (self.source, self.target)
            if all(name.isdecimal() and int(name) > 0 for name in wanted):
                return (int(wanted[0]) - 1, int(wanted[1]) - 1), False
            missing = [name for name in wanted if name.lower() not in names]
            if not missing:
                self.found.append(f"source: column {wanted[0]!r}, target: column {wanted[1]!r}")
                return (names.index(wanted[0].lower()), names.index(wanted[1].lower())), True
            if self.insist:
                raise InputError(
                    f"{path}:1: has no column {missing[0]!r}, only {', '.join(first)}; name two of"
                    " them, or number them from 1, with --source and --target"
                )
        for source, target in NAMES:
            if {source, target} <= set(names):
                self.found.append(f"source: column {source!r}, target: column {target!r}")
                return (names.index(source), names.index(target)), True
        if len(first) != 2:
            raise InputError(
                f"{path}:1: has {_columns(len(first))}, and which two are the sentences is not"
                " clear; number or name them, such as --source 1 --target 2"
            )
        self.found.append("source: column 1, target: column 2 (no header)")
        return (0, 1), False

    def _json_lines(self, path: Path) -> Iterator[tuple[str, list[str] | None]]:
        keys: tuple[str, str] | None = None
        for number, line in _whole_lines(path):
            where = f"{path}:{number}"
            text = self._text(path, number, line)
            if text is None or not text.strip():
                self.empty += text is not None
                continue
            try:
                row: Any = json.loads(text)
            except (ValueError, RecursionError) as error:
                self._complain(where, f"not JSON ({error})")
                continue
            if isinstance(row, dict) and isinstance(row.get(_NESTED), dict):
                row = row[_NESTED]
            if not isinstance(row, dict):
                self._complain(where, "not a JSON object with a source and a target")
                continue
            if keys is None:
                keys = self._keys(where, row)
            missing = [key for key in keys if not isinstance(row.get(key), str)]
            if missing:
                self._complain(where, f"has no text under {missing[0]!r}")
                continue
            yield where, [row[key] for key in keys]

    def _keys(self, where: str, row: dict[str, Any]) -> tuple[str, str]:
        """The two keys, from the names given or from what the first row has."""
        named = self.source is not None and self.target is not None
        if named and (self.insist or {self.source, self.target} <= set(row)):
            return str(self.source), str(self.target)
        texts = [key for key, value in row.items() if isinstance(value, str)]
        known = [pair for pair in NAMES if set(pair) <= set(texts)]
        if not known and len(texts) != 2:
            raise InputError(
                f"{where}: of its keys {', '.join(row) or '(none)'}, which two are the sentences is"
                " not clear; name them with --source and --target"
            )
        source, target = known[0] if known else (texts[0], texts[1])
        self.found.append(f"source: key {source!r}, target: key {target!r}")
        return source, target

    def _text(self, path: Path, number: int, line: bytes) -> str | None:
        """A line decoded; None where that can't be done and bad rows are skipped."""
        problem = ""
        if len(line) >= LONGEST_LINE:
            problem = f"longer than {LONGEST_LINE:,} bytes, so not a sentence"
        elif b"\0" in line:
            problem = "binary, not text: it holds a NUL"
        else:
            try:
                return line.decode("utf-8")
            except UnicodeDecodeError as error:
                problem = f"not UTF-8 ({error.reason}, byte {error.start + 1})"
        self._complain(f"{path}:{number}", problem)
        return None

    def _pair(self, where: str, row: Sequence[str] | None) -> Pair | None:
        if row is None:
            return None
        source, target = map(clean, row)
        if source and target:
            return Pair(source, target)
        if source or target:
            side = "target" if source else "source"
            self._complain(where, f"the {side} is empty, the other side is not")
        else:
            self.empty += 1
        return None

    def _complain(self, where: str, problem: str) -> None:
        if not self.skip_bad_rows:
            raise InputError(f"{where}: {problem}; mend it, or leave such rows: --skip-bad-rows")
        self.bad += 1


def clean(text: str) -> str:
    """A sentence as models read it: NFC, single spaces, nothing at its ends, no lone surrogates."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join(unicodedata.normalize("NFC", text).split())


def suffix(path: Path) -> str:
    """What kind of file the name says, in lower case and whether compressed or not."""
    name = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return name.suffix.lower()


def _whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines by number, one that comes in pieces cut after the first."""
    last = 0
    for number, line in numbered_lines(path):
        if number > last:
            yield number, line
        last = number


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"

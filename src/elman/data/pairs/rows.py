"""Rows of sentence pairs: two parallel files, a table, or pairs in memory; or sources alone.

What is wrong with a row is said with its file and line, or counted where bad rows are skipped.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from shlex import quote
from typing import Any

from elman.bounds import Budget
from elman.data.given import Columns, Data, Files, Given, Pairs, name_of, one_part
from elman.data.tables.asked import Asked
from elman.data.tables.dialect import Dialect
from elman.data.tables.read import KINDS, read_columns, read_file, suffix_of
from elman.data.tables.table import BadRows, Table, listed
from elman.data.text import lines_of
from elman.data.text_files import LONGEST_LINE, decode, encoding_of, numbered_lines
from elman.errors import InputError

NAMES = (("source", "target"), ("src", "tgt"), ("src", "trg"), ("input", "output"))
"""What the two columns or keys are called in files that need no telling."""

_CODES = (
    "ar bg bn ca cs da de el en es et eu fa fi fr ga gl he hi hr hu hy id is it ja ka kk ko lt lv"
    " mk ms mt nb nl nn no pl pt ro ru sk sl sq sr sv sw ta th tl tr uk ur vi zh"
)
_SPOKEN = (
    "arabic basque bulgarian catalan chinese croatian czech danish dutch english estonian finnish"
    " french german greek hebrew hindi hungarian icelandic indonesian irish italian japanese korean"
    " latvian lithuanian norwegian persian polish portuguese romanian russian slovak slovene"
    " spanish swedish thai turkish ukrainian urdu vietnamese welsh"
)
LANGUAGES = frozenset(f"{_CODES} {_SPOKEN}".split())
"""Two of them in the first row are names of columns."""

_NESTED = "translation"
_LOOKED_AT = 100

_BYTES_OF_A_PAIR = 500
"""Memory for a pair of short sentences, each a string of Python's."""


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
        asked: what the user says of how a table is written.
        dialect: how the first table was written, which later ones are read by.
        empty: rows left out that hold nothing on either side.
        found: sentences that say which columns were taken.
    """

    source: str | None = None
    target: str | None = None
    insist: bool = True
    skip_bad_rows: bool = False
    asked: Asked = Asked()  # noqa: RUF009 (frozen)
    dialect: Dialect | None = None
    empty: int = 0
    found: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bad = BadRows(self.skip_bad_rows)

    def read(self, data: Data | Given) -> list[Pair]:
        """The pairs of two parallel files, of one table, or in memory."""
        part = one_part(data)
        match part:
            case Files((source, target)):
                rows = self._parallel(source, target)
            case Files((path,)):
                kind = "" if is_table(path) else "delimited"
                names = (str(self.source), str(self.target))
                numbered = all(name.isdecimal() and int(name) > 0 for name in names)
                header = not numbered and self._has_names
                table = read_file(
                    path,
                    self.bad,
                    header=header,
                    dialect=self.dialect,
                    asked=self.asked,
                    kind=kind,
                )
                if table.dialect is not None:
                    self.found += replace(table.dialect, header=True).notes(table.name)
                    self.dialect = self.dialect or table.dialect
                rows = self._table(table)
            case Columns():
                rows = self._table(read_columns(part))
            case Pairs():
                rows = ((f"{part.where}:{n}", pair) for n, pair in enumerate(part.pairs, 1))
            case _:
                raise InputError(
                    f"{name_of(part)}: not sentence pairs; give two parallel files, one table, or"
                    " a list of pairs of strings"
                )
        pairs = [pair for where, row in rows if (pair := self._pair(where, row)) is not None]
        if not pairs:
            raise InputError(f"{name_of(part)}: holds no sentence pairs; give data with some")
        return pairs

    def _parallel(self, source: Path, target: Path) -> Iterator[tuple[str, Sequence[Any]]]:
        count, budget = 0, Budget(source)
        kept = self.dialect.encoding if self.dialect else ""
        encodings = [encoding_of(path, self.asked.encoding, kept) for path in (source, target)]
        self.dialect = self.dialect or Dialect(encoding=encodings[0])
        lines = [
            numbered_lines(path, encoding=encoding)
            for path, encoding in zip((source, target), encodings, strict=True)
        ]
        for left, right in zip_longest(*lines):
            if left is None or right is None:
                longer, shorter = (source, target) if right is None else (target, source)
                raise InputError(
                    f"{longer}: goes on after line {count}, where {shorter} ends; parallel files"
                    " must have as many lines as each other"
                )
            count = left[0]
            budget.take(_BYTES_OF_A_PAIR)
            for path, (number, line) in ((source, left), (target, right)):
                if fault := decode(line, LONGEST_LINE)[1]:
                    self.bad.add(f"{path}:{number}", fault)
                    break
            else:
                yield f"{source}:{count}", (left[1].decode(), right[1].decode())

    def _table(self, table: Table) -> Iterator[tuple[str, Sequence[Any]]]:
        self.empty += table.blank
        columns: dict[str, list[Any]] = {name: table.cells(name) for name in table.columns}
        if any(isinstance(cell, dict) for cell in columns.get(_NESTED, ())):
            columns = _inner(columns[_NESTED])
        chosen = self._choose(table, columns)
        for row, pair in enumerate(zip(*map(columns.__getitem__, chosen), strict=True)):
            where = table.where(row)
            wrong = [name for name, c in zip(chosen, pair, strict=True) if not isinstance(c, str)]
            if wrong:
                self.bad.add(where, f"has no text under {wrong[0]!r}")
            else:
                yield where, pair

    def _has_names(self, rows: Sequence[Sequence[str]]) -> bool:
        """Whether the first row has the names of columns that are looked for."""
        names = {cell.strip().lower() for cell in rows[0]}
        named = {str(self.source).lower(), str(self.target).lower()}
        languages = len(names) == len(rows[0]) == 2 and names <= LANGUAGES
        return named <= names or languages or any({*pair} <= names for pair in NAMES)

    def _choose(self, table: Table, columns: dict[str, list[Any]]) -> tuple[str, str]:
        """The columns of the source and of the target."""
        by_lower = _by_lower(columns)
        wanted = [NAMES[0], *NAMES]
        if self.source is not None and self.target is not None:
            wanted[0] = (self.source.lower(), self.target.lower())
            missing = [n for n in (self.source, self.target) if n.lower() not in by_lower]
            if missing and self.insist:
                raise InputError(
                    f"{table.name}: has no column {missing[0]!r}, only {listed(columns)}; name two"
                    " of them, or number them from 1, with --source and --target"
                )
        chosen = [by_lower[name] for pair in wanted if {*pair} <= by_lower.keys() for name in pair]
        texts = chosen[:2] or [
            name
            for name, cells in columns.items()
            if any(isinstance(cell, str) for cell in cells[:_LOOKED_AT])
        ]
        if len(texts) != 2:
            if len(columns) < 2:
                raise InputError(
                    f"{table.name}: has one column, but sentences need two, the source and the"
                    " target; give a table of two columns, or two files with a sentence a line"
                )
            first, second = (
                quote(str(name)) for name in list(texts if len(texts) > 1 else columns)[:2]
            )
            raise InputError(
                f"{table.name}: has {len(columns)} columns, and which two are the sentences is not"
                f" clear; name them (of {listed(columns)}), such as"
                f" --source {first} --target {second}"
            )
        source, target = texts
        shown = (repr(source), repr(target))
        if not table.header:
            first = " and ".join(repr(str(columns[name][0])[:40]) for name in texts)
            shown = (source, f"{target} (no header: the first pair is {first})")
        self.found.append(f"source: column {shown[0]}, target: column {shown[1]}")
        return source, target

    def _pair(self, where: str, row: Sequence[str]) -> Pair | None:
        if max(map(len, row)) >= LONGEST_LINE:
            self.bad.add(where, f"longer than {LONGEST_LINE:,} characters, so not a sentence")
            return None
        source, target = map(clean, row)
        if source and target:
            return Pair(source, target)
        if source or target:
            side = "target" if source else "source"
            self.bad.add(where, f"the {side} is empty, the other side is not")
        else:
            self.empty += 1
        return None


def read_sources(
    data: Path | Columns,
    column: str | None = None,
    dialect: Dialect | None = None,
    asked: Asked = Asked(),  # noqa: B008 (frozen)
) -> Iterator[str]:
    """The sentences of a text file with one on each line, or of a table, a row each.

    The column is `column`, its name or number; else one with a usual name; else the only column, or
    the first of two.
    """
    names = [*([] if column is None else [column.lower()]), *(source for source, _ in NAMES)]
    if isinstance(data, Columns):
        table = read_columns(data)
    elif not is_table(data) and not asked.delimiter:
        kept = dialect.encoding if dialect else ""
        return lines_of(data, encoding_of(data, asked.encoding, kept))
    else:
        table = read_file(
            data,
            BadRows(remedy="correct the row"),
            header=lambda rows: not {*names}.isdisjoint(cell.strip().lower() for cell in rows[0]),
            dialect=dialect,
            asked=asked,
            kind="" if is_table(data) else "delimited",
        )
    by_lower = _by_lower(table.columns)
    found = [by_lower[name] for name in names if name in by_lower]
    if not found and len(table.columns) not in (1, 2):
        raise InputError(
            f"{table.name}: which of its columns ({listed(table.columns)}) is the source is not"
            " clear; rename it to source"
        )
    cells = table.cells((found or list(table.columns))[0])
    for row, cell in enumerate(cells):
        if not isinstance(cell, str):
            raise InputError(f"{table.where(row)}: expected text, got {cell!r}; correct the row")
    return iter(cells)


def _by_lower(names: Iterable[str]) -> dict[str, str]:
    """Each name by itself in lower case; the first of those that then are the same."""
    return {name.lower(): name for name in reversed(list(names))}


def is_table(path: Path) -> bool:
    """Whether a file holds pairs, rather than one side of them."""
    return KINDS.get(suffix_of(path), "lines") != "lines"


def _inner(cells: Sequence[Any]) -> dict[str, list[Any]]:
    """The columns of objects in a column."""
    rows = [cell if isinstance(cell, dict) else {} for cell in cells]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def clean(text: str) -> str:
    """A sentence as models read it: NFC, single spaces, nothing at its ends, no lone surrogates."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join(unicodedata.normalize("NFC", text).split())

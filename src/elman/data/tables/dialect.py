"""How the text of a table is written: what stands between cells, and how numbers look.

It is decided over a whole table, is a value, and reads every later table of the same kind.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from elman.data.tables.asked import Asked
from elman.data.tables.numerals import MISSING, number
from elman.errors import InputError

__all__ = ["MISSING", "Dialect", "find_dialect", "names_delimiter", "not_a_row"]

DELIMITERS = ("\t", ";", "|", ",")
"""Where several cut all lines alike, the first of them does: a comma may be a decimal one."""

_SEP = re.compile(r"sep=(.)", re.IGNORECASE)
_SPOKEN = {"\t": "tabs", " ": "spaces", "'": "apostrophes"}


@dataclass(frozen=True)
class Dialect:
    """How a table is written; JSON as it is.

    Attributes:
        delimiter: what stands between cells.
        quoted: whether a quotation mark encloses a cell; else it is a character like any other.
        decimal: the sign between the whole and the rest of a number, "." or ",".
        thousands: the signs that may stand between groups of three digits, of ",", ".", "'" and
            " ", which stands for every kind of space.
        encoding: the codec of the file.
        header: whether the names of the columns were in the table.
        missing: words that stand for a missing number besides those of `MISSING`.
    """

    delimiter: str = ","
    quoted: bool = True
    decimal: str = "."
    thousands: str = ""
    encoding: str = "utf-8"
    header: bool = True
    missing: tuple[str, ...] = ()

    def said(self, asked: Asked) -> Dialect:
        """This, with what a user says of it."""
        return replace(
            self,
            delimiter=asked.delimiter or self.delimiter,
            decimal=asked.decimal or self.decimal,
            thousands=asked.thousands or self.thousands,
            missing=asked.missing or self.missing,
        )

    def fits(self, lines: Sequence[str]) -> bool:
        """Whether the first lines of a table may be written so."""
        return _agreement(lines, self.delimiter)[1] > 1

    def rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """The cells of each row."""
        if self.quoted:
            return csv.reader(lines, delimiter=self.delimiter, strict=True)
        return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE)

    def cells(self, line: str, where: str) -> list[str]:
        """The cells of one line."""
        try:
            return next(self.rows([line.removesuffix("\n")]), [])
        except csv.Error as error:
            raise InputError(f"{where}: {not_a_row(error)}") from error

    def number(self, text: str) -> float | None:
        """The number in a cell: NaN where it is missing, None where it is not a number."""
        return number(text, self.decimal, self.thousands, self.missing)

    def notes(self, name: str) -> tuple[str, ...]:
        """What is not as everyone expects of a file of this name, in a line for the terminal."""
        usual = "\t" if name.lower().removesuffix(".gz").endswith((".tsv", ".tab")) else ","
        found = []
        if self.delimiter != usual:
            found.append(f"{_spoken(self.delimiter)} between cells")
        if self.decimal != ".":
            found.append("a decimal comma")
        if self.thousands:
            found.append(f"{_all_of(list(map(_spoken, self.thousands)))} between thousands")
        if self.missing:
            found.append(f"{_all_of(self.missing)} for a missing number")
        lines = [f"read with {_all_of(found)}"] if found else []
        if self.encoding != "utf-8":
            lines.append(f"read as {self.encoding}")
        if not self.header:
            lines.append("read without a header: columns are numbered from 1")
        return tuple(f"{Path(name).name}: {line}" for line in lines)


def _all_of(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _spoken(sign: str) -> str:
    return _SPOKEN.get(sign, sign)


def not_a_row(error: csv.Error) -> str:
    """What is wrong with a row, in words."""
    text = str(error)
    if "new-line" in text:
        return "not a row of a table: lines have to end in LF or CR LF; save the file with those"
    if "unexpected end" in text:
        return 'a quotation mark (") opens here that nothing closes; close it, or take it out'
    return f"not a row of a table ({text})"


def find_dialect(
    lines: Sequence[str], delimiter: str = "", asked: Asked | None = None
) -> tuple[Dialect, int]:
    """The dialect of the first lines of a table, and how many of them are not rows.

    The delimiter is the one that cuts most lines into as many cells as the first, and at least
    two. In a table with tabs a quotation mark is a character, unless it encloses all cells of the
    first line. A first line such as `sep=;`, which spreadsheets write, names the delimiter; else
    it is `delimiter`, where the name of the file says it, if it stands in the first line. Lines
    that begin with # above a header that has no # are comments.

    Raises:
        InputError: a delimiter is `asked` for that the first row does not have.
    """
    asked = asked or Asked()
    skipped = 0
    first = next((n for n, line in enumerate(lines) if line.strip()), None)
    named = names_delimiter(lines[first]) if first is not None else ""
    if named and first is not None:
        delimiter, skipped = named, first + 1
    delimiter = asked.delimiter or delimiter
    rows = [line for line in lines[skipped:] if line.strip()]
    comments = next((n for n, line in enumerate(rows) if not line.startswith("#")), 0)
    delimiter = _delimiter(rows[comments:], delimiter, sure=bool(named or asked.delimiter))
    if comments and rows[comments - 1].count(delimiter) != rows[comments].count(delimiter):
        while comments:
            comments -= bool(lines[skipped].strip())
            skipped += 1
        rows = [line for line in lines[skipped:] if line.strip()]
    cells = rows[0].split(delimiter) if rows else []
    if asked.delimiter and len(cells) < 2 and rows:
        raise InputError(
            f"--delimiter {asked.delimiter!r}: the first row has none ({rows[0][:60]!r}); leave the"
            " flag out to have the delimiter found"
        )
    enclosed = all(len(c) > 1 and c.strip()[:1] == c.strip()[-1:] == '"' for c in cells)
    return Dialect(delimiter, delimiter != "\t" or enclosed), skipped


def names_delimiter(line: str) -> str:
    """The delimiter that a first line such as `sep=;` names, else ""."""
    found = _SEP.fullmatch(line.strip("\r\n \ufeff"))
    return found[1] if found else ""


def _delimiter(rows: Sequence[str], known: str, *, sure: bool) -> str:
    if known and (sure or not rows or known in rows[0]):
        return known
    best = max(DELIMITERS, key=lambda each: _agreement(rows, each))
    share, _ = _agreement(rows, best)
    if known:  # by the name of the file, which is wrong only where all rows say so
        return best if share == 1 and len(rows) > 1 else known
    return best if share else ","


def _agreement(lines: Sequence[str], delimiter: str) -> tuple[float, int]:
    """Which share of lines has as many cells as the first, and how many those are."""
    try:
        rows = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter)
        widths = [len(row) for row in rows]
    except csv.Error:
        widths = []
    if not widths or widths[0] < 2:
        return 0.0, 0
    return widths.count(widths[0]) / len(widths), widths[0]

"""How the text of a table is written: what stands between cells, and how numbers look.

It is decided over a whole table, is a value, and reads every later table of the same kind.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from elman.errors import InputError

DELIMITERS = (",", ";", "\t", "|")

MISSING = frozenset(
    (
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND"),
        *("1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    )
)
"""Cells that stand for no number, as in pandas. In a column of words only an empty cell is one."""

_SEP = re.compile(r"sep=(.)", re.IGNORECASE)
_EXPONENT = r"(?:[eE][-+]?\d+)?"
_COMMA_DECIMAL = re.compile(
    rf"[-+]?(?:\d{{1,3}}(?:[. \u00a0\u202f]\d{{3}})+|\d+)(?:,\d+)?{_EXPONENT}"
)
_COMMA_THOUSANDS = re.compile(rf"[-+]?\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?{_EXPONENT}")


@dataclass(frozen=True)
class Dialect:
    """How a table is written; JSON as it is.

    Attributes:
        delimiter: what stands between cells.
        quoted: whether a quotation mark encloses a cell; else it is a character like any other.
        decimal: the sign between the whole and the rest of a number, "." or ",".
        thousands: what may stand between groups of three digits, "", "." or ",".
    """

    delimiter: str = ","
    quoted: bool = True
    decimal: str = "."
    thousands: str = ""

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
        text = text.strip()
        if text in MISSING:
            return math.nan
        if text.lower() in ("true", "false"):
            return float(text.lower() == "true")
        if self.decimal == ",":
            if not _COMMA_DECIMAL.fullmatch(text):
                return None
            text = re.sub(r"[. \u00a0\u202f]", "", text).replace(",", ".")
        elif self.thousands and _COMMA_THOUSANDS.fullmatch(text):
            text = text.replace(",", "")
        try:
            return None if "_" in text else float(text)
        except ValueError:
            return None


def not_a_row(error: csv.Error) -> str:
    """What is wrong with a row, in words."""
    text = str(error)
    if "new-line" in text:
        return "not a row of a table: lines have to end in LF or CR LF; save the file with those"
    return f"not a row of a table ({text})"


def find_dialect(lines: Sequence[str], delimiter: str = "") -> tuple[Dialect, int]:
    """The dialect of the first lines of a table, and how many of them are not rows.

    The delimiter is the one that cuts most lines into as many cells as the first, and at least
    two. In a table with tabs a quotation mark is a character, unless it encloses all cells of the
    first line. A first line such as `sep=;`, which spreadsheets write, names the delimiter; else
    it is `delimiter`, where the name of the file says it.
    """
    named = _SEP.fullmatch(lines[0].strip()) if lines else None
    skipped = 0
    if named:
        delimiter, lines, skipped = named[1], lines[1:], 1
    lines = [line for line in lines if line.strip()]
    if not delimiter:
        delimiter = max(DELIMITERS, key=lambda each: _agreement(lines, each))
        if not lines or _agreement(lines, delimiter) == (0.0, 0):
            delimiter = ","
    cells = lines[0].split(delimiter) if lines else []
    enclosed = all(len(c) > 1 and c.strip()[:1] == c.strip()[-1:] == '"' for c in cells)
    return Dialect(delimiter, delimiter != "\t" or enclosed), skipped


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


def with_decimals(dialect: Dialect, columns: Iterable[Sequence[str]]) -> Dialect:
    """The dialect with the decimal sign that all numbers of a table are written with.

    A column decides where all its cells are numbers one way only: `1.234,5` is 1234.5 and
    `1,234.5` too, while `1,234` could be either and decides nothing.
    """
    found = {way for cells in columns if (way := _decimals(cells)) is not None}
    if len(found) != 1:
        return dialect
    decimal, thousands = found.pop()
    return replace(dialect, decimal=decimal, thousands=thousands)


def _decimals(cells: Sequence[str]) -> tuple[str, str] | None:
    texts = [text for cell in cells if (text := cell.strip()) not in MISSING]
    commas = [text for text in texts if "," in text]
    if not commas:
        return None
    comma = all(map(_COMMA_DECIMAL.fullmatch, texts))
    point = all("," in text or Dialect().number(text) is not None for text in texts) and all(
        map(_COMMA_THOUSANDS.fullmatch, commas)
    )
    if comma and not point:
        return ",", "."
    if point and not comma:
        return ".", ","
    return None

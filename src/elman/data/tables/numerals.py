"""How the numbers of a table are written: which sign is the decimal one, what groups digits.

A number may be 1234.5, 1,234.5, 1 234.5 or 1'234.5, or with a decimal comma 1234,5, 1.234,5 and so
on. What `1.234` and `1,234` are, other numbers of the table say, or nobody does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

MISSING = frozenset(
    (
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND"),
        *("1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    )
)
"""Cells that stand for no number, as in pandas. In a column of words only an empty cell is one."""

_SPACES = " \u00a0\u202f\u2009"
_APOSTROPHES = "'\u2019"
_KINDS = {" ": _SPACES, "'": _APOSTROPHES}
_OTHER = {".": ",", ",": "."}
_WAYS = [(decimal, sign) for decimal, other in _OTHER.items() for sign in ("", other, " ", "'")]
_LOOKED_AT = 1000

# A point that can't stand before a group of three digits, or after more than three.
_SURELY_DECIMAL = re.compile(
    r"\.\d{0,2}(?!\d)|\.\d{4}|(?<![\d.])0\d*\.|(?<!\d)\.|\d{4}\.|\.\d+[eE]"
)
_GROUPS_BY_POINT = re.compile(r"\.\d{3}\.")
_DOTTED = re.compile(r"\d{1,2}\.\d{1,2}\.\d{2,4}")
_AMOUNT = r"[\d][\d.,' \u00a0\u202f\u2009]*"
_SIGN = r"[$€£¥₹₽₩]|USD|EUR|GBP|CHF|SEK|NOK|DKK|PLN|kr|zł"
_UNIT = rf"(?:{_SIGN}|[%‰]|°[CF]?|kg|km|mm|cm|m|kWh|MWh|[MG]W)"
_SIGNED = re.compile(rf"[-+]?\s*(?:{_SIGN})\s?[-+]?{_AMOUNT}|[-+]?{_AMOUNT}\s?{_UNIT}")


@dataclass(frozen=True)
class Numerals:
    """How the numbers of a table are written.

    Attributes:
        decimal: "." or ",".
        thousands: the signs between groups of digits, " " for every kind of space.
        doubtful: columns of which nobody can say whether 1.234 (or 1,234) is more than a thousand.
    """

    decimal: str = "."
    thousands: str = ""
    doubtful: frozenset[str] = frozenset()


def find_numerals(
    columns: Mapping[str, Sequence[str]],
    decimal: str = "",
    thousands: str = "",
    *,
    kept: Numerals | None = None,
    points_may_group: bool = False,
    missing: Sequence[str] = (),
) -> Numerals:
    """How all numbers of a table are written.

    A column has its say where most of its cells are numbers. `decimal` and `thousands` are what the
    user says, as `missing` words, and `kept` what an earlier table of the kind showed. With
    `points_may_group`, 1.234 is in doubt where nothing tells; else its point is a decimal one.
    """
    gone = MISSING.union(missing)
    ways = {name: found for name, cells in columns.items() if (found := _ways(cells, gone))}
    sure = decimal or _OTHER.get(thousands, "")
    if not sure:
        agreed = {".", ","}.intersection(*ways.values())
        sure = agreed.pop() if len(agreed) == 1 else ""
    chosen = sure or (kept.decimal if kept else ".")
    signs = dict.fromkeys(thousands)
    doubtful = set()
    for name, found in ways.items():
        sign = found.get(chosen, "")
        if not sure and len(set(found.values())) > 1:
            known = sign in kept.thousands if kept else not sign and not points_may_group
            if not known:
                doubtful.add(name)
                continue
        signs |= dict.fromkeys(sign)
    return Numerals(chosen, "".join(signs), frozenset(doubtful))


def _ways(cells: Sequence[str], missing: frozenset[str]) -> dict[str, str]:
    """The decimal signs that all numbers of a column may have, each with the sign between groups.

    Nothing where the column shows nothing of it, or where its numbers are written in several ways.
    """
    joined = "\n".join(cells)
    points = "." in joined
    plain = not any(sign in joined for sign in f",{_SPACES}{_APOSTROPHES}")
    if plain and not points:
        return {}
    some = [text for cell in cells[:_LOOKED_AT] if (text := cell.strip()) not in missing]
    if not some or 2 * sum(map(looks_like_number, some)) < len(some):
        return {}
    if plain and not _GROUPS_BY_POINT.search(joined):
        return {".": ""} if _SURELY_DECIMAL.search(joined) else {".": "", ",": "."}
    fitting = _WAYS
    for text in {cell.strip() for cell in cells} - missing:
        now = [way for way in fitting if _pattern(*way).fullmatch(text)]
        if len(now) < len(fitting) and (now or looks_like_number(text)):
            fitting = now
    found = dict(reversed(fitting))  # the first is without groups
    return {} if found == {".": "", ",": ""} else found


@lru_cache(64)
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    """Numbers that are written so, with or without groups and decimals."""
    whole = r"\d+"
    if thousands:
        between = re.escape("".join(_KINDS.get(sign, sign) for sign in thousands))
        whole = rf"(?:[1-9]\d{{0,2}}([{between}])\d{{3}}(?:\1\d{{3}})*|\d+)"
    sign = re.escape(decimal)
    return re.compile(rf"[-+]?(?:{whole}(?:{sign}\d*)?|{sign}\d+)(?:[eE][-+]?\d+)?")


@lru_cache(8)
def _plain(decimal: str) -> dict[int, str | None]:
    """What makes a number of `_pattern` one of Python's."""
    dropped = dict.fromkeys(map(ord, f"{_OTHER[decimal]}{_SPACES}{_APOSTROPHES}"))
    return {**dropped, ord(decimal): "."}


def with_dotted_dates(columns: Mapping[str, Sequence[str]]) -> bool:
    """Whether a table has dates as 31.12.2024, which people write who have a decimal comma."""
    return any(len(cells) and _DOTTED.match(cells[0].strip()) for cells in columns.values())


def looks_like_number(text: str) -> bool:
    """Whether a cell is a number in some way of writing."""
    return any(_pattern(*way).fullmatch(text) for way in _WAYS)


def with_unit(text: str) -> bool:
    """Whether a cell is a number with a currency, a percent sign or a short unit."""
    return _SIGNED.fullmatch(text.strip()) is not None


def number(text: str, decimal: str, thousands: str, missing: Sequence[str] = ()) -> float | None:
    """The number in a cell: NaN where it is missing, None where it is not a number."""
    text = text.strip()
    if text in MISSING or text in missing:
        return math.nan
    if text.lower() in ("true", "false"):
        return float(text.lower() == "true")
    if _pattern(decimal, thousands or _groups(text, decimal)).fullmatch(text):
        return float(text.translate(_plain(decimal)))
    return float(text) if text.lower().lstrip("+-") in ("inf", "infinity") else None


def _groups(text: str, decimal: str) -> str:
    """The other of comma and point, where it stands before the decimal sign, so groups digits."""
    other = _OTHER[decimal]
    return other if -1 < text.find(other) < text.find(decimal) else ""


def numbers(
    cells: Sequence[str], decimal: str, thousands: str, missing: Sequence[str] = ()
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """(R,) the numbers of a column, NaN where there is none, and which cells are something else."""
    if decimal == "." and not thousands and not missing and "_" not in "".join(cells):
        try:
            return np.array([float(c or "nan") for c in cells]), np.zeros(len(cells), np.bool_)
        except ValueError:
            pass
    return as_arrays([number(cell, decimal, thousands, missing) for cell in cells])


def as_arrays(
    found: Sequence[float | None],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """(R,) numbers, NaN for None, and which are None."""
    wrong = np.fromiter((value is None for value in found), np.bool_, len(found))
    return np.array([math.nan if v is None else v for v in found], np.float64), wrong

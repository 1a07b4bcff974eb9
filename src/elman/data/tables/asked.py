"""What a user says of how a table is written, as a value and as settings; the rest is found."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator

from elman.settings import listed, section

_table = section("Tables")

_NAMES = {
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    "\\t": "\t",
    "pipe": "|",
    "space": " ",
    "point": ".",
    "dot": ".",
    "apostrophe": "'",
    "\u2019": "'",
    **dict.fromkeys(("\u00a0", "\u202f", "\u2009"), " "),
}


@dataclass(frozen=True)
class Asked:
    """How a table is said to be written. What is empty or None is found in the table.

    Attributes:
        delimiter: what stands between cells.
        decimal: "." or ",".
        thousands: what stands between groups of three digits: ",", ".", " " or "'".
        encoding: a codec of Python's.
        header: whether the first row holds the names of the columns.
        missing: more words that stand for a missing number.
    """

    delimiter: str = ""
    decimal: str = ""
    thousands: str = ""
    encoding: str = ""
    header: bool | None = None
    missing: tuple[str, ...] = ()

    def for_later(self) -> Asked:
        """What holds for later tables too, however those are written."""
        return Asked(missing=self.missing)

    def over(self, kept: Asked) -> Asked:
        """This, with what `kept` says of missing words where this says nothing."""
        return replace(self, missing=self.missing or kept.missing)


def _named(value: Any) -> Any:
    """A sign, which may be given by its name."""
    return _NAMES.get(value.lower(), value) if isinstance(value, str) else value


def _codec(value: str) -> str:
    try:
        found = codecs.lookup(value).name
        b"".decode(found)
    except (LookupError, ValueError) as error:
        raise ValueError(f"there is no encoding {value!r}; such as latin-1 or cp1252") from error
    if found.startswith(("iso2022", "utf-7", "hz", "idna", "punycode")):
        raise ValueError(f"{value} cannot be read in parts; save the file as UTF-8")
    if found.startswith("utf-"):
        return "utf-8" if found == "utf-8-sig" else found
    return value.lower()


def _delimiter(value: str) -> str:
    if len(value) != 1 or value in '"\r\n':
        raise ValueError("expected one character, or one of comma, semicolon, tab, pipe, space")
    return value


Encoding = Annotated[str, AfterValidator(_codec)]
Sign = BeforeValidator(_named)


def encoding_setting() -> Any:
    """The encoding of files, in a config or in options."""
    return _table(
        None, "of files that are not UTF-8, such as latin-1, cp1252 or gbk; default: UTF-8"
    )


class TableSettings(BaseModel):
    """How tables are written: settings of the tasks and of the commands that read one."""

    delimiter: Annotated[str, Sign, AfterValidator(_delimiter)] | None = _table(
        None, "what stands between cells: a character, or tab, space; default: found"
    )
    decimal: Annotated[Literal[".", ","], Sign] | None = _table(
        None, "the decimal sign, '.' or ','; default: found"
    )
    thousands: Annotated[Literal[",", ".", " ", "'"], Sign] | None = _table(
        None, "what groups the digits of a number: ',', '.', space or apostrophe; default: found"
    )
    encoding: Encoding | None = encoding_setting()
    header: bool | None = _table(
        None, "whether the first row holds the names of the columns; default: found"
    )
    missing_values: Annotated[tuple[str, ...], BeforeValidator(listed)] = _table(
        (), "words that stand for a missing number besides an empty cell, NA, NaN and null: ?,-999"
    )

    @property
    def asked(self) -> Asked:
        """The same as a value."""
        return Asked(
            delimiter=self.delimiter or "",
            decimal=self.decimal or "",
            thousands=self.thousands or "",
            encoding=self.encoding or "",
            header=self.header,
            missing=self.missing_values,
        )

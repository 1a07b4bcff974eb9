"""Tables as people keep them: CSV, TSV, JSON lines and Parquet, as rows of cells with their lines.

A table without a header gets the names "1", "2", … for its columns.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from elman.data.labeled.formats.parsed import BadRows
from elman.data.optional import library
from elman.data.text_files import read_blocks
from elman.errors import InputError

Cells: TypeAlias = dict[str, Any]

KINDS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".txt": "txt",
}
_MOST_IN_A_CELL = 1 << 26


@dataclass(frozen=True)
class Table:
    """The rows of one file.

    Attributes:
        path: the file.
        columns: their names, in order.
        rows: name -> cell; strings in CSV and TSV, what JSON or Parquet hold elsewhere.
        lines: the line at which each row begins; in Parquet the number of the row.
    """

    path: Path
    columns: tuple[str, ...]
    rows: Sequence[Cells]
    lines: Sequence[int]

    def where(self, row: int) -> str:
        """The place of a row, as an error names it."""
        return f"{self.path}:{self.lines[row]}"

    def values(self, column: str) -> list[Any]:
        """A column; None where a row lacks it."""
        return [row.get(column) for row in self.rows]


def table_kind(path: Path) -> str | None:
    """What a file is by its name, a text a line for "txt"; None for anything else."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return KINDS.get(suffixes[-1]) if suffixes else None


def read_table(
    path: Path, bad: BadRows, names: Collection[str] = (), header: bool | None = None
) -> Table:
    """Read a table.

    In TSV a quotation mark is a character like any other; in CSV it quotes.

    Args:
        path: the file; its suffix says what it is, and `.gz` may follow.
        bad: is told of the rows that can't be read.
        names: the usual names of columns; a first row that holds one of them is a header.
        header: whether CSV and TSV have a header. None to see: it is one where it holds one of
            `names`, or where no column repeats its first cell.

    Raises:
        InputError: a file that can't be read, or a bad row that is not skipped.
    """
    kind = table_kind(path)
    if kind == "jsonl":
        return _read_jsonl(path, bad)
    if kind == "parquet":
        return _read_parquet(path)
    if kind == "txt":
        numbered = [(n, line) for n, line in text_lines(path) if line.strip()]
        lines, texts = [n for n, _ in numbered], [{"1": line} for _, line in numbered]
        return Table(path, ("1",), texts, lines)
    if kind in ("csv", "tsv"):
        return _read_separated(path, kind, bad, names, header)
    raise InputError(
        f"{path}: not a table that can be read; give a file named .csv, .tsv, .jsonl or .parquet"
    )


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file with their numbers, without their ends.

    Raises:
        InputError: the file can't be read, is empty, or is not UTF-8.
    """
    for number, line in enumerate(_whole_lines(path), 1):
        yield number, line.rstrip("\r\n")


def _whole_lines(path: Path) -> Iterator[str]:
    """Lines with their ends; only a newline ends a line."""
    rest = ""
    for block in read_blocks(path):
        pieces = (rest + block).split("\n")
        rest = pieces.pop()
        for piece in pieces:
            yield piece + "\n"
    if rest:
        yield rest


def _read_separated(
    path: Path, kind: str, bad: BadRows, names: Collection[str], header: bool | None
) -> Table:
    rows, lines = [], []
    broken: list[tuple[int, str]] = []
    with _long_cells():
        reader = (
            csv.reader(_whole_lines(path), delimiter=_delimiter(path), strict=True)
            if kind == "csv"
            else csv.reader(_whole_lines(path), delimiter="\t", quoting=csv.QUOTE_NONE)
        )
        line = 1
        while True:
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                broken.append((line, f"not {kind.upper()}: {error}"))
            else:
                if any(cell.strip() for cell in row):
                    rows.append(row)
                    lines.append(line)
            line = reader.line_num + 1
    if not rows:
        raise InputError(f"{path}: holds no rows that can be read; give a table with some")
    if _has_header(rows, names) if header is None else header:
        columns = tuple(name.strip() for name in rows.pop(0))
        lines.pop(0)
        twice = {name for name in columns if columns.count(name) > 1}
        if twice:
            raise InputError(
                f"{path}:1: the column {sorted(twice)[0]!r} is there twice; rename one"
            )
    else:
        columns = tuple(str(number) for number in range(1, len(rows[0]) + 1))
    right = []
    for number, row in zip(lines, rows, strict=True):
        if len(row) == len(columns):
            right.append((number, dict(zip(columns, row, strict=True))))
        else:
            broken.append((number, f"has {len(row)} columns, expected {len(columns)}"))
    for number, reason in sorted(broken):
        bad.add(f"{path}:{number}", reason)
    return Table(path, columns, [row for _, row in right], [number for number, _ in right])


def _delimiter(path: Path) -> str:
    """A comma, or the semicolon that spreadsheets write where the comma is for decimals."""
    first = next(_whole_lines(path))
    unquoted = re.sub(r'"[^"]*"', "", first)
    return ";" if ";" in unquoted and "," not in unquoted else ","


def _has_header(rows: Sequence[Sequence[str]], names: Collection[str]) -> bool:
    first, rest = rows[0], rows[1:]
    if {cell.strip().lower() for cell in first} & {name.lower() for name in names}:
        return True
    if not rest or any(not cell.strip() for cell in first):
        return False
    for column, cell in enumerate(first):
        others = [row[column] for row in rest if column < len(row)]
        if cell in others or (_is_number(cell) and all(map(_is_number, others))):
            return False
    return True


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _read_jsonl(path: Path, bad: BadRows) -> Table:
    rows: list[Cells] = []
    lines: list[int] = []
    columns: dict[str, None] = {}
    for number, line in text_lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            bad.add(f"{path}:{number}", f"not JSON ({error})")
            continue
        if isinstance(row, list):
            row = {"1": row}
        if not isinstance(row, dict):
            bad.add(f"{path}:{number}", "not a JSON object, which names its cells")
            continue
        rows.append(row)
        lines.append(number)
        columns |= dict.fromkeys(row)
    return Table(path, tuple(columns), rows, lines)


def _read_parquet(path: Path) -> Table:
    parquet = library("pyarrow.parquet", extra="text")
    arrow_error = library("pyarrow").ArrowException
    try:
        read = parquet.ParquetFile(path, memory_map=False).read()
    except (arrow_error, OSError, ValueError, MemoryError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: can't be read as Parquet ({reason}); write it again") from error
    rows = read.to_pylist()
    return Table(path, tuple(read.column_names), rows, range(1, len(rows) + 1))


@contextmanager
def _long_cells() -> Iterator[None]:
    """Let a cell hold a whole document, while one table is read."""
    before = csv.field_size_limit(_MOST_IN_A_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)

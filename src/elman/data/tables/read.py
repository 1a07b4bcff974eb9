"""From files, frames and dicts of columns to a `Table`.

What a file is, its name says: `.csv`, `.tsv` and `.tab` hold text with delimiters, `.jsonl`,
`.ndjson` and `.json` an object a line, `.parquet` and `.pq` Parquet, `.txt` a text a line; `.gz`
may follow. What can't be read raises `InputError`, which says where.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from elman.bounds import MOST_COLUMNS, Budget, check_memory, check_regular
from elman.data.given import Columns, Frame
from elman.data.optional import library
from elman.data.tables.asked import Asked
from elman.data.tables.dialect import Dialect, find_dialect, not_a_row
from elman.data.tables.numerals import Numerals, find_numerals, with_dotted_dates
from elman.data.tables.parquet import read_parquet
from elman.data.tables.table import BadRows, Table
from elman.data.text_files import decoded_lines, encoding_of
from elman.errors import InputError
from elman.parse import parse_json

KINDS = {
    **dict.fromkeys((".csv", ".tsv", ".tab"), "delimited"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "json"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    ".txt": "lines",
}

SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers")

TEXT_KINDS = (".txt", ".dat", ".data", ".text", ".asc", ".prn", "")
"""Names that say no more than that there is text, which may be a table."""

HasHeader: TypeAlias = Callable[[Sequence[Sequence[str]]], bool]
"""All rows -> whether the first one holds the names of the columns."""

_BYTES_OF_TEXT = 2
"""Memory for a byte of a table's text, at least: the row and its cells."""

_BYTES_OF_A_ROW, _BYTES_OF_A_CELL = 100, 60
"""What Python takes for a list or an object and for a short string in it."""

_LOOKED_AT = 100
_MOST_IN_A_CELL = 1 << 26


def suffix_of(path: Path) -> str:
    """What kind of file the name says, in lower case, compressed or not."""
    name = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return name.suffix.lower()


def read_file(
    path: Path,
    bad: BadRows,
    *,
    header: bool | HasHeader = True,
    dialect: Dialect | None = None,
    asked: Asked = Asked(),  # noqa: B008 (frozen)
    kind: str = "",
) -> Table:
    """Read a table from a file.

    `header` says whether the first row of text with delimiters holds the names of the columns,
    unless it is `asked` for, as other things of how it is written may be. `dialect` is how an
    earlier table of its kind was written. `kind` is one of the values of `KINDS`; by default what
    the name says.
    """
    kind = kind or KINDS.get(suffix_of(path), "")
    check_regular(path)
    if kind in ("delimited", "json", "lines") and path.exists():
        remedy = "give fewer rows at once, or Parquet"
        check_memory(path, _BYTES_OF_TEXT * path.stat().st_size, remedy)
    if kind == "delimited":
        return _read_delimited(path, bad, header, dialect, asked)
    if kind == "json":
        return replace(_read_json(path, bad, dialect, asked), missing=asked.missing)
    if kind == "parquet":
        return replace(_of_arrow(str(path), read_parquet(path)), missing=asked.missing)
    if kind == "lines":
        encoding = encoding_of(path, asked.encoding, dialect.encoding if dialect else "")
        texts, numbers, budget = [], [], Budget(path)
        for number, line in decoded_lines(path, bad.add, encoding=encoding):
            if line.strip():
                budget.take(2 * _BYTES_OF_A_ROW)
                texts.append(line)
                numbers.append(number)
        return Table(str(path), {"1": texts}, numbers, header=False)
    if suffix_of(path) in SPREADSHEETS:
        raise InputError(f"{path}: a spreadsheet; save the sheet as CSV and give that")
    raise InputError(
        f"{path}: not a table that can be read; give a file named .csv, .tsv, .jsonl or .parquet"
    )


def read_columns(given: Columns) -> Table:
    """A table from a frame or from a mapping from name to column."""
    if isinstance(given.table, Mapping):
        lists = {str(name): _plain(column) for name, column in given.table.items()}
        lengths = {name: len(column) for name, column in lists.items()}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
            raise InputError(f"{given.where}: its columns have different lengths: {listed}")
        return Table(given.where, lists, range(1, max(lengths.values(), default=0) + 1))
    return _of_arrow(given.where, _arrow_table(given.table, given.where))


def _plain(column: Any) -> list[Any]:
    """A list of plain values from a list, an array, a tensor or a column of a frame."""
    if isinstance(column, str | bytes) or not isinstance(column, Sequence | np.ndarray):
        convert = getattr(column, "tolist", None) or getattr(column, "to_list", None)
        if convert is None:
            raise InputError(f"a column is {type(column).__name__}, expected a list or an array")
        return list(convert())
    if isinstance(column, np.ndarray):
        return list((column.astype(str) if column.dtype.kind == "M" else column).tolist())
    return [each.tolist() if isinstance(each, np.ndarray | np.generic) else each for each in column]


def _arrow_table(frame: Frame, where: str) -> Any:
    pa = library("pyarrow", extra="text")
    index = getattr(frame, "index", None)
    if getattr(index, "name", None) is not None or _is_dated(index):
        frame = frame.reset_index()  # type: ignore[attr-defined]
    try:
        return pa.table(frame)
    except (pa.ArrowException, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{where}: can't be read as a table ({reason})") from error


def _is_dated(index: Any) -> bool:
    """Whether rows of a pandas frame are named by their times."""
    return str(getattr(index, "dtype", "")).startswith(("datetime64", "period"))


def _of_arrow(name: str, read: Any) -> Table:
    names = [str(column).strip() for column in read.column_names]
    # What pandas calls an index without a name: of use where it holds times.
    dated = [column.startswith(("timestamp", "date")) for column in map(str, read.schema.types)]
    indices = [column.startswith("__index_level_") for column in names]
    kept = [place for place, index in enumerate(indices) if not index or dated[place]]
    names = ["index" if index else column for column, index in zip(names, indices, strict=True)]
    _refuse_twice(name, [names[place] for place in kept])
    columns = {names[place]: read.column(place) for place in kept}
    return Table(name, columns, range(1, len(read) + 1))


def _read_delimited(
    path: Path, bad: BadRows, header: bool | HasHeader, kept: Dialect | None, asked: Asked
) -> Table:
    broken: list[tuple[str, str]] = []
    encoding = encoding_of(path, asked.encoding, kept.encoding if kept else "")
    numbered = decoded_lines(
        path, lambda where, reason: broken.append((where, reason)), encoding=encoding
    )
    first = list(islice(numbered, _LOOKED_AT))
    known = "\t" if suffix_of(path) in (".tsv", ".tab") else ""
    dialect, skipped = find_dialect([line for _, line in first], known, asked)
    if kept is not None and kept.fits([line for _, line in first[skipped:]]):
        if not asked.delimiter:
            dialect = replace(dialect, delimiter=kept.delimiter, quoted=kept.quoted)
    else:
        kept = None  # written otherwise, so it shows by itself how its numbers are written
    lines = _Lines(first[skipped:], numbered)
    rows, begins = _rows(path, lines, dialect, broken)
    if not rows and not broken:
        raise InputError(f"{path}: the file is empty; give a table with some rows")
    if asked.header is not None:
        header = asked.header
    has_header = bool(rows) and (header if isinstance(header, bool) else header(rows))
    names = _names(path, begins, rows) if has_header else ()
    if has_header:
        rows, begins = rows[1:], begins[1:]
    width = len(names) or (len(rows[0]) if rows else 0)
    right = [row for row in rows if len(row) == width]
    if len(right) < len(rows):
        what = "the header has" if names else "expected"
        broken += [
            (
                f"{path}:{begin}",
                f"has {_counted(len(row))}, {what} {width}{_hint(row, width, dialect)}",
            )
            for begin, row in zip(begins, rows, strict=True)
            if len(row) != width
        ]
        begins = [n for n, row in zip(begins, rows, strict=True) if len(row) == width]
    for where, reason in sorted(broken, key=lambda each: int(each[0].rpartition(":")[2])):
        bad.add(where, reason)
    columns = [list(column) for column in zip(*right, strict=True)] or [[] for _ in range(width)]
    named = _without_empty(path, names or [str(n + 1) for n in range(width)], columns)
    missing = asked.missing or (kept.missing if kept else ())
    numerals = find_numerals(
        named,
        asked.decimal,
        asked.thousands,
        kept=Numerals(kept.decimal, kept.thousands) if kept else None,
        points_may_group=dialect.delimiter == ";" and with_dotted_dates(named),
        missing=missing,
    )
    dialect = replace(
        dialect,
        decimal=numerals.decimal,
        thousands=numerals.thousands,
        encoding=encoding,
        header=bool(names),
        missing=missing,
    )
    return Table(
        str(path),
        named,
        begins,
        dialect,
        bool(names),
        lines.blank,
        missing=missing,
        doubtful=numerals.doubtful,
    )


def _hint(row: Sequence[str], width: int, dialect: Dialect) -> str:
    if row[0].startswith("#"):
        return "; take a comment out, only lines above the header may be one"
    if len(row) < width:
        return ""
    sign = {"\t": "tab"}.get(dialect.delimiter, repr(dialect.delimiter))
    way = "quote a cell" if dialect.quoted else "take it out of a cell"
    return f" (a {sign} separates cells, also in a number: {way} that holds one)"


def _names(path: Path, begins: Sequence[int], rows: Sequence[Sequence[str]]) -> list[str]:
    names = [cell.strip() for cell in rows[0]]
    _refuse_twice(f"{path}:{begins[0]}", [name for name in names if name])
    return [name or f"column {place}" for place, name in enumerate(names, 1)]


def _without_empty(path: Path, names: Sequence[str], columns: list[list[str]]) -> dict[str, Any]:
    """The columns by name, without unnamed ones that hold nothing."""
    return {
        name: column
        for place, (name, column) in enumerate(zip(names, columns, strict=True), 1)
        if name != f"column {place}" or any(cell.strip() for cell in column)
    }


def _refuse_twice(where: str, names: Sequence[str]) -> None:
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise InputError(f"{where}: the column {twice!r} is there twice; rename one")


class _Lines:
    """Lines for the csv module, which remember where a row begins."""

    def __init__(self, first: Sequence[tuple[int, str]], rest: Iterator[tuple[int, str]]) -> None:
        self._first, self._rest = iter(first), rest
        self.begin = 0
        self.blank = 0

    def __iter__(self) -> Iterator[str]:
        for source in (self._first, self._rest):
            for number, line in source:
                self.begin = self.begin or number
                yield line + "\n"


def _rows(
    path: Path, lines: _Lines, dialect: Dialect, broken: list[tuple[str, str]]
) -> tuple[list[list[str]], list[int]]:
    """The rows that are not blank, and the line at which each begins."""
    rows: list[list[str]] = []
    begins: list[int] = []
    budget = Budget(path)
    with _long_cells():
        reader = dialect.rows(iter(lines))
        while True:
            lines.begin = 0
            try:
                row = next(reader)
            except StopIteration:
                return rows, begins
            except csv.Error as error:
                broken.append((f"{path}:{lines.begin}", not_a_row(error)))
                continue
            if len(row) > MOST_COLUMNS:
                raise _too_wide(f"{path}:{lines.begin}", len(row))
            # A quoted empty cell in a table of one column is a row; a blank line is none.
            alone = row == [""] and len(rows) > 0 and len(rows[0]) == 1
            if alone or any(cell.strip() for cell in row):
                budget.take(_BYTES_OF_A_ROW + _BYTES_OF_A_CELL * len(row))
                rows.append(row)
                begins.append(lines.begin)
            else:
                lines.blank += 1


def _read_json(path: Path, bad: BadRows, kept: Dialect | None, asked: Asked) -> Table:
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    names: dict[str, None] = {}
    lists, blank, budget = None, 0, Budget(path)
    encoding = encoding_of(path, asked.encoding, kept.encoding if kept else "")
    for number, line in decoded_lines(path, bad.add, encoding=encoding):
        if not line.strip():
            blank += 1
            continue
        try:
            row = parse_json(line)
        except ValueError as error:
            bad.add(f"{path}:{number}", f"not JSON ({error})")
            continue
        if lists is None:
            lists = isinstance(row, list)
        if lists and isinstance(row, list):
            row = {"1": row}
        if not isinstance(row, dict):
            bad.add(f"{path}:{number}", "not a JSON object, which names its cells")
            continue
        budget.take(3 * _BYTES_OF_A_ROW + 2 * _BYTES_OF_A_CELL * len(row))
        rows.append(row)
        lines.append(number)
        names |= dict.fromkeys(row)
        if len(names) > MOST_COLUMNS:
            raise _too_wide(f"{path}:{number}", len(names))
    check_memory(path, 8 * len(names) * len(rows), "give rows with the same keys, or fewer")
    columns = {name: [row.get(name) for row in rows] for name in names}
    return Table(str(path), columns, lines, header=not lists, blank=blank)


def _too_wide(where: str, columns: int) -> InputError:
    return InputError(
        f"{where}: {columns:,} columns, above the bound of {MOST_COLUMNS:,}; put them into rows (a"
        " long table), or give fewer at once"
    )


def _counted(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


@contextmanager
def _long_cells() -> Iterator[None]:
    """Let a cell hold a whole document, while one table is read."""
    before = csv.field_size_limit(_MOST_IN_A_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)

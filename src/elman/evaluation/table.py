"""A table of an evaluation, made when it is asked for: as a pandas frame, or as a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elman.data.optional import library
from elman.errors import InputError
from elman.files import atomic_path

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of one kind.

    Attributes:
        parts: makes the rows, as pandas frames with the same columns; at least one.
    """

    parts: Callable[[], Iterator[Any]]

    def to_frame(self) -> Any:
        """All rows as a pandas frame."""
        return library("pandas").concat(list(self.parts()), ignore_index=True)

    def write(self, path: Path) -> None:
        """Write all rows, a part at a time, whole or not at all; numbers with all their digits.

        The suffix of `path` is one of `SUFFIXES` and tells the format.
        """
        with atomic_path(path) as partial:
            if path.suffix == ".parquet":
                self._write_parquet(partial)
                return
            with partial.open("w", encoding="utf-8", newline="") as file:
                for number, part in enumerate(self.parts()):
                    if path.suffix == ".jsonl":
                        known = part.astype(object).where(part.notna(), None)
                        for row in known.to_dict("records"):
                            print(json.dumps(row, ensure_ascii=False), file=file)
                    else:
                        separator = "," if path.suffix == ".csv" else "\t"
                        part.to_csv(file, sep=separator, header=not number, index=False)

    def _write_parquet(self, path: Path) -> None:
        arrow, parquet = library("pyarrow"), library("pyarrow.parquet")
        parts = self.parts()
        first = arrow.Table.from_pandas(next(parts), preserve_index=False)
        with parquet.ParquetWriter(path, first.schema) as writer:
            writer.write_table(first)
            for part in parts:
                rows = arrow.Table.from_pandas(part, schema=first.schema, preserve_index=False)
                writer.write_table(rows)


def check_table(flag: str, path: Path) -> None:
    """See that `path` can become a table, before any work is done for it."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"{flag} {path}: give a name that ends in {', '.join(SUFFIXES)}")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{flag} {path}: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise InputError(f"{flag} {path}: is a folder; name a file")
    if path.suffix == ".parquet":
        library("pyarrow")

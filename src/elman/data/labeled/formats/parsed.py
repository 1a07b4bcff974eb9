"""What a file of labeled rows gave, before labels have ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.labeled.rows import Columns, Inputs, LabelKind, Origin
from elman.errors import InputError


@dataclass
class BadRows:
    """Rows that can't be read: the first one is an error, or all of them are counted.

    Attributes:
        skip: count them and go on.
        count: how many there were.
    """

    skip: bool = False
    count: int = 0

    def add(self, where: str, reason: str) -> None:
        """One more bad row at `where`, such as "reviews.csv:17".

        Raises:
            InputError: bad rows are not to be skipped.
        """
        if not self.skip:
            raise InputError(
                f"{where}: {reason}; mend the row, or leave such rows out with --skip-bad-rows"
            )
        self.count += 1


@dataclass(frozen=True, eq=False)
class ParsedRows:
    """The rows of one file or folder.

    Attributes:
        inputs: what is read.
        kind: how labels belong to it.
        labels: one: a string a row. step: a string a step, flat. many: a tuple of strings a row.
            None where labels were not asked for.
        splits: "train", "valid" or "test" for each row, where the file says so.
        columns: where it was found.
        cells: all cells of each row of a table, by column.
        notes: what was found, in lines for the terminal.
    """

    inputs: Inputs
    kind: LabelKind
    labels: Sequence[str] | Sequence[tuple[str, ...]] | None
    splits: Sequence[str] | None = None
    columns: Columns = field(default_factory=Columns)
    cells: Sequence[Mapping[str, Any]] | None = None
    notes: tuple[str, ...] = ()


def origin_of(path: Path, lines: Sequence[int]) -> Origin:
    """The origin of rows of one file."""
    line = np.asarray(lines, dtype=np.int64)
    return Origin((path,), np.zeros(len(line), dtype=np.int64), line)

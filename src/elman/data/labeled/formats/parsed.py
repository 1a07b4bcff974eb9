"""What a file of labeled rows gave, before labels have ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.labeled.rows import Columns, Inputs, LabelKind, Origin


@dataclass(frozen=True, eq=False)
class ParsedRows:
    """The rows of one file, folder or value.

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


def origin_of(path: Path | str, lines: Sequence[int]) -> Origin:
    """The origin of rows of one file."""
    line = np.asarray(lines, dtype=np.int64)
    return Origin((Path(path),), np.zeros(len(line), dtype=np.int64), line)

"""Where rows of data came from, so that an error can name a file and a line.

Legend: N rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Integers: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Origin:
    """Where rows came from.

    Attributes:
        files: the files that were read.
        file: (N,) the index into `files` of each row.
        line: (N,) the line at which each row begins, from 1; 0 where a file has no lines.
    """

    files: tuple[Path, ...]
    file: Integers
    line: Integers

    def where(self, row: int) -> str:
        """The place of one row, as an error names it: "reviews.csv:17"."""
        line = int(self.line[row])
        return f"{self.files[self.file[row]]}:{line}" if line else str(self.files[self.file[row]])

    def take(self, rows: Integers) -> Origin:
        return replace(self, file=self.file[rows], line=self.line[rows])


def origin_of(where: Path | str, lines: Sequence[int]) -> Origin:
    """The origin of rows of one file."""
    line = np.asarray(lines, dtype=np.int64)
    return Origin((Path(where),), np.zeros(len(line), dtype=np.int64), line)

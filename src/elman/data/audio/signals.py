"""Rows of frames or of samples as one array on disk, written and read a row at a time.

Legend: N rows, S frames or samples of all rows together, F bins.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, final

import numpy as np

from elman.data.arrays import Array, open_array
from elman.data.labeled.rows import Flat
from elman.data.origin import Integers
from elman.errors import InputError

_AGAIN = "prepare the data again"


@dataclass(frozen=True, eq=False)
class Signals(Flat):
    """Rows kept flat, one after the other, memory-mapped.

    Attributes:
        values: (S, F) float32 frames, or (S,) int16 samples.
        offsets: (N + 1,) where each row begins.
    """

    values: Array
    offsets: Integers

    def row(self, place: int) -> Array:
        """A copy of one row, (T, F) or (T,)."""
        found: Array = np.array(self.values[self.offsets[place] : self.offsets[place + 1]])
        return found

    @classmethod
    def open(cls, folder: Path, name: str) -> Signals:
        """What `SignalWriter` wrote.

        Raises:
            InputError: files that are missing or damaged.
        """
        values = open_array(folder / f"{name}.npy", "an array", _AGAIN)
        offsets = np.array(open_array(folder / f"{name}-offsets.npy", "an array", _AGAIN))
        fits = offsets.ndim == 1 and len(offsets) > 0 and offsets.dtype.kind == "i"
        fits = fits and offsets[0] == 0 and bool((np.diff(offsets) >= 0).all())
        if not fits or values.ndim not in (1, 2) or offsets[-1] != len(values):
            raise InputError(f"{folder}: the arrays of {name!r} do not fit together; {_AGAIN}")
        return cls(values, offsets)


@final
class SignalWriter:
    """Writes `Signals` row by row, so that they are never all in memory.

    Args:
        folder: where; there must be nothing of that name in it yet.
        name: of the two files.
        dtype: of the values.
        width: F; None for rows of one axis.
    """

    def __init__(self, folder: Path, name: str, dtype: Any, width: int | None) -> None:
        self._folder, self._name = folder, name
        self._dtype, self._width = np.dtype(dtype), width
        self._ends = [0]
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / f"{name}.npy").open("wb")
        self._write_header()

    def append(self, row: Array) -> None:
        """One more row, (T, F) or (T,)."""
        assert row.shape[1:] == (() if self._width is None else (self._width,))
        self._file.write(np.ascontiguousarray(row, self._dtype).data)
        self._ends.append(self._ends[-1] + len(row))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with self._file:
            if kind is None:
                # NumPy leaves room in the header for a first axis that grows.
                self._file.seek(0)
                self._write_header()
        if kind is None:
            np.save(self._folder / f"{self._name}-offsets.npy", np.array(self._ends, np.int64))

    def _write_header(self) -> None:
        across = () if self._width is None else (self._width,)
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self._ends[-1], *across),
        }
        np.lib.format.write_array_header_1_0(self._file, header)

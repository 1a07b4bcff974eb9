"""Arrays of NumPy's `.npy`, opened without a copy and never pickled."""

from __future__ import annotations

import math
import tokenize
import warnings
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from elman.bounds import check_regular
from elman.errors import InputError

Array = npt.NDArray[Any]

# `safe_eval` reads the header, and what it raises depends on where the header is broken.
UNREADABLE = (
    *(OSError, ValueError, EOFError, SyntaxError, TypeError, OverflowError, RecursionError),
    *(tokenize.TokenError, KeyError, AttributeError, MemoryError),
)
"""What NumPy raises where a file is no array."""


def open_array(path: Path, what: str, remedy: str) -> Array:
    """The array of a file, memory-mapped and read-only.

    Raises:
        InputError: not a file of `what`; says `remedy`.
    """
    check_regular(path)
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers as Python 2 wrote them
            shape, dtype = read_header(file)
            needed = math.prod(shape) * dtype.itemsize
            if min(shape, default=1) < 0 or needed > path.stat().st_size:
                raise ValueError(f"its header asks for {needed:,} bytes, more than it has")
            return np.lib.format.open_memmap(path, mode="r")
    except UNREADABLE as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: cannot be read as {what} ({reason}); {remedy}") from error


def read_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """The shape and type that the header of a `.npy` declares."""
    version = np.lib.format.read_magic(file)
    header = np.lib.format
    read = header.read_array_header_1_0 if version == (1, 0) else header.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype

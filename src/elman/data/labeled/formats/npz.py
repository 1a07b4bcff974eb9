"""Sequences of numbers from NumPy's `.npz`, padded or one after the other; never pickled.

Legend: N rows, T steps of the longest row, S steps of all rows together, C channels, K classes.
"""

from __future__ import annotations

import lzma
import math
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from elman.bounds import check_expansion, check_memory, check_regular
from elman.data.arrays import UNREADABLE, Array, read_header
from elman.data.labeled.formats.rows_of_table import BadCell, finite, label_of
from elman.data.labeled.rows import (
    Columns,
    LabelKind,
    ParsedRows,
    Sequences,
    numbered,
    offsets_of,
)
from elman.data.origin import Integers, origin_of
from elman.errors import InputError

VALUES = ("values", "x", "X", "data", "sequences")
LABELS = ("labels", "label", "y", "Y", "targets")


def read_npz(path: Path, columns: Columns, *, labeled: bool = True) -> ParsedRows:
    """Read arrays.

    `values` (or x): (N, T, C) or (N, T), with `lengths` (N,) where rows are padded; or (S, C) with
    `offsets` (N + 1,) or `lengths` (N,) where rows follow one another. `labels` (or y): (N,); per
    step (N, T) or (S,), as the values are; several a row (N, K) of 0 and 1, with their `names`
    (K,) where there are any.
    """
    arrays = _arrays(path)
    values = _pick(path, arrays, columns.text, VALUES, "text")
    if values.dtype.kind not in "fiub":
        raise InputError(f"{path}: its values are {values.dtype}, expected numbers")
    lengths, real = _lengths(path, arrays, values)
    if real is not None:  # what pads a row is not looked at
        values = (values[..., None] if values.ndim == 2 else values)[real]
    try:
        flat = finite(values)
    except BadCell as error:
        raise InputError(f"{path}: {error}; correct it, or leave the row out") from error
    count, offsets = len(lengths), offsets_of(lengths)
    inputs = Sequences(flat, offsets, numbered(flat), origin_of(path, [0] * count))
    kind: LabelKind = "step" if columns.per_step else "one"
    labels: Any = None
    if labeled:
        given = _pick(path, arrays, columns.label, LABELS, "label")
        if columns.per_step and real is not None and given.shape[:2] == real.shape:
            given = given[real]
        if given.ndim == 2 and not columns.per_step:
            kind, labels = "many", _many(path, given, count, arrays.get("names"))
        else:
            cuts = offsets.tolist() if columns.per_step else range(count + 1)
            flat_labels = _one(path, given, cuts[-1])
            labels = [flat_labels[begin:end] for begin, end in pairwise(cuts)]
    note = f"{path.name}: {count} sequences, {flat.shape[1]} channels"
    return ParsedRows(inputs, kind, labels, columns=columns, notes=(note,))


def _arrays(path: Path) -> dict[str, Array]:
    check_regular(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers as Python 2 wrote them
            with zipfile.ZipFile(path) as archive:
                _check_size(path, archive.infolist())
                for member in archive.infolist():
                    _check_member(path, archive, member)
            with np.load(path, allow_pickle=False) as loaded:
                return {name: loaded[name] for name in loaded.files}
    except InputError:
        raise
    except (
        *UNREADABLE,
        *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError),
    ) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        if "pickle" in reason or "Object arrays" in reason:
            reason = "it holds Python objects, which are never loaded; pad the rows, give lengths"
        raise InputError(f"{path}: can't be read as .npz ({reason})") from error


def _check_size(path: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse more than can be meant or held, before any of it is read."""
    size = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    check_expansion(path, size, min(packed, path.stat().st_size), "save it with numpy.savez")
    check_memory(path, size, "save smaller parts, or numbers of fewer bytes (float32)")


def _check_member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Refuse an array whose header asks for more than the file holds, before it is allocated."""
    with archive.open(member) as file:
        shape, dtype = read_header(file)
        wanted, held = math.prod(shape) * dtype.itemsize, member.file_size - file.tell()
    if dtype.hasobject:
        raise ValueError("Object arrays")
    if wanted != held or min(shape, default=1) < 0:
        raise InputError(
            f"{path}: {member.filename} says it holds {wanted:,} bytes, but has {held:,}; "
            "write the file again"
        )


def _pick(
    path: Path, arrays: dict[str, Array], named: str | None, usual: tuple[str, ...], flag: str
) -> Array:
    if named is not None and named not in arrays:
        raise InputError(
            f"{path}: --{flag}-column {named}: no such array; it has {', '.join(arrays) or 'none'}"
        )
    found = [name for name in usual if name in arrays] if named is None else [named]
    if len(found) != 1:
        several = f"{' and '.join(found)} could each be it"
        which = several if found else f"it has {', '.join(arrays)}"
        raise InputError(
            f"{path}: no array of {usual[0]} found: {which}; name it {usual[0]!r}, or say which "
            f"with --{flag}-column"
        )
    return arrays[found[0]]


def _lengths(
    path: Path, arrays: dict[str, Array], values: Array
) -> tuple[Integers, npt.NDArray[np.bool_] | None]:
    """(N,) steps a row, and (N, T) which steps are real; None where rows are not padded."""
    if values.ndim not in (2, 3) or not values.size:
        raise InputError(
            f"{path}: its values have the shape {values.shape}, expected (rows, steps, channels) "
            "or (rows, steps), or (steps, channels) with offsets"
        )
    given = arrays.get("lengths")
    if "offsets" in arrays:
        offsets = arrays["offsets"]
        whole = offsets.ndim == 1 and offsets.dtype.kind in "iu" and len(offsets) > 1
        if not whole or offsets[0] != 0 or offsets[-1] != len(values):
            raise InputError(
                f"{path}: its offsets must be whole numbers from 0 to the {len(values)} steps "
                "that its values have"
            )
        given = np.diff(offsets.astype(np.int64))
    if given is None:
        given = np.full(len(values), values.shape[1], dtype=np.int64)
    if given.ndim != 1 or given.dtype.kind not in "iu" or (len(given) and given.min() < 1):
        raise InputError(f"{path}: its lengths must be whole numbers, each at least 1")
    lengths = given.astype(np.int64)
    padded = len(lengths) == len(values) and lengths.max() <= values.shape[1]
    follow = "lengths" in arrays and not padded and int(lengths.sum()) == len(values)
    if values.ndim == 2 and ("offsets" in arrays or follow):
        return lengths, None
    if not padded:
        raise InputError(
            f"{path}: its {len(lengths)} lengths, up to {lengths.max(initial=0)}, do not fit "
            f"values of the shape {values.shape}"
        )
    return lengths, np.arange(values.shape[1]) < lengths[:, None]


def _one(path: Path, labels: Array, count: int) -> list[str]:
    if labels.shape != (count,):
        raise InputError(f"{path}: its labels have the shape {labels.shape}, expected ({count},)")
    try:
        return [label_of(label) for label in labels.tolist()]
    except BadCell as error:
        raise InputError(f"{path}: a row {error}") from error


def _many(path: Path, marks: Array, count: int, names: Array | None) -> list[tuple[str, ...]]:
    if marks.shape[0] != count or not np.isin(marks, (0, 1)).all():
        raise InputError(
            f"{path}: its labels have the shape {marks.shape}, expected one for each of {count} "
            "rows, or 0 and 1 for each row and class"
        )
    called = [str(n) for n in (range(marks.shape[1]) if names is None else names.tolist())]
    if len(called) != marks.shape[1]:
        raise InputError(f"{path}: has {len(called)} names for {marks.shape[1]} classes")
    return [tuple(called[k] for k in np.flatnonzero(row)) for row in marks]

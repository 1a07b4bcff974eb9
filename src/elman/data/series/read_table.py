"""The tables that series are read from: files, frames, columns, and lists of numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from elman.data.given import Arrays, Data, Files, Given, given
from elman.data.given import Columns as GivenColumns
from elman.data.series.columns import Columns
from elman.data.series.frames import read_frame
from elman.data.series.header import has_names
from elman.data.tables.read import TEXT_KINDS, read_file, suffix_of
from elman.data.tables.table import BadRows, Table, joined
from elman.errors import InputError


def read_table(data: Data | Given, columns: Columns) -> Table:
    """The rows of a file, of several of one kind, of a frame, a dict of columns or of numbers."""
    match given(data):
        case Files(paths):
            bad = BadRows(remedy="correct the row")
            tables = [
                read_file(
                    path,
                    bad,
                    header=has_names,
                    dialect=columns.dialect,
                    asked=columns.asked,
                    kind="delimited" if suffix_of(path) in TEXT_KINDS else "",
                )
                for path in paths
            ]
        case GivenColumns() as found:
            tables = [replace(read_frame(found), missing=columns.asked.missing)]
        case Arrays() as found if found.labels is None:
            tables = [_of_arrays(found)]
        case _:
            raise InputError(
                "data: not a table of time series; give a file, a frame or a dict of columns"
            )
    tables = [_without_blank(table) for table in tables]
    for table in tables:
        _check(table)
    return joined(tables)


def _check(table: Table) -> None:
    alone = len(table.columns) < 2 and table.dialect is not None
    if not len(table):
        raise InputError(f"{table.name}: has no rows; give a table with at least two")
    if alone and not table.is_numeric(next(iter(table.columns))):
        raise InputError(
            f"{table.name}:1: one column only; give a table with a header and at least a column"
            " of times and one of numbers, separated by commas, semicolons or tabs"
        )


def _of_arrays(found: Arrays) -> Table:
    """One sequence (T,) or (T, C), or several as the series "1", "2" and so on."""
    arrays = [array if array.ndim == 2 else array[:, None] for array in found.arrays]
    widths = {array.shape[1] for array in arrays}
    if len(widths) > 1:
        raise InputError(
            f"{found.where}: sequences of {min(widths)} and {max(widths)} channels; give all of"
            " them as many"
        )
    width = widths.pop()
    names = ["value"] if width == 1 else [str(channel) for channel in range(1, width + 1)]
    whole = np.concatenate(arrays).astype(np.float64)
    columns: dict[str, list[object]] = {}
    if len(arrays) > 1:
        columns["series"] = [
            str(number) for number, array in enumerate(arrays, 1) for _ in range(len(array))
        ]
    columns |= {name: column.tolist() for name, column in zip(names, whole.T, strict=True)}
    return Table(found.where, columns, range(1, len(whole) + 1))


def _without_blank(table: Table) -> Table:
    """The table without rows in which nothing stands."""
    if table.dialect is not None:
        return table
    blank = np.ones(len(table), np.bool_)
    for name in table.columns:
        blank &= np.asarray(table.series(name).isna())
    return table.take(np.flatnonzero(~blank)) if blank.any() else table

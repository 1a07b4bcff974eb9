"""Frames as tables: times in the index of pandas, periods, and two names a column.

Legend: R rows of the frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elman.data.given import Columns as GivenColumns
from elman.data.series.levels import long_of_levels
from elman.data.tables.read import read_columns
from elman.data.tables.table import Table
from elman.errors import InputError


def read_frame(given: GivenColumns) -> Table:
    """The table of a frame or of a dict of columns; the index of pandas becomes columns."""
    frame: Any = given.table
    if isinstance(frame, Mapping) or not type(frame).__module__.startswith("pandas"):
        return read_columns(given)
    if frame.columns.nlevels > 2:
        raise InputError(
            f"{given.where}: columns have {frame.columns.nlevels} names each; give one, or two: a"
            " field and a series"
        )
    if frame.columns.nlevels == 2:
        return read_columns(GivenColumns(_with_levels(frame), given.where))
    return read_columns(GivenColumns(_with_index(frame, given.where), given.where))


def _with_index(frame: Any, where: str) -> Any:
    """The frame with its index as columns, unless that only numbers the rows."""
    index = frame.index
    if index.nlevels > 1 or index.name is not None or index.dtype.kind not in "iu":
        # An index without a name is the column "index".
        try:
            frame = frame.reset_index()
        except ValueError as error:
            raise InputError(
                f"{where}: the index and a column have one name ({error}); rename one"
            ) from error
    periods = [name for name, dtype in frame.dtypes.items() if str(dtype).startswith("period")]
    return frame.assign(**{name: frame[name].dt.to_timestamp() for name in periods})


def _with_levels(frame: Any) -> dict[str, list[Any]]:
    """The columns of a frame whose columns have two names each."""
    pairs = [(str(upper), str(lower)) for upper, lower in frame.columns]
    names = tuple(str(name or "") for name in frame.columns.names)
    columns = [frame.iloc[:, place].tolist() for place in range(len(pairs))]
    long = long_of_levels(pairs, (names[0], names[1]), columns)
    count = len(next(iter(long.values()))) // max(len(frame), 1)
    periods = str(frame.index.dtype).startswith("period")
    index = frame.index.to_timestamp() if periods else frame.index
    return {str(index.name or "Date"): list(index) * count, **long}

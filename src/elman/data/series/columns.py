"""What the columns of a table of time series are for: said, or found in the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator

from elman.data.series.panel import Missing
from elman.data.series.times.clocks import joined_times
from elman.data.series.times.format import TimeFormat
from elman.data.tables.asked import Asked
from elman.data.tables.dialect import Dialect
from elman.data.tables.table import Table


def _one_by_one(value: Any) -> Any:
    """One name as it stands in files of former versions, or several."""
    return ((value,) if value else ()) if isinstance(value, str) else value


Names: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_one_by_one)]
Layout: TypeAlias = Literal["columns", "long", "rows"]
Duplicates: TypeAlias = Literal["refuse", "first", "last", "mean"]
Constant: TypeAlias = Literal["refuse", "drop", "keep"]


@dataclass(frozen=True)
class Columns:
    """Names of columns, each found in the data where it is empty.

    Attributes:
        target: what is forecast; several are channels of one series, `("*",)` is every column of
            numbers that has no other part.
        time: the column of times, or those of the date and of the time of day; none where rows
            are counted.
        counted: whether there are no times, and each row is one step after the one before.
        layout: "columns" for one row a time, "long" for a row for each series and time, "rows" for
            one row a series with its values across; found where it is None.
        series: the columns that say, together, which series a row belongs to, in a long table; a
            wide one, with one row for each time, has none.
        static: covariates with one value a series.
        past: covariates known up to now.
        future: covariates known ahead; a table to predict from has them beyond the last target.
        frequency: an alias, see `elman.data.series.frequency.Frequency.named`.
        time_zone: an IANA name; of the times in the data, where these do not say it.
        dates: how the times are written, where that is said: `elman.data.series.times.kinds.NAMED`
            or a strptime format.
        missing: what stands where a row or a value is missing: nothing (it is an error), the
            last value, the line between its neighbors, 0, or a mask (nothing is invented).
        duplicates: which of two rows of one time is taken; two that are equal are always one.
        constant: what happens with a series whose values are all equal, or all missing.
        categories: of each covariate that is not a number, in the order of its codes.
        dialect: how text with delimiters is written; found where it is None.
        asked: what the user says of how it is written.
        times: how the times are written; found where it is None.
    """

    target: Names = ()
    time: Names = ()
    counted: bool = False
    layout: Layout | None = None
    series: Names = ()
    static: Names = ()
    past: Names = ()
    future: Names = ()
    frequency: str = ""
    time_zone: str = ""
    dates: str = ""
    missing: Missing = "forward"
    duplicates: Duplicates = "refuse"
    constant: Constant = "refuse"
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)
    dialect: Dialect | None = None
    asked: Asked = field(default_factory=Asked)
    times: TimeFormat | None = None


def times_of(table: Table, names: Sequence[str]) -> tuple[Any, str]:
    """The column of times in pandas, and what messages call it; date and time of day are joined."""
    parts = [table.series(name) for name in names]
    if len(parts) == 1:
        return parts[0], names[0]
    return joined_times(*parts[:2]), " and ".join(names)

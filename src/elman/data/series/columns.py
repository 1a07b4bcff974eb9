"""What the columns of a table of time series are for, and how its faults are to be met."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from elman.data.series.panel import Missing
from elman.data.tables.dialect import Dialect

Duplicates: TypeAlias = Literal["refuse", "first", "last", "mean"]
Constant: TypeAlias = Literal["refuse", "drop", "keep"]


@dataclass(frozen=True)
class Columns:
    """Names of columns, each found in the data where it is empty.

    Attributes:
        target: what is forecast; several are channels of one series, `("*",)` is every column of
            numbers that has no other part.
        time: the column of times.
        series: the column that says which series a row belongs to, in a long table; a wide one,
            with one row for each time, has none.
        static: covariates with one value a series.
        past: covariates known up to now.
        future: covariates known ahead; a table to predict from has them beyond the last target.
        frequency: an alias, see `elman.data.series.frequency.Frequency.named`.
        time_zone: an IANA name; of the times in the data, where these do not say it.
        missing: what stands where a row or a value is missing: nothing (it is an error), the
            last value, the line between its neighbors, 0, or a mask (nothing is invented).
        duplicates: which of two rows of one time is taken; two that are equal are always one.
        constant: what happens with a series whose values are all equal, or all missing.
        categories: of each covariate that is not a number, in the order of its codes.
        dialect: how text with delimiters is written; found where it is None.
    """

    target: tuple[str, ...] = ()
    time: str = ""
    series: str = ""
    static: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    frequency: str = ""
    time_zone: str = ""
    missing: Missing = "forward"
    duplicates: Duplicates = "refuse"
    constant: Constant = "refuse"
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)
    dialect: Dialect | None = None

"""Covariates of a table as numbers: words become categories, and an empty one is a category too.

Legend: R rows of the table, S series, K static covariates.
"""

from __future__ import annotations

import numpy as np

from elman.data.optional import library
from elman.data.series.columns import Columns
from elman.data.series.panel import Covariate, Floats, Integers, Role
from elman.data.series.stamps import Where
from elman.data.tables.table import Table
from elman.errors import InputError

MOST_CATEGORIES = 64
"""Of a covariate that changes with time: each is a column."""


def encoded(table: Table, columns: Columns, role: Role) -> tuple[Floats, tuple[Covariate, ...]]:
    """(R, columns) the covariates of one role as numbers, and what they are."""
    pd = library("pandas")
    arrays, covariates = [], []
    for name in getattr(columns, role):
        categories = columns.categories.get(name)
        if categories is None:
            categories = () if table.is_numeric(name) else _categories(table, name, role)
        if role != "static" and len(categories) > MOST_CATEGORIES:
            raise InputError(
                f"{name}: {len(categories):,} different words, at most {MOST_CATEGORIES} can be "
                "categories of a covariate that changes with time; join rare ones"
            )
        covariates.append(Covariate(name, role, categories))
        if not categories:
            arrays.append(table.numbers(name)[:, None])
            continue
        column = table.series(name)
        words = column.astype(str).where(column.notna(), "")
        codes = pd.Index(list(categories)).get_indexer(words)
        if role == "static":
            arrays.append(np.where(column.isna(), -1, codes).astype(np.float64)[:, None])
        else:
            arrays.append((codes[:, None] == np.arange(len(categories))).astype(np.float64))
    return np.concatenate([np.zeros((len(table), 0)), *arrays], axis=1), tuple(covariates)


def _categories(table: Table, name: str, role: Role) -> tuple[str, ...]:
    """The words of a column; that nothing stands there is a word of its own where rows differ."""
    column = table.series(name)
    words = set(column.dropna().astype(str))
    if role != "static" and bool(column.isna().any()):
        words.add("")
    return tuple(sorted(words))


def one_a_series(
    static: Floats, covariates: tuple[Covariate, ...], begins: Integers, at: Where
) -> Floats:
    """(S, K) of (R, K), where all rows of a series say the same; empty ones don't count."""
    firsts = np.repeat(static[begins[:-1]], np.diff(begins), axis=0)
    differs = (static != firsts) & ~(np.isnan(static) & np.isnan(firsts))
    if differs.any():
        row, column = (int(place) for place in np.argwhere(differs)[0])
        raise InputError(
            f"{at(row)}: the static covariate {covariates[column].name} changes within the series;"
            " give one value a series, or declare it as --past or --future"
        )
    return np.asarray(np.nan_to_num(static[begins[:-1]], nan=0.0))

"""Cutting rows into training, validation and test parts in which the classes are as many."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np

from elman.data.labeled.rows import Integers
from elman.errors import InputError


def stratified(
    classes: Sequence[tuple[Hashable, ...]], fractions: Sequence[float], seed: int
) -> list[Integers]:
    """Draw parts of rows that have these `classes`; the rows of a part are in ascending order.

    The `fractions` are of all parts but the first, which has the rest, and a row of every class.
    Rows are put in order by class, in random order within a class, and dealt out evenly, so that
    each part has its share of each class to within a row.

    Raises:
        InputError: fractions that leave nothing, or too few rows for a part.
    """
    if any(not 0 <= f < 1 for f in fractions) or sum(fractions) >= 1:
        raise InputError(
            f"the validation and test fractions must be at least 0 and together below 1, got "
            f"{', '.join(f'{f:g}' for f in fractions)}"
        )
    shuffled = np.random.default_rng(seed).permutation(len(classes))
    seen: set[Hashable] = set()
    first: list[int] = []
    dealt: list[int] = []
    for row in shuffled:
        new = set(classes[row]) - seen
        (first if new else dealt).append(int(row))
        seen |= new
    dealt.sort(key=lambda row: repr(classes[row]))  # a stable sort keeps the random order within
    sizes = [round(f * len(classes)) for f in fractions]
    quotas = [max(len(dealt) - sum(sizes), 0), *sizes]
    parts: list[list[int]] = [[] for _ in quotas]
    for place, row in enumerate(dealt, 1):
        # The part furthest behind its quota gets the next row, so all quotas are met at the end.
        due = [quota * place / len(dealt) - len(p) for quota, p in zip(quotas, parts, strict=True)]
        parts[due.index(max(due))].append(row)
    parts[0] += first
    for fraction, part in zip(fractions, parts[1:], strict=True):
        if fraction and not part:
            raise InputError(
                f"too few rows: {len(classes)} of them, in {len(seen)} classes, leave none for a "
                f"part of {fraction:g}; give at least {math.ceil(1 / fraction) + len(seen)}"
            )
    return [np.sort(np.asarray(part, dtype=np.int64)) for part in parts]

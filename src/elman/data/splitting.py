"""Cutting rows into training, validation and test parts in which the classes are as many."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np

from elman.data.labeled import Integers
from elman.errors import InputError


def stratified(
    classes: Sequence[tuple[Hashable, ...]], fractions: Sequence[float], seed: int
) -> list[Integers]:
    """Draw parts of the rows; the first part has the rest, and a row of every class.

    Rows are put in order by class, in random order within a class, and dealt out evenly, so that
    each part has its share of each class to within a row.

    Args:
        classes: what labels each row has.
        fractions: of all parts but the first.
        seed: of the draw.

    Returns:
        The rows of each part, in ascending order.

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
    parts: list[list[int]] = [first, *([] for _ in fractions)]
    share = [f * len(classes) / max(len(dealt), 1) for f in fractions]
    given = [0.0] * len(fractions)
    for row in dealt:
        given = [g + s for g, s in zip(given, share, strict=True)]
        owed = [g - len(p) for g, p in zip(given, parts[1:], strict=True)]
        most = max(range(len(owed)), key=owed.__getitem__, default=-1)
        # A hair is added so that the tenth of ten rows is owed, whatever the fractions come to.
        takes = most >= 0 and owed[most] + 1e-6 >= 1
        parts[most + 1 if takes else 0].append(row)
    for fraction, part in zip(fractions, parts[1:], strict=True):
        if fraction and not part:
            raise InputError(
                f"too few rows: {len(classes)} of them, in {len(seen)} classes, leave none for a "
                f"part of {fraction:g}; give at least {math.ceil(1 / fraction) + len(seen)}"
            )
    return [np.sort(np.asarray(part, dtype=np.int64)) for part in parts]

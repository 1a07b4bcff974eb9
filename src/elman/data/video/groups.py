"""Parts of rows in which no group is in two: one person or source never stands on both sides.

Legend: N rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from elman.data.origin import Integers
from elman.data.video.rows import VideoRows
from elman.errors import InputError

_DRAWINGS = 200
_ALONE = "--group-column of another column, or three parts of your own"


def check_apart(parts: Mapping[str, VideoRows]) -> None:
    """Raise InputError where a group is in two parts."""
    seen: dict[str, tuple[str, str]] = {}
    for name, part in parts.items():
        for row, group in enumerate(part.videos.groups or ()):
            where = part.videos.where(row)
            other, place = seen.setdefault(group, (name, where))
            if other != name:
                raise InputError(
                    f"{where}: group {group!r} is in {name} and, at {place}, in {other}; move all"
                    f" of it to one part, or give {_ALONE}"
                )


def drawn_apart(
    groups: Sequence[str],
    classes: Sequence[tuple[str, ...]],
    fractions: Mapping[str, float],
    seed: int,
    where: str,
) -> dict[str, Integers]:
    """Parts with groups of their own: "train", which has every class, and those of `fractions`.

    Of many random drawings the one is taken whose parts come nearest to their share of rows.

    Raises:
        InputError: no drawing leaves every class to train on; or fractions that can't be.
    """
    if any(not 0 <= f < 1 for f in fractions.values()) or sum(fractions.values()) >= 1:
        raise InputError(
            "the validation and test fractions must be at least 0 and together below 1, got "
            + ", ".join(f"{f:g}" for f in fractions.values())
        )
    wanted = {name: fraction for name, fraction in fractions.items() if fraction}
    names, of_row = np.unique(np.asarray(groups), return_inverse=True)
    counts = np.bincount(of_row, minlength=len(names))
    classes_of = [
        {name for row in np.flatnonzero(of_row == group) for name in classes[int(row)]}
        for group in range(len(names))
    ]
    every = set().union(*classes_of)
    best: tuple[float, dict[str, list[int]]] | None = None
    generator = np.random.default_rng(seed)
    for _ in range(_DRAWINGS if len(names) > len(wanted) else 0):
        order = list(map(int, generator.permutation(len(names))))
        parts: dict[str, list[int]] = {}
        miss = 0.0
        for name, fraction in wanted.items():
            due, chosen, rows = fraction * len(groups), [order.pop()], 0
            rows = int(counts[chosen[0]])
            while len(order) > 1 and abs(rows + counts[order[-1]] - due) < abs(rows - due):
                chosen.append(order.pop())
                rows += int(counts[chosen[-1]])
            parts[name] = chosen
            miss += abs(rows - due)
            if not order:
                break
        parts["train"] = order
        if not order or every - set().union(*(classes_of[group] for group in order)):
            continue
        if best is None or miss < best[0]:
            best = miss, parts
    if best is None:
        count = "1 group is" if len(names) == 1 else f"{len(names)} groups are"
        raise InputError(
            f"{where}: {count} too few to hold some out and still train on every class; give more"
            f" of them, or {_ALONE}"
        )
    return {
        name: np.flatnonzero(np.isin(of_row, chosen)).astype(np.int64)
        for name, chosen in best[1].items()
    }

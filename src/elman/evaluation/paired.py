"""Whether two classifiers differ by more than chance, on the same rows.

A metric that is a ratio of sums over rows, such as accuracy or F1, is kept as a tally: for each row
its part of the numerator and of the denominator.

Legend: N rows, B resamples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from elman.numbers import chance

Array = npt.NDArray[Any]
Tally: TypeAlias = npt.NDArray[np.int64]
"""(N, 2) each row's part of the numerator and of the denominator."""

SIGNIFICANT = 0.05
FEWEST = 10
"""With fewer rows a bootstrap says nothing."""

_EXACT = 1000
"""With more rows that differ, McNemar's test uses the normal distribution."""

_MOST_DRAWS, _FEWEST_DRAWS = 1000, 100
_NUMBERS = 10_000_000
"""Of all resamples together, which bounds the time."""


@dataclass(frozen=True)
class Comparison:
    """The outcome of a paired test.

    Attributes:
        p: the two-sided p-value.
        test: its name.
    """

    p: float
    test: str

    @property
    def decided(self) -> bool:
        """Whether the difference is more than chance."""
        return self.p < SIGNIFICANT

    def __str__(self) -> str:
        return f"{chance(self.p)}, {self.test}"


def compare(ours: Tally, theirs: Tally, seed: int = 0) -> Comparison:
    """McNemar's test where each row is right or wrong, else a paired bootstrap over rows.

    Rows are resampled whole, since the steps of one row are not independent.

    Sources: McNemar 1947; Efron & Tibshirani 1993, "An introduction to the bootstrap", chapter 16.
    """
    if (ours[:, 1] == 1).all() and (theirs[:, 1] == 1).all():
        better = int((ours[:, 0] > theirs[:, 0]).sum())
        worse = int((ours[:, 0] < theirs[:, 0]).sum())
        return Comparison(mcnemar(better, worse), "McNemar's test")
    if len(ours) < FEWEST:
        return Comparison(1.0, "too few for a test")
    both = np.hstack([ours, theirs]).astype(np.float64)

    def difference(sums: Array) -> Array:
        shares = sums[..., [0, 2]] / np.maximum(sums[..., [1, 3]], 1)
        found: Array = shares[..., 0] - shares[..., 1]
        return found

    found = float(difference(both.sum(0)))
    drawn = difference(np.stack([weights @ both for weights in resamples(len(both), seed)]))
    beyond = int((np.abs(drawn - found) >= abs(found) - 1e-12).sum())
    return Comparison((beyond + 1) / (len(drawn) + 1), "paired bootstrap")


def mcnemar(better: int, worse: int) -> float:
    """The two-sided p-value where `better` rows are right only here and `worse` only there.

    Exact, by the binomial distribution; beyond a thousand such rows by the normal one, with
    Edwards's correction for continuity.
    """
    differing = better + worse
    if differing == 0:
        return 1.0
    if differing > _EXACT:
        z = max(abs(better - worse) - 1, 0) / math.sqrt(differing)
        return math.erfc(z / math.sqrt(2))
    tail: int = sum(math.comb(differing, k) for k in range(min(better, worse) + 1))
    return min(1.0, tail / (1 << differing - 1))


def resamples(rows: int, seed: int = 0) -> Iterator[Array]:
    """How often each of the rows, (N,), is drawn, with replacement, in each of some resamples."""
    random = np.random.default_rng(seed)
    for _ in range(draws(rows)):
        yield np.bincount(random.integers(rows, size=rows), minlength=rows)


def draws(rows: int) -> int:
    """How many resamples of so many rows are drawn."""
    return int(np.clip(_NUMBERS // max(rows, 1), _FEWEST_DRAWS, _MOST_DRAWS))

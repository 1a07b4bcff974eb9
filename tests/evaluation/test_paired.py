from __future__ import annotations

import numpy as np
import pytest

from elman.evaluation.paired import compare, mcnemar


def test_mcnemars_test_is_that_of_the_binomial_distribution() -> None:
    # scipy.stats.binomtest(2, 12).pvalue, and (k, n) by hand
    assert mcnemar(10, 2) == mcnemar(2, 10) == pytest.approx(0.03857421875)
    assert mcnemar(0, 5) == 2 / 32
    assert mcnemar(0, 0) == mcnemar(4, 4) == 1
    assert mcnemar(540, 459) == pytest.approx(mcnemar(541, 460), rel=0.05)  # exact, then normal
    assert mcnemar(5000, 1000) < 1e-9


def test_rows_that_are_right_or_wrong_are_compared_pair_by_pair() -> None:
    ours = np.array([[1, 1]] * 30 + [[0, 1]] * 10)
    theirs = np.array([[0, 1]] * 8 + [[1, 1]] * 22 + [[0, 1]] * 10)
    found = compare(ours, theirs)
    assert (found.test, found.p) == ("McNemar's test", mcnemar(8, 0))
    assert found.decided


@pytest.mark.parametrize(("gap", "decided"), [(0, False), (2, True)])
def test_ratios_are_compared_by_a_bootstrap_over_rows(gap: int, decided: bool) -> None:
    random = np.random.default_rng(0)
    count = random.integers(5, 10, 200)
    ours, theirs = random.binomial(count, 0.5), random.binomial(count, 0.5)
    ours = np.minimum(ours + gap, count)
    found = compare(np.stack([ours, count], 1), np.stack([theirs, count], 1))
    assert found.test == "paired bootstrap"
    assert found.decided == decided
    few = compare(np.stack([ours, count], 1)[:5], np.stack([theirs, count], 1)[:5])
    assert not few.decided


def test_the_bootstrap_rejects_what_is_true_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    count = np.full(60, 4)
    rejected = 0
    for _ in range(40):
        both = random.binomial(4, 0.7, (2, 60))
        tallies = [np.stack([right, count], 1) for right in both]
        rejected += compare(*tallies).decided
    assert rejected <= 6

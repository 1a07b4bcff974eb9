"""The paired tests are those of the literature, and know what they can't decide."""

import numpy as np
import pytest
from scipy import stats

from elman.evaluation.backtest.significance import compare, over_time, over_units, two_sided

NOTHING = np.full(1, np.nan)


@pytest.mark.parametrize("freedom", [1, 4, 30, 3000])
@pytest.mark.parametrize("statistic", [0.0, 0.3, 2.0, 6.0])
def test_students_t(statistic: float, freedom: int) -> None:
    expected = 2 * stats.t.sf(statistic, freedom)
    assert two_sided(statistic, freedom) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e9])
def test_both_are_t_tests_where_origins_do_not_overlap(size: float) -> None:
    generator = np.random.default_rng(0)
    first, second = size * generator.normal(size=20), size * generator.normal(0.3, size=20)
    expected = stats.ttest_rel(first, second).pvalue
    for found in (over_time(first, second, 0), over_units(first, second)):
        assert found.p == pytest.approx(expected)
        assert found.difference == pytest.approx((first - second).mean())


def test_overlapping_origins_by_a_plain_loop() -> None:
    """Harvey, Leybourne & Newbold 1997, equation 9, with the variance of their equation 5."""
    differences = np.random.default_rng(1).normal(0.2, 1, 30).cumsum() / 4
    n, h = len(differences), 3
    mean = sum(differences) / n
    gammas = []
    for lag in range(h):
        products = [(differences[t] - mean) * (differences[t - lag] - mean) for t in range(lag, n)]
        gammas.append(sum(products) / n)
    variance = (gammas[0] + 2 * sum(gammas[1:])) / n
    factor = np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    expected = 2 * stats.t.sf(abs(factor * mean / np.sqrt(variance)), n - 1)
    assert over_time(differences, np.zeros(n), h - 1).p == pytest.approx(expected)


def test_the_test_keeps_its_level_where_origins_overlap() -> None:
    """Moving sums of 5 noises are what overlapping horizons give; the mean difference is 0."""
    generator = np.random.default_rng(0)
    found = {0: 0, 4: 0}
    for _ in range(300):
        noise = generator.normal(size=154)
        overlapping = np.convolve(noise, np.ones(5), "valid")
        for overlap in found:
            found[overlap] += over_time(overlapping, np.zeros(150), overlap).p < 0.05
    assert found[0] > 90  # as if they were independent: wrong in a third of the cases
    assert found[4] < 36


@pytest.mark.fault(31)
def test_many_series_decide_at_one_origin() -> None:
    own, other = np.linspace(0.2, 0.4, 40), np.linspace(0.9, 1.1, 40)[::-1]
    found = compare((own[:1], other[:1]), (own, other), 23)
    assert found.outcome == "better"
    assert str(found) == "p < 0.001 over 40 series, paired t-test"
    assert found.p == pytest.approx(stats.ttest_rel(own, other).pvalue)
    assert compare((other[:1], own[:1]), (other, own), 0).outcome == "worse"


@pytest.mark.fault(31)
def test_a_shock_that_all_series_share_is_no_evidence_of_many() -> None:
    """At 6 origins of 200 series, each origin with a shock of its own, the origins are tested."""
    shocks = np.array([1.0, -0.9, 0.5, -0.4, 0.8, -0.5])
    series = np.full(200, shocks.mean()) + 1e-3 * np.random.default_rng(0).normal(size=200)
    found = compare((shocks, np.zeros(6)), (series, np.zeros(200)), 0)
    assert over_units(series, np.zeros(200)).outcome == "worse"
    assert (found.outcome, found.over, found.count) == ("undecided", "forecast origins", 6)


@pytest.mark.fault(31)
@pytest.mark.parametrize(
    ("origins", "series", "said"),
    [
        (1, 1, "1 forecast origin, too few for a test"),
        (3, 1, "over 3 forecast origins, Diebold-Mariano test"),
        (1, 4, "over 4 series, paired t-test"),
    ],
)
def test_fewer_than_five_decide_nothing(origins: int, series: int, said: str) -> None:
    steps = np.array([1.0, 1.1, 1.3, 1.2])
    found = compare((np.zeros(origins), steps[:origins]), (np.zeros(series), steps[:series]), 0)
    assert found.outcome == "undecided"
    assert str(found).endswith(said)
    assert found.p < 0.05 or origins + series == 2


def test_overlapping_origins_need_two_more_than_overlap() -> None:
    losses = np.array([1.0, 2.0, 1.5, 2.5, 1.2])
    assert np.isfinite(over_time(losses, np.zeros(5), 3).p)
    assert np.isnan(over_time(losses, np.zeros(5), 4).p)


def test_no_difference_at_all_is_the_same_and_a_constant_one_is_certain() -> None:
    ones = np.ones(10)
    same = compare((ones, ones), (NOTHING, NOTHING), 0)
    assert (same.outcome, same.p) == ("same", 1.0)
    assert compare((ones, 2 * ones), (NOTHING, NOTHING), 0).p == 0.0
    assert compare((1e-7 * ones, 2e-7 * ones), (NOTHING, NOTHING), 0).outcome == "better"
    assert compare((NOTHING, NOTHING), (NOTHING, NOTHING), 0).outcome == "undecided"

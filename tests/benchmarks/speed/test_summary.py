import pytest

from benchmarks.speed.summary import geometric_mean, median, paired_ratio, percentile, spread


def test_a_slow_round_changes_neither_the_median_nor_the_paired_ratio() -> None:
    ours, theirs = [1.0, 10.0, 1.2], [2.0, 20.0, 2.0]
    assert median(ours) == 1.2
    assert paired_ratio(ours, theirs) == 0.5


def test_pairs_are_not_the_ratio_of_medians() -> None:
    assert paired_ratio([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]) == 1.0
    assert paired_ratio([1.0, 2.0, 9.0], [2.0, 1.0, 1.0]) == 2.0
    with pytest.raises(ValueError):
        paired_ratio([1.0], [1.0, 2.0])


def test_the_spread_is_between_the_quartiles() -> None:
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == pytest.approx(2 / 3)
    assert spread([1.0]) == 0


def test_twice_and_half_as_fast_make_one() -> None:
    assert geometric_mean([2.0, 0.5, 1.0]) == pytest.approx(1)


def test_the_ninetieth_of_a_hundred() -> None:
    assert percentile([float(n) for n in range(101)], 90) == pytest.approx(90)
    assert percentile([7.0], 90) == 7

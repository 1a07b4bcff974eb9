"""Times of day written as whole numbers: hours, hours and minutes, with seconds."""

import pandas as pd
import pytest

from elman.data.series.times.clocks import clock_digits, joined_times


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        (["5", "23"], 2),
        (["05", "23"], 2),
        ([5, 100, 2355], 4),
        (["0005", "0100", "2355"], 4),
        ([5.0, 100.0], 4),
        ([5, 10000], 6),
        (["0005", "100"], 0),  # zeros are lost in some, but not in all
        (["13:05"], 0),
        (["1234567"], 0),
        ([], 0),
    ],
)
def test_digits_of_a_time_of_day(words, digits):
    assert clock_digits(pd.Series(words, dtype=object)) == digits


def test_minutes_since_midnight_are_named_as_they_are_written():
    dates = pd.Series(["2024-01-01"] * 4)
    found = joined_times(dates, pd.Series([0, 59, 60, 1439]), 4)
    assert found.tolist() == [
        "2024-01-01 00:00",
        "2024-01-01 00:59",
        "2024-01-01 60",
        "2024-01-01 14:39",
    ]

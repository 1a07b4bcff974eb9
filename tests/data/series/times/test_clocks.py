"""Times of day written as whole numbers: hours, hours and minutes, with seconds."""

import pandas as pd
import pytest

from elman.data.series.times.clocks import clock_digits


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

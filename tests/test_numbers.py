import math

import pytest

from elman.numbers import chance, measured, significant


@pytest.mark.fault(11)
@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (0.0, 5, "0"),
        (-0.0, 5, "0"),
        (1.23456789e-6, 5, "1.2346e-06"),
        (-4.2e-9, 3, "-4.20e-09"),
        (0.000123456, 5, "0.00012346"),
        (0.000099999999, 5, "0.00010000"),
        (0.314159, 5, "0.31416"),
        (9.999999, 5, "10.000"),
        (17.68554, 5, "17.686"),
        (123456.7, 5, "123457"),
        (1234567890.12, 5, "1234567890"),
        (-1e9, 3, "-1000000000"),
        (2.5e17, 3, "2.50e+17"),
        (5e-324, 3, "4.94e-324"),
        (math.nan, 5, "nan"),
        (-math.inf, 5, "-inf"),
    ],
)
def test_significant_digits_at_any_size(value: float, digits: int, expected: str) -> None:
    assert significant(value, digits) == expected


@pytest.mark.parametrize(
    ("p", "words"),
    [(0.0, "p < 0.001"), (0.00099, "p < 0.001"), (0.001, "p = 0.001"), (0.0213, "p = 0.021")],
)
def test_a_p_value_in_words(p: float, words: str) -> None:
    assert chance(p) == words


def test_counts_have_no_decimals() -> None:
    assert [measured(value) for value in (18, 0, 12345, 18.0, 0.5)] == [
        *("18", "0", "12,345"),
        *("18.000", "0.50000"),
    ]

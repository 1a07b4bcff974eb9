"""How numbers are written, decided over all columns of a table."""

import math

import pytest

from elman.data.tables.numerals import Numerals, find_numerals, number, numbers, with_unit


@pytest.mark.fault(29)
@pytest.mark.parametrize(
    ("columns", "decimal", "thousands"),
    [
        ({"a": ["1.5", "2"]}, ".", ""),
        ({"a": ["1,5", "2"]}, ",", ""),
        ({"a": ["1.234,5", "2"]}, ",", "."),
        ({"a": ["1,234.5", "2"]}, ".", ","),
        ({"a": ["1,234,567", "2"]}, ".", ","),
        ({"a": ["1.234.567", "2"]}, ",", "."),
        ({"a": ["1 234,5", "2"]}, ",", " "),
        ({"a": ["1\u202f234,5", "2\u00a0345"]}, ",", " "),
        ({"a": ["1'234.5", "2’345"]}, ".", "'"),
        ({"a": ["1.234"], "b": ["1,5"]}, ",", "."),
        ({"a": ["1,234"], "b": ["1.5"]}, ".", ","),
        ({"a": ["0.123", "1.234"]}, ".", ""),
        ({"a": ["1,5", "", "NA", "n.v."]}, ",", ""),
        ({"a": ["a, b", "c, d"], "b": ["1.5", "2.5"]}, ".", ""),
        ({"a": ["12", "13"]}, ".", ""),
    ],
)
def test_a_way_that_only_one_reading_fits(
    columns: dict[str, list[str]], decimal: str, thousands: str
) -> None:
    assert find_numerals(columns, points_may_group=True) == Numerals(decimal, thousands)


@pytest.mark.fault(3)
@pytest.mark.parametrize(
    ("cells", "points_may_group", "doubtful"),
    [(["1,234", "9"], False, True), (["1.234"], True, True), (["1.234"], False, False)],
)
def test_what_could_be_either_is_in_doubt(
    cells: list[str], points_may_group: bool, doubtful: bool
) -> None:
    found = find_numerals({"a": cells, "b": ["x"]}, points_may_group=points_may_group)
    assert found.doubtful == ({"a"} if doubtful else set())


@pytest.mark.remedy
def test_a_doubt_is_answered_by_either_flag() -> None:
    cells = ["1,234", "2,345"]
    for asked, values in (((",", ""), [1.234, 2.345]), ((".", ""), [1234, 2345])):
        found = find_numerals({"a": cells}, *asked)
        assert not found.doubtful
        assert numbers(cells, found.decimal, found.thousands)[0].tolist() == values
    assert find_numerals({"a": cells}, "", ",") == Numerals(".", ",")


@pytest.mark.parametrize(
    ("cells", "kept", "expected"),
    [
        (["1.234"], Numerals(",", "."), [1234]),
        (["1.234"], Numerals(".", ""), [1.234]),
        (["1,234"], Numerals(",", ""), [1.234]),
        (["1,234"], Numerals(".", ","), [1234]),
        (["1.5"], Numerals(",", "."), [1.5]),
        (["1.234"], Numerals(",", ""), None),
        (["1,234"], Numerals(".", ""), None),
    ],
)
def test_what_an_earlier_table_showed_tells_where_this_one_does_not(
    cells: list[str], kept: Numerals, expected: list[float] | None
) -> None:
    found = find_numerals({"a": cells}, kept=kept)
    assert (found.doubtful == set()) == (expected is not None)
    if expected is not None:
        assert numbers(cells, found.decimal, found.thousands)[0].tolist() == expected


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "value"),
    [
        *(("1e-3", ".", "", 0.001), (" 7 ", ".", "", 7), ("-.5", ".", "", -0.5)),
        ("true", ".", "", 1),
        *(("1.5", ",", "", None), ("1,5", ".", "", None), ("1_0", ".", "", None)),
        *(("1.234,5", ",", "", 1234.5), ("1,23,4", ".", ",", None), ("0,123", ".", ",", None)),
        *(("1 234 567", ".", " ", 1234567), ("1 234'567", ".", " '", None), ("x", ".", "", None)),
    ],
)  # fmt: skip
def test_a_number(text: str, decimal: str, thousands: str, value: float | None) -> None:
    assert number(text, decimal, thousands) == value
    values, wrong = numbers([text, "", "3"], decimal, thousands)
    assert wrong.tolist() == [value is None, False, False]
    assert values[0] == value or value is None
    assert math.isnan(values[1])


@pytest.mark.fault(30)
def test_more_words_may_stand_for_a_missing_number() -> None:
    values, wrong = numbers(["1", "?", "-999"], ".", "", ("?", "-999"))
    assert not wrong.any()
    assert values[0] == 1
    assert all(map(math.isnan, values[1:]))


@pytest.mark.parametrize("text", ["€5", "5 %", "12,5 €", "USD 5", "$1,000.5", "-3 kg", "7°C"])
def test_numbers_with_a_sign_or_a_unit(text: str) -> None:
    assert with_unit(text)


@pytest.mark.parametrize("text", ["abc", "5 apples", "2024-01-01", "12:30", "", "a-1"])
def test_what_is_no_number_with_a_unit(text: str) -> None:
    assert not with_unit(text)

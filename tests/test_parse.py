import pytest

from elman.bounds import MOST_NESTED
from elman.parse import parse_json, parse_toml, shown


@pytest.mark.parametrize("text", ['{"a": [1, 2.5, null]}', b'{"a": [1, 2.5, null]}'])
def test_json_is_what_it_says(text: str | bytes) -> None:
    assert parse_json(text) == {"a": [1, 2.5, None]}


def test_a_table_of_lists_is_not_nested_deeply() -> None:
    rows = [[1.0, 2.0]] * 1000
    assert parse_json(str(rows)) == rows


@pytest.mark.parametrize("depth", [MOST_NESTED + 1, 900, 100_000])
@pytest.mark.parametrize("ends", [("[", "]"), ('{"a":', "}")])
def test_json_nested_too_deeply(depth: int, ends: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="nested more than 100 levels"):
        parse_json(ends[0] * depth + "1" + ends[1] * depth)


def test_json_nested_as_deeply_as_it_may() -> None:
    value = parse_json("[" * MOST_NESTED + "]" * MOST_NESTED)
    for _ in range(MOST_NESTED - 1):
        (value,) = value
    assert value == []


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000 + "]" * 5000,
        "a = " + "{a = " * 5000 + "1" + "}" * 5000,
        ".".join("a" * 5000) + " = 1",
        f"[{'.'.join('a' * 5000)}]\nb = 1",
    ],
)
def test_toml_nested_too_deeply(text: str) -> None:
    with pytest.raises(ValueError, match="nested more than 100 levels"):
        parse_toml(text)


@pytest.mark.parametrize("text", ["1" * 5000, b"\xff", "{", "[1,]", ""])
def test_what_is_not_json(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


def test_a_long_value_is_cut_off_and_one_without_an_end_named() -> None:
    assert shown("a" * 1000) == "'" + "a" * 79 + " …"
    assert shown(2.5) == "2.5"
    assert shown(10**5000) == "int too large to show"

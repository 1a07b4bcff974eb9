"""The first rows of a table as people see them."""

from __future__ import annotations

from elman.data.tables.rows_of_text import aligned, first_cells
from elman.data.tables.table import Table


def table(**columns: list[object]) -> Table:
    return Table("a", columns, range(1, 1 + len(next(iter(columns.values())))))


def test_a_line_for_each_column_with_its_part_and_three_rows() -> None:
    lines = first_cells(table(day=["Mon", None, "Wed", "Thu"], y=[1, 2, 3, 4]), {"y": "target"})
    assert lines == [
        "column  part    row 1  row 2  row 3",
        "day             Mon           Wed",
        "y       target  1      2      3",
    ]


def test_rows_are_left_out_one_by_one_until_the_lines_fit() -> None:
    rows = ["a" * 24, "b" * 24, "c" * 24]
    shown = first_cells(table(temperature=rows), {})[1]
    assert shown == f"temperature  {'a' * 24}  {'b' * 24}"
    assert first_cells(table(y=["d" * 25]), {})[1] == f"y       {'d' * 23}…"


def test_many_columns_are_counted() -> None:
    many = table(**{f"c{n}": [n] for n in range(1, 24)})
    lines = first_cells(many, {})
    assert len(lines) == 1 + 20 + 1
    assert lines[-1] == "and 3 more columns, to c23"


def test_aligned_columns() -> None:
    rows = [("name", "none", "count"), ("a", "", "7"), ("bcdef", "", "12,345")]
    assert aligned(rows, right={2}) == ["name    count", "a           7", "bcdef  12,345"]
    long = aligned([("n", "x"), ("m" * 100, "y" * 10)])
    assert long[1] == "m" * 67 + "…  " + "y" * 10

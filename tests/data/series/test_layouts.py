"""Tables that have not one row for each time, and tables without names."""

import numpy as np
import pandas as pd
import pytest

from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel
from tests.data.series.refusing import refused


def read(tmp_path, text, **columns):
    path = tmp_path / "data.csv"
    path.write_text(text)
    return read_panel(path, Columns(**columns))


M4 = '"V1","V2","V3","V4","V5"\n"H1",605,586,586,559\n"H2",3124,2990,2862,\n"H3",1,,3,\n'


@pytest.mark.fault(35)
@pytest.mark.parametrize("columns", [{}, {"layout": "rows"}])
def test_one_series_a_row_with_empty_cells_at_the_end(tmp_path, columns):
    found = read(tmp_path, M4, missing="mask", **columns)

    assert found.panel.ids == ("H1", "H2", "H3")
    assert found.panel.lengths.tolist() == [4, 3, 3]
    np.testing.assert_array_equal(
        found.panel.values[:, 0], [605, 586, 586, 559, 3124, 2990, 2862, 1, np.nan, 3]
    )
    assert found.columns.counted
    assert any("one series a row: 3 of 3 to 4 values (V2 to V5)" in note for note in found.notes)


@pytest.mark.parametrize(
    ("header", "alias", "start"),
    [
        ("Country,Code,2001,2002,2003", "12MS", "2001-01-01"),
        ("Country,Code,2024-01-01,2024-02-01,2024-03-01", "MS", "2024-01-01"),
        ("Country,Code,2024-01-01,2024-01-02,2024-01-03", "D", "2024-01-01"),
    ],
)
def test_times_as_names_of_columns(tmp_path, header, alias, start):
    text = f"{header}\nFrance,FR,1,2,4\nIreland,IE,,20,40\n"

    found = read(tmp_path, text, static=("Code",))

    assert found.panel.ids == ("France", "Ireland")
    assert found.panel.values[:, 0].tolist() == [1, 2, 4, 20, 40]
    assert found.panel.frequency.alias == alias
    assert found.panel.starts[0] == np.datetime64(start)
    assert found.panel.lengths.tolist() == [3, 2]
    assert found.columns.categories == {"Code": ("FR", "IE")}


def test_numbers_before_the_times_across_are_no_values(tmp_path):
    text = "State,Lat,1/22/20,1/23/20,1/24/20\nNY,40.5,1,2,4\nCA,38.1,5,6,9\n"

    found = read(tmp_path, text, static=("Lat",))

    assert found.panel.values[:, 0].tolist() == [1, 2, 4, 5, 6, 9]
    assert found.panel.starts[0] == np.datetime64("2020-01-22")
    assert found.panel.static.tolist() == [[40.5], [38.1]]


def test_a_later_table_is_read_in_the_same_way(tmp_path):
    columns = read(tmp_path, M4).columns
    long = pd.DataFrame({"V1": ["H1"] * 3, "value": [1.0, 2, 4]})

    again = read(tmp_path, "V1,V2,V3\nH9,1,2\nH8,5,7\n", **vars(columns))

    assert again.panel.ids == ("H9", "H8")
    assert again.panel.values[:, 0].tolist() == [1, 2, 5, 7]
    assert read_panel(long, columns).panel.values[:, 0].tolist() == [1, 2, 4]


def test_steps_are_counted_where_no_column_is_named_for_a_time(tmp_path):
    bare = read(tmp_path, "name,V1,V2,V3\n2024-01-01,1,2,3\n2024-01-02,2,4,6\n", layout="rows")
    dated = read(tmp_path, "name,2024-01-01,2024-01-02,2024-01-03\na,1,2,3\nb,2,4,6\n")

    assert (bare.columns.counted, bare.columns.time) == (True, ())
    assert (bare.panel.frequency.alias, len(bare.panel)) == ("steps", 2)
    assert dated.columns.counted is False
    assert dated.panel.frequency.alias == "D"


def test_rows_of_one_time_are_not_taken_for_series(tmp_path):
    found = read(tmp_path, "day,a1,a2,a3\n2024-01-01,1,2,3\n2024-01-02,2,4,5\n", target=("*",))

    assert found.panel.targets == ("a1", "a2", "a3")
    assert found.panel.frequency.alias == "D"


@pytest.mark.remedy
def test_rows_of_one_name(tmp_path):
    text = "name,kind,V1,V2,V3\na,x,1,2,3\na,x,2,4,6\n"
    path = tmp_path / "data.csv"
    path.write_text(text)
    refused(path, "several rows have one name", "--series", layout="rows")
    path.write_text(text.replace("a,x,2", "a,y,2"))
    assert read_panel(path, Columns(layout="rows", series=("name", "kind"))).panel.ids == (
        "a/x",
        "a/y",
    )


# Two names a column.

PRICES = """Price,Close,Close,Volume,Volume
Ticker,AAPL,MSFT,AAPL,MSFT
Date,,,,
2024-01-02,184.5,370.1,10,20
2024-01-03,183.25,369.5,11,21
2024-01-04,181,367,12,22
"""


def test_prices_of_two_tickers(tmp_path):
    found = read(tmp_path, PRICES, target=("Close",))

    assert found.panel.ids == ("AAPL", "MSFT")
    assert found.panel.values[:, 0].tolist() == [184.5, 183.25, 181, 370.1, 369.5, 367]
    assert found.columns.time == ("Date",)


def test_prices_of_one_ticker(tmp_path):
    text = "Price,Close,Volume\nTicker,AAPL,AAPL\nDate,,\n2024-01-02,1.5,10\n2024-01-03,2.5,20\n"

    found = read(tmp_path, text, target=("Close", "Volume"))

    assert len(found.panel) == 1
    assert found.panel.values.tolist() == [[1.5, 10], [2.5, 20]]


def test_a_frame_with_two_names_a_column():
    days = pd.date_range("2024-01-02", periods=3, name="Date")
    names = pd.MultiIndex.from_product([["Close", "Open"], ["A", "B"]], names=["Price", "Ticker"])
    frame = pd.DataFrame(np.arange(12.0).reshape(3, 4), index=days, columns=names)

    panel = read_panel(frame, Columns(target=("Open",))).panel

    assert panel.ids == ("A", "B")
    assert panel.values[:, 0].tolist() == [2, 6, 10, 3, 7, 11]


# No names.


@pytest.mark.parametrize(
    ("text", "target", "values", "times"),
    [
        ("5\n6\n8\n", (), [5, 6, 8], ()),
        ("2024-01-01,5\n2024-01-02,6\n2024-01-03,8\n", (), [5, 6, 8], ("1",)),
        ("2024-01-01,a,5\n2024-01-02,a,6\n2024-01-03,a,8\n", (), [5, 6, 8], ("1",)),
        ("1.5,5\n2.5,6\n0.5,8\n", ("2",), [5, 6, 8], ()),
        ("2024-01-01 10:00;5\n2024-01-01 11:00;6\n2024-01-01 12:00;8\n", (), [5, 6, 8], ("1",)),
    ],
)
def test_a_table_without_names(tmp_path, text, target, values, times):
    found = read(tmp_path, text, target=target)

    assert found.panel.values[:, 0].tolist() == values
    assert found.columns.time == times
    assert any("without a header" in note for note in found.notes)


@pytest.mark.parametrize("header", ["0,1", "y,1", ",1"])
def test_names_that_are_numbers(tmp_path, header):
    found = read(tmp_path, f"{header}\n5,7\n6,8\n9,8\n", target=("1",))

    assert found.panel.values[:, 0].tolist() == [7, 8, 8]

import numpy as np
import pandas as pd
import pytest

from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel
from tests.data.series.refusing import refused


def frame(order, freq="D", start="2024-01-01"):
    days = pd.date_range(start, periods=6, freq=freq)
    table = pd.DataFrame({"ds": days, "y": [1.0, 2, 4, 8, 16, 32]})
    return table.iloc[list(order)].reset_index(drop=True)


@pytest.mark.fault(10)
@pytest.mark.parametrize("order", [(5, 4, 3, 2, 1, 0), (0, 2, 1, 3, 5, 4), (1, 2, 3, 4, 5, 0)])
def test_rows_out_of_order_are_sorted_and_it_is_said(order):
    read = read_panel(frame(order))

    assert read.panel.values[:, 0].tolist() == [1, 2, 4, 8, 16, 32]
    out = next(n for n in range(1, 6) if order[n] < order[n - 1]) + 1
    assert f"rows sorted by time: the one at data:{out} stands after a later one" in read.notes


def test_rows_in_order_are_not_remarked_on():
    assert not any("sorted" in note for note in read_panel(frame(range(6))).notes)


def test_two_values_of_one_time_are_refused_out_of_order_too():
    twice = pd.concat([frame((3, 2, 1, 0)), frame((2,)).assign(y=5.0)], ignore_index=True)

    refused(twice, "stands twice", "data:5", "data:2", "--duplicates")


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_the_hour_that_comes_twice_is_told_by_the_order_of_rows(order):
    utc = pd.date_range("2024-10-26 22:00", periods=6, freq="h", tz="UTC")
    local = utc.tz_convert("Europe/Berlin").tz_localize(None)
    table = pd.DataFrame({"ds": local, "y": [1.0, 2, 4, 8, 16, 32]})[order]

    panel = read_panel(table.reset_index(drop=True), Columns(time_zone="Europe/Berlin")).panel

    assert panel.values[:, 0].tolist() == [1, 2, 4, 8, 16, 32]
    assert panel.starts[0] == np.datetime64("2024-10-26T22:00")

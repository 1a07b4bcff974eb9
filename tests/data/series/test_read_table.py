"""Frames, their index, and lists of numbers."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel
from tests.data.series.refusing import refused

DAYS = pd.date_range("2024-01-01", periods=4)
VALUES = [1.0, 2.0, 4.0, 3.0]


def indexed(index):
    return pd.DataFrame({"y": VALUES}, index=index)


@pytest.mark.fault(17)
@pytest.mark.parametrize(
    ("frame", "alias"),
    [
        (indexed(DAYS), "D"),
        (indexed(DAYS.rename("when")), "D"),
        (indexed(DAYS.strftime("%Y-%m-%d")), "D"),
        (indexed(pd.period_range("2024-01", periods=4, freq="M")), "1MS"),
        (indexed(pd.period_range("2024-01", periods=4, freq="M", name="month")), "1MS"),
        (indexed(DAYS.tz_localize("UTC")), "D"),
        (indexed(range(4)), "steps"),
        (indexed([0, 1, 2, 3]), "steps"),
        (pa.table({"ds": DAYS, "y": VALUES}), "D"),
    ],
)
def test_times_in_the_index(frame, alias):
    panel = read_panel(frame).panel

    assert panel.values[:, 0].tolist() == VALUES
    assert panel.frequency.alias.removeprefix("1") == alias.removeprefix("1")


@pytest.mark.fault(17)
def test_a_frame_of_polars():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"ds": DAYS.to_numpy(), "y": VALUES})

    assert read_panel(frame).panel.frequency.alias == "D"


@pytest.mark.fault(17)
@pytest.mark.parametrize("name", ["ds", None, "when"])
def test_the_index_in_a_parquet_file(tmp_path, name):
    path = tmp_path / "data.parquet"
    indexed(DAYS.rename(name)).to_parquet(path)

    panel = read_panel(path).panel

    assert panel.frequency.alias == "D"
    assert panel.starts[0] == np.datetime64("2024-01-01")
    assert panel.values[:, 0].tolist() == VALUES


@pytest.mark.fault(17)
def test_series_and_times_in_the_index():
    index = pd.MultiIndex.from_product([["a", "b"], DAYS], names=["unique_id", "ds"])
    frame = pd.DataFrame({"y": [*VALUES, *reversed(VALUES)]}, index=index)

    panel = read_panel(frame).panel

    assert panel.ids == ("a", "b")
    assert panel.values[4:, 0].tolist() == [3, 4, 2, 1]


@pytest.mark.fault(17)
def test_a_series_of_pandas_keeps_its_times():
    panel = read_panel(pd.Series(VALUES, index=DAYS, name="sales")).panel

    assert panel.frequency.alias == "D"
    assert panel.targets == ("sales",)


@pytest.mark.fault(17)
@pytest.mark.parametrize("data", [VALUES, tuple(VALUES), np.array(VALUES), pd.Series(VALUES)])
def test_a_list_of_numbers_is_counted(data):
    read = read_panel(data)

    assert read.panel.values[:, 0].tolist() == VALUES
    assert read.panel.frequency.counted
    assert "steps are counted" in read.notes[1]


@pytest.mark.fault(17)
def test_several_sequences_are_several_series():
    panel = read_panel([np.array([1.0, 2.0]), np.array([5.0, 7.0, 8.0])]).panel

    assert panel.ids == ("1", "2")
    assert panel.lengths.tolist() == [2, 3]
    assert panel.values[:, 0].tolist() == [1, 2, 5, 7, 8]


def test_channels_of_an_array():
    panel = read_panel([np.array([[1.0, 5], [2, 7]])], Columns(target=("*",))).panel

    assert panel.values.tolist() == [[1, 5], [2, 7]]


def test_sequences_that_do_not_fit():
    refused([np.zeros((3, 2)), np.zeros((3, 1))], "1 and 2 channels")
    refused(["a text"], "not a table of time series")

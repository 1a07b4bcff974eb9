import pandas as pd
import pytest

from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel
from elman.data.series.keys import joined_keys, split_keys

KEYS = [
    ("a",),
    ("a/b",),
    ("South", "Adelaide", "Business"),
    ("a/b", "c"),
    ("a", "b/c"),
    ("a\\", "b"),
    ("a\\/", "/b"),
    ("", "b"),
]


@pytest.mark.fault(35)
@pytest.mark.parametrize("keys", KEYS)
def test_keys_that_were_joined_are_split_again(keys):
    assert split_keys(joined_keys(keys), len(keys)) == keys


def test_different_keys_have_different_ids():
    assert len({joined_keys(keys) for keys in KEYS}) == len(KEYS)


@pytest.mark.fault(35)
def test_series_are_told_apart_by_several_columns():
    rows = [
        (day, region, purpose, 10 * region_ + purpose_ + number)
        for region_, region in enumerate(("north", "south"))
        for purpose_, purpose in enumerate(("1", "01"))
        for number, day in enumerate(pd.date_range("2024-01-01", periods=3))
    ]
    frame = pd.DataFrame(rows, columns=["ds", "region", "purpose", "y"])

    panel = read_panel(frame, Columns(series=("region", "purpose"))).panel

    assert panel.ids == ("north/1", "north/01", "south/1", "south/01")
    assert panel.lengths.tolist() == [3, 3, 3, 3]
    assert panel.values[:, 0].tolist() == [0, 1, 2, 1, 2, 3, 10, 11, 12, 11, 12, 13]


def test_date_and_time_of_day_in_two_columns():
    frame = pd.DataFrame(
        {
            "Date": ["2024-01-01"] * 3,
            "Time": ["00:00", "01:00", "02:00"],
            "y": [1.0, 2.0, 4.0],
        }
    )

    read = read_panel(frame, Columns(time=("Date", "Time")))

    assert read.panel.frequency.alias == "h"
    assert str(read.panel.times(0)[-1]) == "2024-01-01T02:00:00.000000000"

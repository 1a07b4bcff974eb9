"""Rows read one at a time: their times on the wall of a zone, and what is missing."""

import numpy as np
import pandas as pd
import pytest

from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel
from elman.errors import InputError
from elman.predictors.forecaster_rows import RowReader

ZONE = "Europe/Berlin"


@pytest.fixture(scope="module")
def reader() -> RowReader:
    """Hours in Berlin."""
    hours = pd.date_range("2024-03-30", periods=48, freq="h", tz=ZONE)
    frame = pd.DataFrame({"ds": hours.strftime("%Y-%m-%d %H:%M"), "y": np.arange(48.0)})
    read = read_panel(frame.iloc[:20], Columns(time_zone=ZONE))
    return RowReader(read.panel, read.columns)


def stamp(reader: RowReader, written: object, last: str = "2024-03-30T18:00") -> object:
    row = reader.row({"ds": written, "y": "1.5"}, "line 7", lambda _: np.datetime64(last, "ns"))
    assert (row.written, row.values.tolist()) == (str(written), [1.5])
    return row.stamp


def test_a_time_on_the_wall_is_an_instant(reader: RowReader) -> None:
    assert stamp(reader, "2024-03-30 20:00") == np.datetime64("2024-03-30T19:00")
    assert stamp(reader, "2024-03-31 03:00") == np.datetime64("2024-03-31T01:00")


def test_an_hour_that_the_clock_skips_is_named(reader: RowReader) -> None:
    said = rf"line 7: 2024-03-31 02:30 does not exist in {ZONE}, where the clock skipped it"
    with pytest.raises(InputError, match=said):
        stamp(reader, "2024-03-31 02:30")


def test_an_hour_that_comes_twice_is_the_one_that_comes_next(reader: RowReader) -> None:
    first, second = np.datetime64("2024-10-27T00:00"), np.datetime64("2024-10-27T01:00")
    assert stamp(reader, "2024-10-27 02:00", "2024-10-26T23:00") == first
    assert stamp(reader, "2024-10-27 02:00", "2024-10-27T00:00") == second


def test_what_is_missing_is_no_number_and_other_text_is_refused(reader: RowReader) -> None:
    found = {"ds": "2024-03-30 20:00", "y": None}
    assert np.isnan(reader.row(found, "line 7", lambda _: None).values).all()
    with pytest.raises(InputError, match="line 7: y is 'inf', expected a finite number"):
        reader.row({**found, "y": "inf"}, "line 7", lambda _: None)
    with pytest.raises(InputError, match="line 7: has no column y; expected ds, y"):
        reader.row({"ds": "2024-03-30 20:00"}, "line 7", lambda _: None)

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from elman.data.series.calendar import with_calendar
from elman.data.series.columns import Columns
from elman.data.series.dataset import SeriesData, read_panel, with_future
from elman.data.series.panel import load_panel, save_panel
from elman.errors import InputError
from tests.data.series.refusing import refused


def table(path, text):
    file = path / "data.csv"
    file.write_text(text, encoding="utf-8")
    return file


def days(values, start="2024-01-01", freq="D"):
    return pd.DataFrame({"ds": pd.date_range(start, periods=len(values), freq=freq), "y": values})


# What is read.


def test_a_wide_table_is_one_series_with_channels(tmp_path):
    text = "date,a,b,note\n2024-01-01,1,5,x\n2024-01-02,2,6,y\n2024-01-03,3,8,z\n"

    read = read_panel(table(tmp_path, text), Columns(target=("a", "b")))

    assert len(read.panel) == 1
    assert read.panel.targets == ("a", "b")
    assert read.panel.values.tolist() == [[1, 5], [2, 6], [3, 8]]
    assert read.panel.frequency.alias == "D"
    assert "daily (D), 2024-01-01 to 2024-01-03" in read.notes[0]


def test_a_star_takes_every_column_of_numbers(tmp_path):
    text = "date,a,b,note\n2024-01-01,1,5,x\n2024-01-02,2,6,y\n"

    assert read_panel(table(tmp_path, text), Columns(target=("*",))).panel.targets == ("a", "b")


def test_a_long_table_whose_rows_are_mixed_is_the_same_as_a_sorted_one():
    a, b = (
        days([1.0, 2, 4]).assign(unique_id="a"),
        days([9.0, 8], "2024-02-01").assign(unique_id="b"),
    )
    mixed = pd.concat([a, b]).iloc[[0, 3, 1, 4, 2]]

    one, other = read_panel(pd.concat([a, b])).panel, read_panel(mixed).panel

    assert one.ids == other.ids == ("a", "b")
    assert one.borders.tolist() == [0, 3, 5]
    assert (one.values == other.values).all()
    assert (one.starts == other.starts).all()


def test_names_of_series_stay_as_they_are_written(tmp_path):
    text = "unique_id,ds,y\n001,1,1\n001,2,2\n"

    assert read_panel(table(tmp_path, text)).panel.ids == ("001",)


@pytest.mark.parametrize(
    ("stamps", "alias"),
    [
        (["1949-01", "1949-02", "1949-03"], "MS"),
        (["2024-01-31", "2024-02-29", "2024-03-31"], "ME"),
        (["Jan 1 2000", "Feb 1 2000", "Mar 1 2000"], "MS"),
        (["20240106", "20240113", "20240120"], "W-SAT"),
        (["2024-01-04", "2024-01-05", "2024-01-08"], "B"),
        (["2024-01-01 00:00", "2024-01-01 00:15", "2024-01-01 00:30"], "15min"),
        (["2024-01-01", "2024-01-01 12:00", "2024-01-02"], "12h"),
        (["7", "8", "9"], "steps"),
        (["10", "15", "20"], "5 steps"),
        (["31/12/2023", "01/01/2024", "02/01/2024"], "D"),
    ],
)
def test_the_frequency_is_found(tmp_path, stamps, alias):
    rows = "".join(f"{stamp},{value}\n" for value, stamp in enumerate(stamps))
    usual = {"B": "2024-01-09,4\n2024-01-10,5\n"}.get(alias, "")

    read = read_panel(table(tmp_path, f"ds,y\n{rows}{usual}"))

    assert read.panel.frequency.alias == alias
    assert read.columns.frequency == alias


def test_parquet_gzip_and_frames_are_the_same_as_csv(tmp_path):
    frame = days([1.0, 2, 3, 5])
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "a.csv.gz", index=False)
    frame.to_parquet(tmp_path / "a.parquet")

    panels = [read_panel(tmp_path / name).panel for name in ("a.csv", "a.csv.gz", "a.parquet")]

    for panel in [*panels, read_panel(frame).panel]:
        assert panel.values[:, 0].tolist() == [1, 2, 3, 5]
        assert panel.starts[0] == np.datetime64("2024-01-01")


# Gaps.


@pytest.mark.parametrize(
    ("missing", "filled"),
    [
        ("forward", [1, 1, 1, 4, 4, 6]),
        ("interpolate", [1, 2, 3, 4, 5, 6]),
        ("zero", [1, 0, 0, 4, 0, 6]),
        ("mask", [1, np.nan, np.nan, 4, np.nan, 6]),
    ],
)
def test_gaps_are_filled_as_asked_and_reported(missing, filled):
    frame = days([1, np.nan, np.nan, 4, np.nan, 6]).drop(index=1)  # a row and a value are missing

    read = read_panel(frame, Columns(missing=missing))

    np.testing.assert_array_equal(read.panel.values[:, 0], filled)
    assert read.panel.observed[:, 0].tolist() == [True, False, False, True, False, True]
    assert "y: 3 values missing (50.0 %)" in read.notes[-1]
    assert "2024-01-02 (2 rows), 2024-01-05" in read.notes[-1]


def test_gaps_do_not_reach_from_one_series_into_another():
    frame = pd.concat(
        [
            days([1.0, 2, 3]).assign(unique_id="a"),
            days([np.nan, 5, np.nan, 7]).assign(unique_id="b"),
        ]
    )

    panel = read_panel(frame, Columns(missing="interpolate")).panel

    assert panel.values[:, 0].tolist() == [1, 2, 3, 5, 6, 7]
    assert panel.starts[1] == np.datetime64("2024-01-02")


def test_a_cut_inside_a_gap_does_not_know_its_other_side():
    frame = days([1, 2, np.nan, np.nan, 8])

    panel = read_panel(frame, Columns(missing="interpolate")).panel

    assert panel.values[:, 0].tolist() == [1, 2, 4, 6, 8]
    assert panel.head(4).values[:, 0].tolist() == [1, 2, 2, 2]


def test_equal_rows_are_one_and_others_as_asked():
    frame = days([1.0, 2, 3])
    twice = pd.concat([frame, frame.iloc[[2]]], ignore_index=True)
    assert read_panel(twice).panel.values[:, 0].tolist() == [1, 2, 3]
    twice.loc[3, "y"] = 5.0

    found = {
        how: read_panel(twice, Columns(duplicates=how)).panel.values[-1, 0]
        for how in ("first", "last", "mean")
    }

    assert found == {"first": 3, "last": 5, "mean": 4}
    twice.loc[2, "y"] = np.nan
    assert read_panel(twice, Columns(duplicates="mean")).panel.values[-1, 0] == 5
    refused(twice, "data:4: y: 2024-01-03 stands twice", "(before at data:3)")
    refused(twice, "stands twice", "data:4", "--duplicates", "--time-zone")


# Time zones.


def test_a_day_of_25_hours_is_one_step_and_its_double_hour_two(tmp_path):
    zone = "Europe/Berlin"
    hours = pd.date_range("2024-10-26 20:00", periods=12, freq="h", tz=zone)
    frame = pd.DataFrame({"ds": hours.tz_localize(None), "y": np.arange(12.0)})

    read = read_panel(frame, Columns(time_zone=zone))

    assert read.panel.values[:, 0].tolist() == list(range(12))
    assert (read.panel.clock(read.panel.times(0)) == hours).all()
    midnights = pd.date_range("2024-10-20", periods=12, freq="D", tz=zone)
    daily = read_panel(
        pd.DataFrame({"ds": midnights, "y": np.arange(12.0)}), Columns(time_zone=zone)
    )
    assert daily.panel.frequency.alias == "D"
    assert daily.panel.starts[0] == np.datetime64("2024-10-20")


def test_hours_on_the_wall_and_with_their_offset_are_the_same_panel(tmp_path):
    zone = "America/New_York"
    hours = pd.date_range("2024-03-09 22:00", periods=10, freq="h", tz=zone)
    text = "".join(f"{stamp.isoformat()},{place}\n" for place, stamp in enumerate(hours))

    offsets = read_panel(table(tmp_path, f"ds,y\n{text}"), Columns(time_zone=zone)).panel
    wall = pd.DataFrame({"ds": hours.tz_localize(None), "y": np.arange(10.0)})

    assert (offsets.times(0) == read_panel(wall, Columns(time_zone=zone)).panel.times(0)).all()


# Covariates.


def covariates():
    frame = days([1.0, 2, 3, 4, np.nan, np.nan])
    return frame.assign(
        wind=[5.0, 6, 7, 8, np.nan, np.nan],
        sky=list("abacba"),
        holiday=[0, 1, 0, 0, 1, 0],
        city="x",
    )


PARTS = {"static": ("city",), "past": ("wind",), "future": ("sky", "holiday")}


def test_each_covariate_has_its_part_and_the_known_ones_reach_beyond_the_target():
    read = read_panel(covariates(), Columns(**PARTS))
    panel = read.panel

    assert panel.lengths.tolist() == [4]
    assert panel.ahead.tolist() == [2]
    assert panel.past[:, 0].tolist() == [5, 6, 7, 8]
    assert panel.future.shape == (6, 4)
    assert panel.future[:, :3].argmax(axis=1).tolist() == [0, 1, 0, 2, 1, 0]
    assert panel.static.tolist() == [[0]]
    assert read.columns.categories["sky"] == ("a", "b", "c")


def test_another_table_is_read_with_the_same_codes():
    columns = read_panel(covariates(), Columns(**PARTS)).columns
    other = covariates().assign(city="never seen", sky="b")

    panel = read_panel(other, columns).panel

    assert panel.static.tolist() == [[-1]]
    assert panel.future[:, :3].argmax(axis=1).tolist() == [1] * 6


def test_missing_covariates_ahead_name_the_series_and_the_time():
    panel = read_panel(covariates(), Columns(**PARTS)).panel

    assert with_calendar(panel, 2).future.shape == (6, 4 + 6)
    with pytest.raises(InputError, match=r"series y.*sky, holiday.*missing at 2024-01-07, row 3"):
        with_calendar(panel, 3)


def test_covariates_ahead_may_come_from_another_table():
    read = read_panel(covariates().iloc[:4], Columns(**PARTS))
    ahead = covariates().iloc[4:].drop(columns=["y", "wind"])

    panel = with_future(read.panel, ahead, read.columns)

    whole = read_panel(covariates(), Columns(**PARTS)).panel
    np.testing.assert_array_equal(panel.future, whole.future)
    with pytest.raises(InputError, match=r"series y.*missing at 2024-01-05"):
        with_future(read.panel, ahead.iloc[1:], read.columns)


def test_the_calendar_beyond_the_end_is_that_of_the_longer_series():
    long, short = read_panel(days(np.arange(30.0))).panel, read_panel(days(np.arange(20.0))).panel

    np.testing.assert_array_equal(with_calendar(short, 10).future, with_calendar(long).future)


# Cuts and files.


def test_a_cut_with_context_has_the_rows_and_times_before_it():
    panel = with_calendar(read_panel(days(np.arange(10.0))).panel, 2)

    cut = panel.cuts([0, 0], [6, 9], context=3)

    assert cut.values[:, 0].tolist() == [3, 4, 5, 6, 7, 8]
    assert cut.starts.tolist() == panel.times(0)[[3, 6]].tolist()
    np.testing.assert_array_equal(cut.future[cut.future_rows(1)], panel.future[6:])
    assert (cut.next_times(0, 2) == panel.times(0)[6:8]).all()


def test_a_panel_survives_its_file(tmp_path):
    panel = with_calendar(read_panel(covariates(), Columns(**PARTS)).panel)
    save_panel(panel, tmp_path / "panel.safetensors")

    again = load_panel(tmp_path / "panel.safetensors")

    assert replace(again, **vars(panel)).ids == again.ids == panel.ids
    for name in ("starts", "borders", "values", "observed", "static", "past", "future"):
        np.testing.assert_array_equal(getattr(again, name), getattr(panel, name))
    assert again.covariates == panel.covariates
    content = (tmp_path / "panel.safetensors").read_bytes()
    (tmp_path / "panel.safetensors").write_bytes(content[:-8])
    with pytest.raises(InputError, match="cannot be read as time series"):
        load_panel(tmp_path / "panel.safetensors")


@pytest.mark.parametrize("text", ["{}", "[]", "{", '{"columns": 3, "notes": []}'])
def test_columns_of_a_run_that_are_none(tmp_path, text):
    (tmp_path / "columns.json").write_text(text)

    with pytest.raises(InputError, match=r"columns\.json: cannot be read as the columns of a run"):
        SeriesData.load(tmp_path)


# Bad input: a line that names what, where and a remedy.


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ds,y\n2024-01-01,1\nyesterday,2\n", ["data.csv:3", "'yesterday'", "not a time"]),
        ("ds,y\n2024-01-01,1\n\n,2\n", ["data.csv:4", "no time"]),
        ("ds,y\n2024-01-01,1\n2024-01-02,abc\n", ["data.csv:3", "'abc', not a number"]),
        ("ds,y\n2024-01-01,1\n2024-01-02,inf\n", ["data.csv:3", "infinite"]),
        ("ds,y\n2024-01-01,3\n2024-01-02,3\n", ["series y", "is 3 in all", "--constant"]),
        ("ds,y\n2024-01-01,\n2024-01-02,\n", ["series y", "has no values"]),
        ("ds,y\n2024-01-01,1\n", ["one row", "--frequency"]),
        ("ds,y\n", ["has no rows"]),
        ("", ["empty"]),
        ("ds;y\n2024-01-01;1,5\n2024-01-02;1.6\n", ["data.csv:2", "'1,5'", "point"]),
        (
            "ds;y\n2024-01-01;1,500\n2024-01-02;1,600\n",
            ["data.csv:2", "'1,500'", "1500 or 1.500", "--decimal"],
        ),
        ("ds,y\n2024-01-01,1\n2024-01-02,2,5\n", ["data.csv:3", "has 3 columns, the header has 2"]),
        ("ds,y\n2024-01-01,1\n2024-01-02\n", ["data.csv:3", "has 1 column, the header has 2"]),
        ("ds,a,b\n2024-01-01,1,2\n2024-01-02,2,3\n", ["--target", "'a', 'b'"]),
        (
            "ds,y\n2024-01-01,1\n2024-01-01 01:00,2\n2024-01-01 02:00,2\n2024-01-01 02:30,4\n",
            ["data.csv:5", "y", "off the grid", "hourly"],
        ),
    ],
)
def test_bad_tables(tmp_path, text, parts):
    refused(table(tmp_path, text), *parts)


def test_a_frame_of_missing_values_has_no_rows():
    refused(pd.DataFrame({"ds": [pd.NaT] * 3, "y": [None] * 3}), "has no rows")


def test_mixed_frequencies_name_the_series_and_its_row():
    hourly = days(np.arange(48.0), freq="h").assign(unique_id="a")
    daily = days(np.arange(9.0)).assign(unique_id="b")

    refused(
        pd.concat([hourly, daily], ignore_index=True), "data:50", "b: steps of 1 day", "--frequency"
    )


def test_other_bad_input(tmp_path):
    frame = days([1.0, 2, 3])
    refused(frame, "no column tmp", target=("tmp",))
    refused(frame, "did you mean y", target=("yy",))
    refused(frame, "named twice", target=("y",), past=("y",))
    refused(frame, "no such time zone", time_zone="Mars/Base")
    refused(frame, "not a frequency", frequency="sometimes")
    refused(days([1, np.nan, 3]), "y is missing at 2024-01-02", "--missing", missing="refuse")
    refused(frame.assign(c=["a", "b", "a"]), "static covariate c changes", static=("c",))
    refused(tmp_path / "none.csv", "cannot be read")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 no")
    refused(tmp_path / "x.parquet", "Parquet", "write it again")
    night = pd.DataFrame(
        {"ds": pd.date_range("2024-03-31 00:00", periods=5, freq="h"), "y": range(5)}
    )
    refused(night, "does not exist in Europe/Berlin", "data:3", time_zone="Europe/Berlin")


def test_dull_series_can_be_dropped_or_kept():
    frame = pd.concat(
        [days([1.0, 2]).assign(unique_id="a"), days([3.0, 3]).assign(unique_id="flat")]
    )

    dropped = read_panel(frame, Columns(constant="drop"))
    assert dropped.panel.ids == ("a",)
    assert "dropped 1 series" in dropped.notes[-1]
    assert read_panel(frame, Columns(constant="keep")).panel.ids == ("a", "flat")


# JSON lines.


# How a table is written.


@pytest.mark.parametrize(
    "text",
    [
        "Datum;Wert\n2024-01-01;20,0\n2024-01-02;26,25\n2024-01-03;27,8\n",
        'sep=;\nDatum;"Umsatz, netto"\n2024-01-01;20.0\n2024-01-02;26.25\n2024-01-03;27.8\n',
        "date\tsales\t\t\n2024-01-01\t20.0\t\t\n2024-01-02\t26.25\t\t\n2024-01-03\t27.8\t\t\n",
    ],
)
def test_what_spreadsheets_write(tmp_path, text):
    read = read_panel(table(tmp_path, text))

    assert read.panel.values[:, 0].tolist() == [20, 26.25, 27.8]
    assert any("a decimal comma" in note for note in read.notes) == ("26,25" in text)
    later = table(tmp_path, text.replace("26,25", "1,250").replace("26.25", "1.250"))
    assert read_panel(later, read.columns).panel.values[1, 0] == 1.25


def test_names_and_categories_are_words(tmp_path):
    rows = "".join(
        f"2024-01-0{day}, 01, {day}.0,NA\n2024-01-0{day}, 1, 2{day},EU\n" for day in (1, 2)
    )

    read = read_panel(
        table(tmp_path, f"ds, unique_id, y, region\n{rows}"), Columns(static=("region",))
    )

    assert read.panel.ids == ("01", "1")
    assert read.columns.categories == {"region": ("EU", "NA")}
    assert read.panel.values[:, 0].tolist() == [1, 2, 21, 22]


def test_dicts_json_rows_and_the_index_of_a_frame(tmp_path):
    frame = days([1.0, 2, 4])
    columns = {"ds": frame["ds"].to_numpy(), "y": [1.0, 2, 4]}
    rows = [{"ds": f"2024-01-0{day}", "y": value} for day, value in ((1, 1.0), (2, 2), (3, 4))]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for data in (columns, frame.set_index("ds"), tmp_path / "a.jsonl"):
        panel = read_panel(data).panel
        assert panel.values[:, 0].tolist() == [1, 2, 4]
        assert panel.starts[0] == np.datetime64("2024-01-01")
    refused(["a text"], "data: not a table")

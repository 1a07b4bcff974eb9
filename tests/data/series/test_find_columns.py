"""What the columns of a table are for, where nobody says it; or one line that asks."""

import shlex

import numpy as np
import pandas as pd
import pytest

from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel
from elman.errors import InputError
from tests.data.series.refusing import refused


def hours(count, *more):
    stamps = pd.date_range("2022-01-03", periods=count, freq="h")
    return stamps, np.arange(float(count)) % 7, *more


def message(source, **columns):
    with pytest.raises(InputError) as error:
        read_panel(source, Columns(**columns))
    assert "\n" not in str(error.value)
    return str(error.value)


def advice(text, flag):
    """The words that follow a flag in a message, as they would be parsed."""
    words = text.partition(f"{flag} ")[2].split(";")[0].split(" or")[0].strip().strip("'")
    return tuple(words.split(","))


# Date and time of day.


@pytest.mark.fault(30)
@pytest.mark.parametrize(
    ("names", "clock"),
    [
        (("Date", "Time"), "%H:%M:%S"),
        (("Date", "Time"), "%H:%M"),
        (("day", "clock"), "%H:%M"),
        (("Datum", "Uhrzeit"), "%H:%M"),
    ],
)
def test_a_date_and_a_time_of_day_are_joined(tmp_path, names, clock):
    stamps, values = hours(30)
    rows = [f"{s:%Y-%m-%d},{s:{clock}},{v}" for s, v in zip(stamps, values, strict=True)]
    path = tmp_path / "data.csv"
    path.write_text("\n".join([f"{names[0]},{names[1]},kW", *rows]))

    read = read_panel(path)

    assert read.columns.time == names
    assert read.columns.series == ()
    assert read.panel.frequency.alias == "h"
    assert read.panel.starts[0] == np.datetime64("2022-01-03")
    assert read.panel.values[:, 0].tolist() == values.tolist()


@pytest.mark.fault(30)
@pytest.mark.parametrize("first", [0, 1])
def test_a_date_and_the_number_of_an_hour_are_joined(first):
    stamps, values = hours(48)
    frame = pd.DataFrame({"date": stamps.strftime("%Y-%m-%d"), "hour": stamps.hour, "kW": values})

    panel = read_panel(frame.assign(hour=frame["hour"] + first)).panel

    assert panel.frequency.alias == "h"
    assert panel.starts[0] == np.datetime64("2022-01-03") + np.timedelta64(first, "h")
    assert panel.values[:, 0].tolist() == values.tolist()


@pytest.mark.remedy
@pytest.mark.parametrize("parts", [("year", "month"), ("year", "month", "day")])
def test_parts_of_a_time_are_no_keys(parts):
    days = pd.date_range("2020-01-01", periods=60, freq="D" if "day" in parts else "MS")
    frame = pd.DataFrame({name: getattr(days, name) for name in parts} | {"y": np.arange(60.0)})

    assert "parts of a time" in message(frame)
    joined = frame.drop(columns=list(parts)).assign(date=days.strftime("%Y-%m-%d"))
    assert read_panel(joined).panel.lengths.tolist() == [60]


@pytest.mark.fault(30)
def test_a_column_of_clock_times_is_never_the_series():
    stamps, values = hours(30)
    frame = pd.DataFrame(
        {
            "Date": stamps.strftime("%Y-%m-%d"),
            "begin": stamps.strftime("%H:%M"),
            "end": (stamps + pd.Timedelta("59min")).strftime("%H:%M"),
            "kW": values,
        }
    )

    said = message(frame)

    assert "begin and end hold times of day" in said
    assert read_panel(frame, Columns(time=advice(said, "--time"))).panel.frequency.alias == "h"


def test_a_date_that_does_not_repeat_is_not_joined():
    days = pd.date_range("2022-01-03", periods=5)
    frame = pd.DataFrame({"date": days, "time": ["10:00", "10:05"] * 2 + ["09:00"], "y": range(5)})

    assert read_panel(frame).columns.time == ("date",)


# Two columns of times.


@pytest.mark.fault(34)
@pytest.mark.remedy
@pytest.mark.parametrize(
    "names", [("Time", "Date"), ("utc", "local day"), ("Date", "Time"), ("timestamp", "date")]
)
def test_two_columns_of_times_are_asked_for(names):
    stamps, values = hours(48)
    frame = pd.DataFrame(
        {
            names[0]: stamps.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Demand": values,
            names[1]: (stamps + pd.Timedelta("5h")).strftime("%Y-%m-%d"),
        }
    )

    said = message(frame, target=("Demand",))

    assert f"{names[0]} and {names[1]} look like times" in said.replace(
        f"{names[1]} and {names[0]}", f"{names[0]} and {names[1]}"
    )
    time = advice(said, "--time")
    assert time == (names[0],)
    read = read_panel(frame, Columns(target=("Demand",), time=time))
    assert read.panel.lengths.tolist() == [48]
    assert read.panel.frequency.alias == "h"


def test_a_column_of_a_usual_name_is_taken_where_it_alone_is_unique():
    days = pd.date_range("2024-01-01", periods=6)
    frame = pd.DataFrame({"date": days, "launched": ["2020-05-01"] * 6, "y": range(6)})

    assert read_panel(frame).columns.time == ("date",)


def test_two_usual_names_that_are_both_unique_are_asked_for():
    days = pd.date_range("2024-01-01", periods=6)
    frame = pd.DataFrame({"date": days, "timestamp": days + pd.Timedelta("1h"), "y": range(6)})

    assert "date and timestamp look like times" in message(frame, target=("y",))


def test_two_columns_of_words_are_not_taken_for_keys_to_choose_a_time():
    frame = keyed(shop=["a", "b"], item=["x", "y"]).assign(launched="2020-05-01")

    said = message(frame, target=("sales",))

    assert "date and launched look like times: say which one, with --time date" in said


# Series of several columns.


def keyed(**levels):
    """A long table of every combination of some levels."""
    index = pd.MultiIndex.from_product(
        [*levels.values(), pd.date_range("2024-01-01", periods=20)], names=[*levels, "date"]
    )
    frame = index.to_frame(index=False)
    return frame.assign(sales=np.arange(len(frame)) * 1.25)


@pytest.mark.fault(35)
@pytest.mark.remedy
@pytest.mark.parametrize(
    ("frame", "keys"),
    [
        (keyed(region=["n", "s"], purpose=["a", "b", "c"]), ("region", "purpose")),
        (keyed(store=[1, 2], item=[1, 2]), ("store", "item")),
        (keyed(store=[1, 2]), ("store",)),
        (keyed(a=["x", "y"], b=["x", "y"], c=[1, 2]), ("a", "b", "c")),
        (
            keyed(region=["n", "s"], purpose=["a", "b"]).assign(
                state=lambda t: t["region"].map({"n": "N", "s": "S"})
            ),
            ("region", "purpose", "state"),
        ),
    ],
)
def test_times_that_start_again_offer_the_columns_that_make_rows_unique(frame, keys):
    said = message(frame, target=("sales",))

    assert said.startswith("data:21: times start again"), said
    assert "put" not in said
    assert advice(said, "--series") == keys
    panel = read_panel(frame, Columns(target=("sales",), series=keys)).panel
    assert set(panel.lengths.tolist()) == {20}
    assert len(panel) == len(frame) // 20


@pytest.mark.fault(10)
@pytest.mark.remedy
def test_many_stores_sorted_by_time_offer_the_same():
    frame = keyed(store=[1, 2], item=[1, 2]).sort_values(["date", "store", "item"])

    said = message(frame.reset_index(drop=True), target=("sales",))

    assert said.startswith("data:2: times start again"), said
    assert advice(said, "--series") == ("store", "item")


@pytest.mark.fault(35)
@pytest.mark.remedy
def test_a_key_that_is_not_enough_is_completed():
    said = message(keyed(store=[1, 2], item=[1, 2]), target=("sales",), series=("store",))

    assert advice(said, "--series") == ("store", "item")


def test_a_few_double_rows_are_not_several_series():
    frame = keyed().assign(promotion=0)
    twice = pd.concat([frame, frame.tail(1).assign(sales=3.5, promotion=1)], ignore_index=True)

    refused(twice, "data:21", "stands twice", "--duplicates", target=("sales",))


# No times.


def test_rows_without_times_are_counted():
    read = read_panel(pd.DataFrame({"y": [1.0, 2.0, 4.0]}))

    assert read.columns.counted
    assert read.columns.time == ()
    assert read.panel.frequency.counted
    assert read.panel.starts.tolist() == [0]
    assert read.panel.values[:, 0].tolist() == [1, 2, 4]
    assert "steps are counted" in read.notes[1]


def test_rows_of_each_series_are_counted():
    frame = pd.DataFrame({"series": list("aabab"), "y": [1.0, 2, 10, 4, 20]})

    panel = read_panel(frame).panel

    assert panel.ids == ("a", "b")
    assert panel.values[:, 0].tolist() == [1, 2, 4, 10, 20]


@pytest.mark.remedy
@pytest.mark.parametrize(
    ("column", "name"),
    [
        ([f"week no {n}a" for n in range(5)], "label"),
        ([20240101 + n for n in range(5)], "yyyymmdd"),
        (["10:00", "11:00", "12:00", "13:00", "14:00"], "clock"),
    ],
)
def test_what_may_be_times_is_not_counted_in_silence(column, name):
    frame = pd.DataFrame({name: column, "y": [1.0, 2, 4, 8, 9]})

    said = message(frame, target=("y",))

    assert name in said
    assert "--frequency steps" in said
    panel = read_panel(frame, Columns(target=("y",), frequency="steps")).panel
    assert panel.values[:, 0].tolist() == [1, 2, 4, 8, 9]


@pytest.mark.parametrize("name", ["t", "step", "index"])
def test_whole_numbers_that_count_rows_are_times(name):
    frame = pd.DataFrame({name: [0, 1, 3], "y": [1.0, 2, 4]})

    panel = read_panel(frame).panel

    assert panel.lengths.tolist() == [4]
    assert panel.observed[:, 0].tolist() == [True, True, False, True]


# Commas in names.


@pytest.mark.fault(17)
@pytest.mark.parametrize("target", [("sales, net",), ("sales", "net")])
def test_a_name_with_a_comma(target):
    frame = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=3), "sales, net": [1.0, 2, 4]})

    assert read_panel(frame, Columns(target=target)).panel.targets == ("sales, net",)


@pytest.mark.fault(17)
def test_names_that_are_there_one_by_one_stay_apart():
    days = pd.date_range("2024-01-01", periods=3)
    frame = pd.DataFrame({"ds": days, "a": [1.0, 2, 4], "b": [2.0, 3, 9], "a,b": [3.0, 5, 8]})

    assert read_panel(frame, Columns(target=("a", "b"))).panel.targets == ("a", "b")
    assert read_panel(frame, Columns(target=("a,b",))).panel.targets == ("a,b",)


# A later table, whose command has not the flags of training.


@pytest.mark.remedy
def test_double_rows_of_a_later_table():
    columns = read_panel(keyed().assign(unique_id="a")).columns
    later = pd.concat([keyed()] * 3, ignore_index=True)
    later = later.assign(unique_id="a", sales=np.arange(60.0), store=[1, 2, 3] * 20)

    said = message(later, **vars(columns))

    assert "stands twice with different values" in said
    assert "--" not in said


def test_many_names_with_commas():
    names = [f"n{number}" for number in range(1500)]
    frame = pd.DataFrame({name: [1.0, 2.0] for name in (*names, "x, y")})

    target = read_panel(frame, Columns(target=(*names, "x", "y"), constant="keep")).panel.targets

    assert target == (*names, "x, y")


@pytest.mark.remedy
def test_a_first_row_of_values_where_names_are_asked_for(tmp_path):
    path = tmp_path / "data.csv"
    rows = "2024-01-01,5\n2024-01-02,6\n2024-01-03,8\n"
    path.write_text(rows)
    said = message(path, target=("y",))
    assert "its first row holds values, so its columns are '1', '2'" in said
    path.write_text("ds,y\n" + rows)
    assert read_panel(path, Columns(target=("y",))).panel.values[:, 0].tolist() == [5, 6, 8]


@pytest.mark.remedy
def test_a_flag_is_named_as_a_shell_takes_it():
    names = {"driver's name": ["n", "s"], "team": ["a", "b"]}
    typed = message(keyed(**names)).partition("--series ")[2]
    assert shlex.split(typed) == [",".join(names)], typed


@pytest.mark.parametrize(
    ("row", "said"), [(99, "times start again"), (100, "'2022-01-07 25:00', not a time")]
)
def test_the_first_hundred_rows_tell_what_a_column_is(row, said):
    stamps, values = hours(120)
    frame = pd.DataFrame({"date": stamps.strftime("%Y-%m-%d"), "hour": stamps.hour, "y": values})
    frame.loc[row, "hour"] = 25

    assert said in message(frame)

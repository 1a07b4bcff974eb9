import numpy as np
import pytest

from elman.data.series.times.clocks import (
    are_clocks,
    clock_digits,
    clock_time,
    joined_times,
    split,
    zone_offset,
)
from elman.data.series.times.dates import NOT_A_TIME, date_kinds, read_dates

pd = pytest.importorskip("pandas")


@pytest.mark.parametrize(
    ("word", "kind", "day"),
    [
        ("2024-02-03", "year-month-day", "2024-02-03"),
        ("2024/2/3", "year-month-day", "2024-02-03"),
        ("20240203", "year-month-day", "2024-02-03"),
        ("03.02.2024", "day.month.year", "2024-02-03"),
        ("3. 2. 2024", "day.month.year", "2024-02-03"),
        ("03.02.2024.", "day.month.year", "2024-02-03"),
        ("So 04.02.2024", "day.month.year", "2024-02-04"),
        ("02.03.2024", "month.day.year", "2024-02-03"),
        ("03/02/24", "day/month/year", "2024-02-03"),
        ("02/03/24", "month/day/year", "2024-02-03"),
        ("24/02/03", "yy/month/day", "2024-02-03"),
        ("03-02-69", "day-month-year", "1969-02-03"),
        ("03-Feb-24", "day month-name year", "2024-02-03"),
        ("3rd February 2024", "day month-name year", "2024-02-03"),
        ("Sat, 3 Feb 2024", "day month-name year", "2024-02-03"),
        ("3. März 2024", "day month-name year", "2024-03-03"),
        ("February 3, 2024", "month-name day year", "2024-02-03"),
        ("2024-Feb-03", "year month-name day", "2024-02-03"),
        ("2024M02", "year-month", "2024-02-01"),
        ("02/2024", "month-year", "2024-02-01"),
        ("Feb-24", "month-name year", "2024-02-01"),
        ("Sept 2024", "month-name year", "2024-09-01"),
        ("2024W05", "year-week", "2024-01-29"),
        ("2024-W05-3", "year-week-day", "2024-01-31"),
        ("202053", "year-week", "2020-12-28"),
        ("KW05/2024", "week-year", "2024-01-29"),
        ("2024Q3", "year-quarter", "2024-07-01"),
        ("Q3 2024", "quarter-year", "2024-07-01"),
        ("3Q24", "quarter-year", "2024-07-01"),
        ("2024H2", "half-year", "2024-07-01"),
    ],
)
def test_a_date_of_each_kind(word, kind, day):
    assert kind in date_kinds(word)
    assert read_dates([word], kind).astype("datetime64[D]") == np.datetime64(day)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("2024-02-30", "year-month-day"),
        ("2024-02/03", "year-month-day"),
        ("13/13/2024", "day/month/year"),
        ("202153", "year-week"),  # 2021 has 52
        ("3 Foo 2024", "day month-name year"),
        ("2024Q5", "year-quarter"),
        ("٢٠٢٤-٠٢-٠٣", "year-month-day"),
    ],
)
def test_what_is_no_date_of_a_kind(word, kind):
    assert read_dates([word], kind)[0] == NOT_A_TIME


@pytest.mark.parametrize("word", ["now", "today", "Jan 24", "24-Jan", "12:00", "7", ""])
def test_words_that_pandas_would_guess_or_nobody_could(word):
    assert date_kinds(word) == []


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("2024-02-03", ("2024-02-03", "", "")),
        ("2024-02-03 13:00:00+01", ("2024-02-03", "13:00:00", "+01")),
        ("2024-02-03T13:00Z", ("2024-02-03", "13:00", "Z")),
        ("2024-02-03 13:00 UTC", ("2024-02-03", "13:00", "UTC")),
        ("20240203T130000Z", ("20240203", "130000", "Z")),
        ("20240203 1300", ("20240203", "1300", "")),
        ("2024-02-03T13:00+01:00[Europe/Berlin]", ("2024-02-03", "13:00", "+01:00")),
        ("2/3/2024, 1:00:00 PM", ("2/3/2024", "1:00:00 PM", "")),
        ("03/02/2024 18.00.00", ("03/02/2024", "18.00.00", "")),
        ("03/Feb/2024:13:00:00 +0100", ("03/Feb/2024", "13:00:00", "+0100")),
        ("Sat Feb  3 13:00:00 2024", ("Sat Feb  3 2024", "13:00:00", "")),
        ("1 Feb 2024", ("1 Feb 2024", "", "")),
    ],
)
def test_a_time_in_parts(word, parts):
    assert split(word) == parts


@pytest.mark.parametrize(
    ("clock", "seconds"),
    [
        ("", 0),
        ("13:05", 47100),
        ("9:05:07", 32707),
        ("13:05:07.25", 47107.25),
        ("13:05:07,25", 47107.25),
        ("0:00:00.1234567899", 0.123456789),
        ("12:00 AM", 0),
        ("12:30 pm", 45000),
        ("1 p.m.", 46800),
        ("24:00", 86400),
        ("18.00.00", 64800),
        ("130507", 47107),
        ("13h05", 47100),
    ],
)
def test_a_time_of_day(clock, seconds):
    assert clock_time(clock) == round(seconds * 1e9)


@pytest.mark.parametrize("clock", ["24:01", "13:60", "13:00 PM", "0:00 AM", "12:00:60", "25"])
def test_what_is_no_time_of_day(clock):
    assert clock_time(clock) is None


@pytest.mark.fault(6)
@pytest.mark.parametrize(
    ("zone", "hours"),
    [("Z", 0), ("UTC", 0), ("+01", 1), ("+0130", 1.5), ("-05:00", -5), ("+1", 1), ("UTC+2", 2)],
)
def test_an_offset(zone, hours):
    assert zone_offset(zone) == round(hours * 3600e9)


def test_an_offset_that_no_place_has():
    assert zone_offset("+99:00") is None


@pytest.mark.fault(30)
@pytest.mark.parametrize(
    ("clocks", "expected"),
    [
        (["00:00", "13:30"], ["00:00", "13:30"]),
        (["18.00.00", "19.00.00"], ["18.00.00", "19.00.00"]),
        ([0, 13], ["00:00", "13:00"]),
        ([1.0, 24.0], ["01:00", "24:00"]),
        (["0000", "1330"], ["00:00", "13:30"]),
        ([10, 930], ["00:10", "09:30"]),  # without their leading zeros, as spreadsheets have them
        (["10", "0930"], ["10", "0930"]),  # hours or minutes, as nobody can say
        (["000000", "133000"], ["00:00:00", "13:30:00"]),
        ([500, 133000], ["00:05:00", "13:30:00"]),
    ],
)
def test_a_date_and_a_time_of_day_in_two_columns(clocks, expected):
    clock = pd.Series(clocks)
    joined = joined_times(pd.Series(["2024-01-01", "2024-01-02"]), clock, clock_digits(clock))

    assert joined.tolist() == [f"2024-01-0{day} {each}" for day, each in enumerate(expected, 1)]


def test_a_time_of_day_that_is_missing_leaves_no_time():
    joined = joined_times(pd.Series(["2024-01-01", "2024-01-02"]), pd.Series(["13:00", None]), 0)

    assert joined.isna().tolist() == [False, True]


def test_numbers_with_a_point_are_no_times_of_day():
    assert are_clocks(["13:05", "1 PM"])
    assert are_clocks(["18.00.00"])
    assert not are_clocks(["18.00"])
    assert not are_clocks(["2024-01-01"])
    assert not are_clocks([])

"""How the times of a column are written: found over all of it, and used for later ones."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.data.series.times.format import TimeFormat, look_like_times, parse_times
from elman.data.series.times.words import read_words
from elman.errors import InputError

pd = pytest.importorskip("pandas")

DAYS = pd.date_range("2024-01-01", periods=40)
MONTHS = pd.date_range("2021-01-01", periods=36, freq="MS")
HOURS = pd.date_range("2024-01-01", periods=60, freq="h")


def where(row):
    return f"t.csv:{row + 2}"


def parsed(words, name="ds", **options):
    return parse_times(pd.Series(list(words)), name, where, **options)


def refused(words, *parts, name="ds", **options):
    with pytest.raises(InputError) as error:
        parsed(words, name, **options)
    message = str(error.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, message
    return message


def written(times, form):
    return [time.strftime(form) for time in times]


# The order of day and month.


@pytest.mark.fault(2)
@pytest.mark.parametrize(
    ("times", "form", "kind"),
    [
        (DAYS, "%d.%m.%Y", "day.month.year"),
        (DAYS[:12], "%d.%m.%Y", "day.month.year"),  # with points it begins with the day
        (MONTHS[:12], "%d.%m.%Y", "day.month.year"),
        (MONTHS, "%d.%m.%Y", "day.month.year"),
        (DAYS, "%m.%d.%Y", "month.day.year"),  # no day first: 13 is no month
        (DAYS, "%d-%m-%Y", "day-month-year"),
        (DAYS, "%d/%m/%Y", "day/month/year"),
        (DAYS, "%m/%d/%Y", "month/day/year"),
        (MONTHS, "%d/%m/%Y", "day/month/year"),  # the other order has large holes
        (MONTHS, "%m/%d/%Y", "month/day/year"),
        (MONTHS, "%m/%d/%y", "month/day/year"),
        (HOURS, "%d/%m/%Y %H:%M", "day/month/year"),
        (HOURS, "%m/%d/%Y %I:%M %p", "month/day/year"),
        (DAYS, "%y-%m-%d", "yy-month-day"),
    ],
)
def test_the_order_is_that_of_a_regular_grid(times, form, kind):
    found = parsed(written(times, form))

    assert (found.stamps == times.to_numpy("datetime64[ns]")).all()
    assert found.format == TimeFormat(kind)
    assert found.note == f"dates read as {kind}"


@pytest.mark.fault(2)
def test_the_order_is_that_of_each_series():
    words = written(DAYS[[0, 1, 2]], "%d/%m/%Y") + written(DAYS[[20, 21, 22]], "%d/%m/%Y")

    found = parsed(words, series=np.array([0, 0, 0, 1, 1, 1]))

    assert found.format.kind == "day/month/year"


@pytest.mark.fault(2)
@pytest.mark.parametrize(
    ("frequency", "kind"), [("D", "day/month/year"), ("M", "month/day/year"), ("", "")]
)
def test_a_declared_frequency_decides(frequency, kind):
    words = written(DAYS[:12], "%d/%m/%Y")

    if kind:
        assert parsed(words, frequency=frequency).format.kind == kind
    else:
        refused(words, "can be read as")


@pytest.mark.fault(2)
@pytest.mark.remedy
@pytest.mark.parametrize(
    ("times", "form", "flags"),
    [
        (DAYS[:12], "%d/%m/%Y", ("day-first", "month-first")),
        (MONTHS[:12], "%m/%d/%y", ("month-first", "day-first")),
        (DAYS[:12], "%d-%m-%Y", ("day-first", "month-first")),
        (MONTHS[:12], "%Y%m", ("%Y%m", "year-week")),
        (DAYS[:12], "%d%m%Y", ("day-first", "month-first")),
    ],
)
def test_what_the_grid_does_not_decide_is_asked(times, form, flags):
    words = written(times, form)

    refused(words, "t.csv:2: ds is", "can be read as", *(f"--dates {flag}" for flag in flags))

    right, wrong = (parsed(words, asked=flag).stamps for flag in flags)
    assert (right == times.to_numpy("datetime64[ns]")).all()
    assert (wrong != right).any()


@pytest.mark.fault(2)
@pytest.mark.parametrize(
    ("words", "asked", "parts"),
    [
        (["13/01/2024", "01/02/2024"], "month-first", ["t.csv:2", "--dates month-first says"]),
        (["2024-01-01", "2024-01-02"], "day-first", ["not written day-first as --dates says"]),
        (["2024-01-01", "2024-01-02"], "%d.%m.%Y", ["t.csv:2", "written %d.%m.%Y"]),
        (["2024-01-01", "2024-01-02"], "%Q", ["--dates %Q: not a format of dates"]),
        (["2024-01-01", "2024-01-02"], "fortnight", ["expected day-first, month-first"]),
        (["soon", "later"], "epoch-s", ["t.csv:2: ds is 'soon'"]),
    ],
)
def test_a_flag_that_the_times_contradict(words, asked, parts):
    refused(words, *parts, asked=asked)


@pytest.mark.parametrize(
    ("words", "asked", "first"),
    [
        (["24.01.02 5", "24.01.02 6"], "%y.%m.%d %H", "2024-01-02T05"),
        (["2024-13-01", "2024-14-01"], "%Y-%d-%m", "2024-01-13"),
        (["24-01-02", "24-01-03"], "year-first", "2024-01-02"),
        (["2024-05", "2024-06"], "year-week", "2024-01-29"),
        (["0", "3600"], "epoch-s", "1970-01-01"),
        (["-3600.5", "0.5"], "epoch-s", "1969-12-31T22:59:59.5"),
        (["2024", "2025"], "year", "2024-01-01"),
        (["20240101", "20240102"], "steps", 20240101),
        (["2024-01-01 01:00 +0100", "2024-01-01 02:00 +0100"], "%Y-%m-%d %H:%M %z", "2024-01-01"),
    ],
)
def test_a_flag_is_used_as_asked(words, asked, first):
    expected = first if isinstance(first, int) else np.datetime64(first)

    assert parsed(words, asked=asked).stamps[0] == expected


# Offsets.


@pytest.mark.fault(6)
@pytest.mark.fault(24)
@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        (["2024-03-31 01:00:00+01", "2024-03-31 03:00:00+02"], "2024-03-31T00", "2024-03-31T01"),
        (["2024-03-31 01:00+0100", "2024-03-31 02:00+0100"], "2024-03-31T00", "2024-03-31T01"),
        (["2024-03-31T01:00:00+01:00", "2024-03-31T00:00:00Z"], "2024-03-31", "2024-03-31"),
        (["2024-03-31 00:00:00 UTC", "2024-03-31 01:00:00 UTC"], "2024-03-31", "2024-03-31T01"),
        (["2024-03-31 00:00 GMT", "2024-03-31 01:00 GMT"], "2024-03-31", "2024-03-31T01"),
        (["20240331T000000Z", "20240331T010000Z"], "2024-03-31", "2024-03-31T01"),
        (["31.03.2024 01:00 +01", "31.03.2024 03:00 +02"], "2024-03-31T00", "2024-03-31T01"),
        (["2024-03-31 00:00:00-05", "2024-03-31 01:00:00-05"], "2024-03-31T05", "2024-03-31T06"),
    ],
)
def test_times_with_an_offset_are_instants_in_utc(words, first, last):
    found = parsed(words)

    assert found.zoned
    assert found.format.offset
    assert found.stamps.tolist() == [
        np.datetime64(each, "ns").astype(np.int64) for each in (first, last)
    ]


@pytest.mark.fault(6)
@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["2024-01-01 00:00", "2024-01-01 01:00Z", "2024-01-01 02:00"], "t.csv:3"),
        (["2024-01-01 00:00+01", "2024-01-01 01:00+01", "2024-01-01 02:00"], "t.csv:4"),
        (["01.01.2024 00:00", "01.01.2024 01:00 UTC"], "t.csv:3"),
    ],
)
def test_some_with_an_offset_and_some_without(words, place):
    refused(words, place, "how far it is from UTC")


# Numbers.


@pytest.mark.fault(9)
@pytest.mark.parametrize(
    ("form", "times", "kind"),
    [
        ("%Y%m", MONTHS, "yyyymm"),
        ("%Y%m%d", DAYS, "yyyymmdd"),
        ("%d%m%Y", DAYS, "ddmmyyyy"),
        ("%d%m%Y", pd.date_range("2024-01-31", periods=9, freq="ME"), "ddmmyyyy"),
        ("%d%m%Y %H:%M", HOURS, "ddmmyyyy"),
        ("%m%d%Y", DAYS, "mmddyyyy"),
        ("%Y%m%d%H", HOURS, "yyyymmddhh"),
        ("%Y%m%d%H%M", HOURS, "yyyymmddhhmm"),
        ("%Y%m%d%H%M%S", HOURS, "yyyymmddhhmmss"),
        ("%b %Y", MONTHS, "month-name year"),
        ("%YM%m", MONTHS, "year-month"),
        ("%a, %d %b %Y", DAYS, "day month-name year"),
        ("%d-%b-%y", DAYS, "day month-name year"),
    ],
)
def test_dates_in_digits_or_with_names(form, times, kind):
    found = parsed(written(times, form))

    assert found.format.kind == kind
    assert (found.stamps == times.to_numpy("datetime64[ns]")).all()


@pytest.mark.fault(9)
@pytest.mark.parametrize("mark", ["", "W", "-W"])
def test_years_with_weeks(mark):
    words = [f"{year}{mark}{week:02d}" for year in (2021, 2022) for week in range(1, 53)]

    found = parsed(words, "period")

    assert found.stamps[0] == np.datetime64("2021-01-04")
    assert (np.diff(found.stamps) == np.timedelta64(7, "D")).all()


@pytest.mark.fault(9)
def test_the_name_of_the_column_tells_weeks_from_months():
    words = written(MONTHS[:12], "%Y%m")

    assert parsed(words, "week").stamps[-1] == np.datetime64("2021-03-22")
    assert parsed(words, "Month").stamps[-1] == np.datetime64("2021-12-01")


@pytest.mark.fault(9)
def test_a_week_that_its_year_does_not_have():
    words = [f"{year}{week:02d}" for year in (2021, 2022) for week in range(1, 54)]

    refused(words, "t.csv:54: ds is '202153'", "--dates steps")
    assert parsed(words, asked="steps").stamps[0] == 202101


@pytest.mark.fault(9)
@pytest.mark.parametrize(
    ("words", "first"),
    [
        ([1704067200, 1704070800], "2024-01-01"),
        ([1704067200000, 1704070800000], "2024-01-01"),
        ([1704067200000000, 1704070800000000], "2024-01-01"),
        ([1704067200000000000, 1704070800000000000], "2024-01-01"),
        ([1704067200.0, 1704070800.0], "2024-01-01"),
        ([1704067200.5, 1704070800.5], "2024-01-01T00:00:00.5"),
        ([-315619200, -315615600], "1960-01-01"),
        ([946684800, 946688400], "2000-01-01"),
        ([999997200, 1000000800], "2001-09-09T01:00"),
    ],
)
def test_counts_since_1970(words, first):
    found = parsed(words)

    assert found.zoned
    assert found.stamps[0] == np.datetime64(first)


@pytest.mark.parametrize(
    "words", [[7, 8, 9], [10012024, 10012025], [100001, 100002], [0, 3600], [2001, 2002], [-2, -1]]
)
def test_other_whole_numbers_count_steps(words):
    found = parsed(words)

    assert found.stamps.tolist() == words
    assert found.format.kind == "steps"


# What can't be read.


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["2024-01-01", "2024-13-01", "2024-01-03"], ["t.csv:3: ds is '2024-13-01'"]),
        (["2024-01-01", "soon"], ["t.csv:3: ds is 'soon'", "written year-month-day"]),
        (["01.02.2024", "2024-02-02"], ["t.csv:3: ds is '2024-02-02'"]),
        (["1500-01-01", "1500-01-02"], ["t.csv:2", "outside of the years 1678 to 2261"]),
        (["01.01.2024", "01.01.2999"], ["t.csv:3", "outside of the years 1678 to 2261"]),
        (["2024-01-01", None], ["t.csv:3: ds has no time"]),
        (["2024-01-01", "  "], ["t.csv:3: ds has no time"]),
        (["now", "today"], ["t.csv:2: ds is 'now', not a time"]),
        (["2024-01-01 00:00 CET", "2024-01-01 01:00 CET"], ["t.csv:2", "CET", "--time-zone"]),
        (["99999999999999999999", "1"], ["t.csv:2"]),
        ([1e30, 2e30], ["t.csv:2"]),
        ([[1], [2]], ["t.csv:2: ds holds lists", "--time"]),
        (["٢٠٢٤٠١٠١", "٢٠٢٤٠١٠٢"], ["t.csv:2"]),
        ([True, False], ["t.csv:2: ds is 'True'"]),
    ],
)
def test_a_time_that_cannot_be_read_is_named_by_its_row(words, parts):
    refused(words, *parts)


def test_midnight_may_be_the_end_of_a_day():
    assert parsed(["2024-01-31 24:00", "2024-02-01 01:00"]).stamps[0] == np.datetime64("2024-02-01")


def test_words_that_look_like_times():
    assert look_like_times(["01/02/2024", "02/02/2024"])
    assert look_like_times(["2024W05"])
    assert not look_like_times(["north", "south"])
    assert not look_like_times(["13:00"])
    assert not look_like_times(["7", "8"])
    assert not look_like_times([])
    assert not look_like_times(["2024-01-01"] * 99 + ["north"])
    assert look_like_times(["2024-01-01"] * 100 + ["north"])


def test_counts_of_steps_that_no_int64_holds():
    words = ["9223372036854775807", "-9223372036854775807", "9223372036854775808", "9" * 19, "1.5"]

    reading = read_words(words, "steps")

    assert reading.bad.tolist() == [False, False, True, True, True]
    assert reading.stamps[:2].tolist() == [2**63 - 1, 1 - 2**63]


# Later columns.


@pytest.mark.fault(1)
@pytest.mark.parametrize(
    ("kind", "word", "expected"),
    [
        ("day.month.year", "02.01.2025", "2025-01-02"),
        ("day/month/year", "02/01/2025", "2025-01-02"),
        ("month/day/year", "02/01/2025", "2025-02-01"),
        ("month-day-year", "02-01-25 13:00", "2025-02-01T13"),
        ("year-week", "202502", "2025-01-06"),
        ("yyyymm", "202502", "2025-02-01"),
        ("ddmmyyyy", "02012025", "2025-01-02"),
        ("yyyymmddhh", "2025010213", "2025-01-02T13"),
        ("%d.%m.%Y %H", "02.01.2025 13", "2025-01-02T13"),
        ("day.month.year", "2025-01-02", "2025-01-02"),  # certain all the same
        ("datetime", "2025-01-02 13:00", "2025-01-02T13"),
        ("year", "2025", "2025-01-01"),
    ],
)
def test_one_later_row_is_read_as_the_others_were(kind, word, expected):
    stamps, zoned = TimeFormat(kind).read(pd.Series([word]), "ds", where)

    assert stamps.tolist() == np.array([expected], "datetime64[ns]").tolist()
    assert not zoned


@pytest.mark.fault(1)
@pytest.mark.parametrize(
    ("kind", "word", "message"),
    [
        ("day.month.year", "2025-13-01", "not a time written day.month.year like those"),
        ("day.month.year", "01/02/2025", "not a time written day.month.year like those"),
        ("day.month.year", "01.13.2025", "not a time written day.month.year like those"),
        ("year-week", "202560", "not a time written year-week like those"),
        ("year-month-day", "01.02.2025", "not a time written year-month-day like those"),
        ("datetime", "01.02.2025", "not a time written year-month-day like those"),
        ("steps", "2025-01-01", "not a whole number like those"),
        ("day.month.year", "", "has no time"),
        ("year-month-day", "2025-01-01 00:00Z", "which has one, but the times"),
    ],
)
def test_a_later_row_that_is_written_otherwise(kind, word, message):
    with pytest.raises(InputError, match=f"^t.csv:2: ds .*{message}") as error:
        TimeFormat(kind).read(pd.Series([word]), "ds", where)
    assert "\n" not in str(error.value)


@pytest.mark.fault(24)
@pytest.mark.remedy
def test_a_later_time_without_the_offset_that_all_others_have():
    utc = TimeFormat("year-month-day", offset=True, zone="Europe/Berlin")

    with pytest.raises(InputError, match=r"has none, but .* as in 2024-05-17 13:00\+00:00"):
        utc.read(pd.Series(["2025-01-01 00:00"]), "ds", where)

    stamps, zoned = utc.read(pd.Series(["2024-05-17 13:00+00:00"]), "ds", where)
    assert (stamps[0], zoned) == (np.datetime64("2024-05-17T13"), True)


def test_a_declared_zone_takes_times_with_an_offset():
    wall = TimeFormat("year-month-day", zone="Europe/Berlin")

    assert wall.read(pd.Series(["2025-01-01 00:00Z"]), "ds", where)[1]


def test_datetimes_of_a_frame_are_certain():
    column = pd.Series(pd.to_datetime(["2025-02-01"]))

    assert TimeFormat("day.month.year").read(column, "ds", where)[0][0] == np.datetime64(
        "2025-02-01"
    )
    with pytest.raises(InputError, match="expected a whole number"):
        TimeFormat("steps").read(column, "ds", where)
    with pytest.raises(InputError, match="holds datetimes already"):
        parse_times(column, "ds", where, asked="day-first")


# What is written is read.

FORMS = (
    "%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%y", "%y-%m-%d",
    "%d %b %Y", "%B %d, %Y", "%a %d/%m/%Y", "%Y%m%d", "%d%m%Y", "%d-%b-%y", "%GW%V-%u",
)  # fmt: skip
CLOCKS = ("", " %H:%M", "T%H:%M:%S", " %I:%M %p", ", %H:%M:%S.000", " %H:%M:%S UTC", " %H:%M+00")
STEPS = ("15min", "h", "D", "B", "W-WED", "MS", "ME", "QS")


@given(
    form=st.sampled_from(FORMS),
    clock=st.sampled_from(CLOCKS),
    step=st.sampled_from(STEPS),
    start=st.dates(dt.date(1970, 1, 1), dt.date(2050, 1, 1)),
    count=st.integers(5, 60),
)
def test_what_is_written_is_read_or_asked(form, clock, step, start, count):
    times = pd.date_range(start, periods=count, freq=step)
    if step in ("15min", "h") and not clock:
        clock = " %H:%M"
    words = written(times, form + clock)
    flag = {"d": "day-first", "m": "month-first", "y": "year-first"}.get(
        form.removeprefix("%a ")[1], ""
    )

    try:
        found = parsed(words)
    except InputError as error:
        question = str(error)
        if f"--dates {flag}" not in question:
            raise
        found = parsed(words, asked=flag)

    assert (found.stamps == times.to_numpy("datetime64[ns]")).all(), (words[:3], found.format)
    later = found.format.read(pd.Series(words[-1:]), "ds", where)
    assert later[0] == found.stamps[-1:]


@pytest.mark.parametrize(
    "word", ["2024-01-01 13:00 CET", "01.01.2024 13:00:00 CEST", "1/1/24 1:00 PM EST"]
)
@pytest.mark.remedy
def test_the_name_of_a_zone_is_no_offset(word):
    zone = word.split()[-1]
    with pytest.raises(InputError, match=f"and {zone} is no distance from UTC .* --time-zone"):
        parse_times(pd.Series([word]), "ds", where)

    asked = "month-first" if "/" in word else ""
    without = parse_times(pd.Series([word.removesuffix(f" {zone}")]), "ds", where, asked=asked)
    assert without.stamps[0] == np.datetime64("2024-01-01T13:00")
    offset = parse_times(pd.Series(["2024-01-01 13:00+01:00"]), "ds", where)
    assert offset.stamps[0] == np.datetime64("2024-01-01T12:00")


@pytest.mark.parametrize(
    ("word", "form", "good"),
    [
        ("2024-01-01 0130", "%Y-%m-%d %H%M", True),
        ("2024-01-01 130", "%Y-%m-%d %H%M", False),  # 13:00 to strptime, 01:30 to people
        ("20240101", "%Y%m%d", True),
        ("2024111", "%Y%m%d", False),
        ("1/1/2024 1:30 PM", "%d/%m/%Y %I:%M %p", True),
        ("1.1.24T013000Z", "%d.%m.%yT%H%M%SZ", True),
    ],
)
def test_digits_that_a_format_puts_together_are_all_there(word, form, good):
    if good:
        assert parse_times(pd.Series([word]), "ds", where, asked=form).stamps[0] > np.datetime64(
            0, "ns"
        )
        return
    with pytest.raises(InputError, match="not a time written"):
        parse_times(pd.Series([word]), "ds", where, asked=form)

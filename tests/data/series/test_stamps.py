import numpy as np
import pytest

from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel
from elman.data.series.frequency import Frequency
from elman.data.series.infer_frequency import infer_frequency
from elman.data.series.stamps import place_in_zone
from elman.errors import InputError

pd = pytest.importorskip("pandas")


def table(times, form="%Y-%m-%d %H:%M:%S"):
    words = [time.strftime(form) for time in times]
    return pd.DataFrame({"ds": words, "y": np.arange(len(words)) % 5 + 1.0})


def read(times, form="%Y-%m-%d %H:%M:%S", **columns):
    return read_panel(table(times, form), Columns(**columns))


@pytest.mark.fault(24)
@pytest.mark.parametrize(
    "form", ["%Y-%m-%d %H:%M:%S UTC", "%Y%m%dT%H%M%SZ", "%Y-%m-%d %H:%M+00", "%d.%m.%Y %H:%M GMT"]
)
@pytest.mark.parametrize("start", ["2024-01-10", "2024-03-30"])
def test_times_that_say_utc_are_utc_whatever_the_zone(form, start):
    hours = pd.date_range(start, periods=48, freq="h")

    panel = read(hours, form, time_zone="Europe/Berlin").panel

    assert panel.starts[0] == np.datetime64(start)
    assert panel.clock(panel.times(0))[0].isoformat(sep=" ") == f"{start} 01:00:00+01:00"
    assert (panel.times(0) == hours.to_numpy("datetime64[ns]")).all()


@pytest.mark.fault(6)
def test_an_offset_of_hours_is_one_of_hours_and_minutes():
    wall = pd.date_range("2024-03-30", periods=48, freq="h", tz="Europe/Berlin")

    short = read_panel(
        pd.DataFrame({"ds": [f"{t:%Y-%m-%d %H:%M:%S%z}"[:-2] for t in wall], "y": np.arange(48.0)})
    ).panel
    long = read_panel(pd.DataFrame({"ds": [str(t) for t in wall], "y": np.arange(48.0)})).panel

    assert short.starts[0] == long.starts[0] == np.datetime64("2024-03-29T23:00")
    assert short.lengths.tolist() == long.lengths.tolist() == [48]


@pytest.mark.parametrize(
    ("clock", "frequency", "alias", "starts"),
    [
        ("00:00", "", "D", "2024-03-20T00:00"),
        ("12:00", "", "D", "2024-03-20T12:00"),  # on the wall, over a day of 23 hours
        ("12:00", "D", "D", "2024-03-20T12:00"),
    ],
)
def test_days_at_one_time_are_counted_on_the_wall(clock, frequency, alias, starts):
    days = pd.date_range(f"2024-03-20 {clock}", periods=30, tz="Europe/Berlin")
    frame = pd.DataFrame({"ds": days, "y": np.arange(30.0)})

    panel = read_panel(frame, Columns(time_zone="Europe/Berlin", frequency=frequency)).panel

    assert panel.frequency.alias == alias
    assert panel.starts[0] == np.datetime64(starts)
    assert panel.lengths.tolist() == [30]


def test_days_of_utc_in_another_zone_are_24_hours():
    panel = read(
        pd.date_range("2024-03-20", periods=30), "%Y-%m-%d %H:%MZ", time_zone="Europe/Berlin"
    ).panel

    assert panel.frequency.alias == "24h"
    assert str(panel.clock(panel.times(0))[-1]) == "2024-04-18 02:00:00+02:00"


def test_a_declared_frequency_says_whether_midnights_are_days():
    midnight = np.array(["2024-01-10"], "datetime64[ns]")
    codes = np.zeros(1, dtype=np.int64)

    hours = place_in_zone(midnight, False, "Europe/Berlin", codes, str, "h")
    days = place_in_zone(midnight, False, "Europe/Berlin", codes, str, "D")

    assert (hours.stamps[0], hours.instants) == (np.datetime64("2024-01-09T23"), True)
    assert (days.stamps[0], days.instants) == (np.datetime64("2024-01-10"), False)


# Months, quarters and years on a day of theirs.


def on_day(day, start):
    """18 months on a day, or on their last where they have no such day."""
    months = pd.period_range(start, periods=18, freq="M")
    return pd.DatetimeIndex([m.start_time.replace(day=min(day, m.days_in_month)) for m in months])


MONTHS = pd.date_range("2021-01-01", periods=36, freq="MS")
ENDS = pd.date_range("2021-01-31", periods=36, freq="ME")


@pytest.mark.fault(18)
@pytest.mark.parametrize(
    ("times", "alias", "words", "next_one"),
    [
        (MONTHS + pd.Timedelta("14D"), "MS", "monthly, on day 15", "2024-01-15"),
        (MONTHS + pd.Timedelta("14D12h"), "MS", "monthly, on day 15", "2024-01-15T12"),
        (MONTHS + pd.Timedelta("12h"), "MS", "monthly, on the first day", "2024-01-01T12"),
        (ENDS + pd.Timedelta("23:59:59"), "ME", "monthly, on the last day", "2024-01-31T23:59:59"),
        (ENDS - pd.Timedelta("1D"), "ME", "the day before the last day", "2024-01-30"),
        (
            pd.date_range("2021-01-29", periods=36, freq="BME") + pd.Timedelta("16h"),
            "BME",
            "on the last business day",
            "2024-01-31T16",
        ),
        (
            pd.date_range("2020-01-01", periods=16, freq="QS") + pd.Timedelta("14D"),
            "3MS",
            "quarterly, on day 15",
            "2024-01-15",
        ),
        (
            pd.date_range("2008-06-30", periods=16, freq="YE-JUN") + pd.Timedelta("23:59:59"),
            "12ME",
            "yearly, on the last day",
            "2024-06-30T23:59:59",
        ),
        (pd.bdate_range("2024-01-01", periods=20) + pd.Timedelta("16h"), "B", "", "2024-01-29T16"),
        (on_day(30, "2023-01"), "M30", "monthly, on day 30", "2024-07-30"),
        (on_day(30, "2023-09"), "M30", "monthly, on day 30", "2025-03-30"),
        (on_day(29, "2023-02"), "M29", "monthly, on day 29", "2024-08-29"),
        (on_day(31, "2023-02"), "ME", "monthly, on the last day", "2024-08-31"),
        (on_day(30, "2023-02")[::3], "3M30", "quarterly, on day 30", "2024-08-30"),
        (pd.date_range("2024-01-05 12:00", periods=9, freq="7D"), "W-FRI", "", "2024-03-08T12"),
    ],
)
def test_a_grid_of_months_on_any_day(times, alias, words, next_one):
    found = read(times)

    assert found.panel.frequency.alias == alias
    assert found.panel.next_times(0, 1)[0] == np.datetime64(next_one)
    assert found.panel.lengths.tolist() == [len(times)]
    assert words in found.notes[0]
    # The same, declared, and from a later place on.
    again = read(times[3:], frequency=alias).panel
    assert again.next_times(0, 1)[0] == np.datetime64(next_one)
    later = found.panel.between(np.array([0]), np.array([2]), found.panel.lengths)
    assert (later.times(0) == times[2:].to_numpy("datetime64[ns]")).all()


@pytest.mark.fault(18)
@pytest.mark.parametrize(
    ("times", "declared", "alias"),
    [
        (MONTHS, "M", "MS"),
        (ENDS, "M", "ME"),
        (MONTHS + pd.Timedelta("14D"), "M", "MS"),
        (MONTHS + pd.Timedelta("14D"), "MS", "MS"),
        (pd.date_range("2020-01-01", periods=16, freq="QS"), "Q", "3MS"),
        (pd.date_range("2020-03-31", periods=16, freq="QE"), "QE-MAR", "3ME"),
        (pd.date_range("2020-03-31", periods=16, freq="QE"), "Q-DEC", "3ME"),
        (pd.date_range("2000-07-01", periods=16, freq="YS-JUL"), "YS-JUL", "12MS"),
        (pd.date_range("2000-07-01", periods=16, freq="YS-JUL"), "Y", "12MS"),
    ],
)
def test_an_alias_that_fits(times, declared, alias):
    assert read(times, frequency=declared).panel.frequency.alias == alias


@pytest.mark.fault(18)
@pytest.mark.remedy
@pytest.mark.parametrize(
    ("times", "declared", "remedy"),
    [
        (MONTHS, "ME", "MS"),
        (ENDS, "MS", "ME"),
        (pd.date_range("2020-01-01", periods=16, freq="QS"), "QE", "3MS"),
        (pd.date_range("2020-01-01", periods=16, freq="QS"), "QE-MAR", "Q"),
        (pd.date_range("2000-07-01", periods=16, freq="YS-JUL"), "YE-DEC", "Y"),
    ],
)
def test_an_alias_that_does_not_fit_names_the_one_that_does(times, declared, remedy):
    with pytest.raises(InputError, match=f"give --frequency {remedy}, which") as error:
        read(times, frequency=declared)
    assert "\n" not in str(error.value)

    assert read(times, frequency=remedy).panel.lengths.tolist() == [len(times)]


@pytest.mark.parametrize("days", [["2021-01-30", "2021-02-26", "2021-03-30"], ["2021-01-15"] * 1])
def test_a_day_that_some_months_lack_is_no_grid(days):
    stamps = np.array(days, "datetime64[ns]")

    with pytest.raises(InputError, match=r"off the grid|one row"):
        infer_frequency(stamps, np.zeros(len(stamps), dtype=np.int64), str)


@pytest.mark.parametrize("alias", ["MS-MAR", "QE-XXX", "D-JAN", "W-MAR"])
def test_only_quarters_and_years_begin_in_a_month(alias):
    with pytest.raises(InputError, match="not a frequency"):
        Frequency.named(alias)

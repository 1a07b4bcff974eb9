import numpy as np
import pandas as pd
import pytest

from elman.data.series.calendar import features
from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel
from elman.data.series.frequency import Frequency
from elman.errors import InputError
from tests.data.series.refusing import refused

ALIASES = (
    "h",
    "15min",
    "30s",
    "D",
    "2D",
    "B",
    "W-SUN",
    "2W-WED",
    "MS",
    "ME",
    "3MS",
    "12ME",
    "BMS",
    "BME",
)


@pytest.mark.parametrize("alias", ALIASES)
def test_stamps_are_those_of_pandas_and_are_placed_again(alias):
    start = pd.date_range("2019-11-03", periods=1, freq=alias)[0].to_datetime64()
    frequency = Frequency.named(alias)

    times = frequency.shift(np.datetime64(start, "ns"), np.arange(3, 33))

    expected = pd.date_range(start, periods=33, freq=alias).to_numpy()[3:]
    assert (times == expected).all()
    first = np.repeat(np.datetime64(start, "ns"), 30)
    assert (frequency.rows_between(first, times) == np.arange(3, 33)).all()


def test_a_stamp_beside_the_grid_has_no_place():
    start = np.array(["2020-01-01T00:00"], "datetime64[ns]")
    stamps = np.array(["2020-01-02T00:30"], "datetime64[ns]")

    assert Frequency.named("h").rows_between(start, stamps)[0] == -1
    assert Frequency.named("MS").rows_between(start, stamps)[0] == -1


@pytest.mark.parametrize(
    ("alias", "seasons", "words"),
    [
        ("h", (24, 168), "hourly"),
        ("15min", (4, 96, 672), "every 15 minutes"),
        ("D", (7, 365), "daily"),
        ("Q", (4,), "quarterly, on the last day"),
        ("steps", (), "counted in steps"),
    ],
)
def test_seasons_and_words(alias, seasons, words):
    frequency = Frequency.named(alias)

    assert frequency.seasons == seasons
    assert frequency.words == words
    assert frequency.lags[0] == 1
    assert set(seasons) <= set(frequency.lags)


@pytest.mark.parametrize("alias", ["", "fortnight", "0h", "W-XXX", "h-SUN", "-1D"])
def test_what_is_no_frequency_is_refused(alias):
    with pytest.raises(InputError, match="not a frequency; give one of"):
        Frequency.named(alias)


def test_calendar_features_are_angles_that_come_around():
    days = np.arange("2024-01-01", "2024-01-15", dtype="datetime64[D]").astype("datetime64[ns]")

    found = features(days, ("weekday",))

    assert found.shape == (14, 2)
    np.testing.assert_allclose(found[:7], found[7:])
    np.testing.assert_allclose(found[0], [0, 1], atol=1e-12)  # a Monday
    np.testing.assert_allclose((found**2).sum(axis=1), 1)


@pytest.mark.parametrize(
    ("name", "turn"),
    [
        ("second", 15 / 60),
        ("minute", 45 / 60),
        ("hour", 18 / 24),
        ("weekday", 3 / 7),  # a Thursday
        ("monthday", 28 / 31),
        ("yearday", 59 / 366),
        ("month", 1 / 12),
    ],
)
def test_how_far_each_part_of_the_calendar_has_turned(name, turn):
    times = np.array(["2024-02-29T18:45:15"], "datetime64[ns]")

    (found,) = features(times, (name,))

    np.testing.assert_allclose(found, [np.sin(2 * np.pi * turn), np.cos(2 * np.pi * turn)])


# What pandas 3 writes, and what pandas 2 wrote for the same.
WRITTEN = {
    "ms": ["L"],
    "s": ["S"],
    "min": ["T"],
    "h": ["H"],
    "D": [],
    "B": [],
    "W": [],
    "W-SUN": [],
    "W-WED": [],
    "MS": [],
    "ME": ["M"],
    "BMS": [],
    "BME": ["BM"],
    "QS": [],
    "QE": ["Q"],
    "BQS": [],
    "BQE": ["BQ"],
    "YS": ["AS"],
    "YE": ["Y", "A"],
    "BYS": ["BAS"],
    "BYE": ["BY", "BA"],
}


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("alias", WRITTEN)
def test_aliases_mean_what_pandas_means(alias, count):
    written = f"{count}{alias}" if count > 1 else alias
    stamps = pd.date_range("2023-11-14", periods=6, freq=written).to_numpy("datetime64[ns]")

    for each in (alias, *WRITTEN[alias]):
        frequency = Frequency.named(f"{count}{each}" if count > 1 else each)

        assert frequency.alias == Frequency.named(written).alias
        assert (frequency.shift(stamps[0], np.arange(6)) == stamps).all()
        assert frequency.rows_between(np.repeat(stamps[:1], 6), stamps).tolist() == [*range(6)]


def test_the_ends_of_months_are_months():
    ends = pd.DataFrame({"ds": ["2024-01-31", "2024-02-29", "2024-03-31"], "y": [1.0, 2, 4]})

    assert read_panel(ends, Columns(frequency="M")).panel.frequency.alias == "ME"
    refused(ends, "off the grid", frequency="MS")

import numpy as np
import pandas as pd
import pytest

from elman.data.series.calendar import features
from elman.data.series.frequency import Frequency
from elman.errors import InputError

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

    times = frequency.times(np.datetime64(start, "ns"), 30, skip=3)

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
        ("Q", (4,), "quarterly, on the first day"),
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

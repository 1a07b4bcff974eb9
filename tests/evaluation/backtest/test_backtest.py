from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from utilsforecast.losses import coverage, mae, mase, quantile_loss, rmse, smape

from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel
from elman.data.series.forecasts import LEVELS, Forecast
from elman.data.series.panel import Panel
from elman.errors import InputError
from elman.evaluation.backtest.backtest import (
    Schedule,
    backtest,
    forecast_from_origins,
    place_origins,
)
from elman.evaluation.backtest.baselines import Baselines
from elman.evaluation.backtest.conformal import GRID, Conformal
from elman.evaluation.backtest.report import report
from elman.plots.backtest import draw_backtest
from elman.plots.forecast import draw_fan
from tests.evaluation.backtest.forecasters import Naive, Peeks, Wave, normal, walk, waves


def test_origins_lie_as_the_schedule_says():
    panel = waves(1, 50)

    series, ends, numbers = place_origins(panel, 5, Schedule(origins=3, gap=2, step=4))

    assert ends.tolist() == [35, 39, 43]
    assert numbers.tolist() == [0, 1, 2]
    assert series.tolist() == [0, 0, 0]
    everything = place_origins(panel, 5, Schedule(origins=None, step=1, first=30))
    assert everything[1].tolist() == list(range(30, 46))


def test_a_horizon_longer_than_the_data_is_refused():
    with pytest.raises(InputError, match=r"series s0: 50 rows.*too few.*horizon of 60"):
        backtest(Wave(), waves(1, 50), 60)


def test_scores_are_those_of_utilsforecast():
    panel = waves(3, 200)
    found = backtest(Wave(), panel, 6, Schedule(origins=4, gap=1), seasons=(10,))

    series, ends, _ = place_origins(panel, 6, Schedule(origins=4, gap=1))
    said = Wave().forecast(panel.cuts(series, ends, 40), 7).after(1)
    frame, train = [], []
    for row, (one, end) in enumerate(zip(series, ends, strict=True)):
        values = panel.values[panel.rows(one), 0]
        cells = {"unique_id": row, "step": np.arange(6), "y": values[end + 1 : end + 7]}
        cells |= {"m": said.mean[row, :, 0], "m-lo-80": said.at(0.1)[row, :, 0]}
        cells |= {"m-hi-80": said.at(0.9)[row, :, 0]}
        cells |= {f"q{level}": said.at(level)[row, :, 0] for level in LEVELS}
        frame.append(pd.DataFrame(cells))
        first = ends[series == one].min()
        train.append(pd.DataFrame({"unique_id": row, "ds": np.arange(first), "y": values[:first]}))
    table, history = pd.concat(frame), pd.concat(train)
    scores = found.tally.scores(found.model)
    for metric, function, factor in (("MAE", mae, 1), ("sMAPE", smape, 200)):
        assert scores[metric][0] == pytest.approx(factor * function(table, ["m"])["m"].mean())
    by_step = rmse(table, ["m"], id_col="step")["m"].to_numpy()
    np.testing.assert_allclose(scores["RMSE"][1], by_step)
    expected = mase(table, ["m"], 1, history)["m"].mean()
    assert scores["MASE"][0] == pytest.approx(expected)
    covered = coverage(table, ["m"], 80)["m"].mean()
    assert scores["coverage of 80 %"][0] == pytest.approx(100 * covered)
    pinball = [
        2 * quantile_loss(table, {"m": f"q{level}"}, q=level)["m"].mean() for level in LEVELS
    ]
    size = np.abs(table["y"]).mean()
    assert scores["weighted quantile loss"][0] == pytest.approx(np.mean(pinball) / size)


def test_crps_of_a_normal_forecast():
    """Gneiting & Raftery 2007, equation 20: the expectation is σ / √π where it is true."""
    panel = walk(1500)

    found = backtest(Naive(), panel, 1, Schedule(origins=None, step=1, first=100))

    scores = found.tally.scores(found.model)
    assert scores["CRPS"][0] == pytest.approx(1 / np.sqrt(np.pi), rel=0.06)
    for level in (50, 80, 95):
        assert scores[f"coverage of {level} %"][0] == pytest.approx(level, abs=4)


def test_baselines_by_hand():
    values = np.array([1.0, 2, 4, 7, 11, 16])
    panel = read_panel(pd.DataFrame({"ds": np.arange(6), "y": values})).panel

    said = Baselines(panel, (3,)).forecasts(np.array([0, 0]), np.array([5, 6]), 4)

    assert said["naive"].mean[:, :, 0].tolist() == [[11] * 4, [16] * 4]
    assert said["seasonal naive (3)"].mean[1, :, 0].tolist() == [7, 11, 16, 7]
    assert said["drift"].mean[1, :, 0].tolist() == [19, 22, 25, 28]
    sigma = np.sqrt(np.mean(np.diff(values[:5]) ** 2))
    upper = NormalDist().inv_cdf(0.9) * sigma * np.sqrt(np.arange(1, 5))
    np.testing.assert_allclose(said["naive"].at(0.9)[0, :, 0], 11 + upper)
    ahead = np.arange(1, 5)  # of the drift of the first 5 rows: 4 steps, 2.5 each
    widens = np.sqrt(ahead * (1 + ahead / 4))
    upper = 11 + 2.5 * ahead + NormalDist().inv_cdf(0.9) * sigma * widens
    np.testing.assert_allclose(said["drift"].at(0.9)[0, :, 0], upper)


def test_baselines_of_one_series_know_nothing_of_another():
    panel = waves(2, 60)
    ends = np.array([50])

    both = Baselines(panel, (10,)).forecasts(np.array([1]), ends, 5)
    alone = Baselines(panel.select([1]), (10,)).forecasts(np.array([0]), ends, 5)

    for name, forecast in both.items():
        np.testing.assert_allclose(forecast.quantiles, alone[name].quantiles)


def test_leakage_is_found_and_said_first():
    panel = walk()

    found = backtest(Peeks(panel), panel, 5, Schedule(origins=10), seasons=())

    assert not found.leakage.found  # what it was made with stays, so nothing moves
    leaky = LeakyPanel(**vars(panel))
    found = backtest(Naive(), leaky, 5, Schedule(origins=10), seasons=())
    assert found.leakage.found
    assert report(found).verdict[0].startswith("LEAKAGE")


class LeakyPanel(Panel):
    """Cuts whose last known value is the one after it."""

    def cuts(self, series, ends, context=None):
        panel = super().cuts(series, ends, context)
        after = self.values[self.borders[np.asarray(series)] + np.asarray(ends)]
        panel.values[panel.borders[1:] - 1] = after
        return panel


def test_gaps_filled_from_behind_would_be_leakage():
    frame = pd.DataFrame({"ds": np.arange(60), "y": np.arange(60.0) ** 2})
    frame.loc[45:54, "y"] = np.nan
    panel = read_panel(frame, Columns(missing="interpolate")).panel
    schedule = Schedule(origins=3, step=1)

    found = backtest(Naive(), panel, 5, schedule, seasons=())

    assert not found.leakage.found
    leaky = Interpolated(**vars(panel))
    assert backtest(Naive(), leaky, 5, schedule, seasons=()).leakage.found


class Interpolated(Panel):
    """Cuts that keep what was filled with the values of both sides."""

    def cuts(self, series, ends, context=None):
        return super(Interpolated, replace(self, missing="mask")).cuts(series, ends, context)


def test_refit_gets_only_what_was_known():
    panel, seen = walk(60), []

    def refit(known):
        seen.append(int(known.lengths[0]))
        return Naive()

    found = backtest(Naive(), panel, 5, Schedule(origins=3), refit=refit, seasons=())

    assert seen == [45, 50, 55]
    assert found.pairs == 3


def test_conformal_intervals_cover_what_they_say():
    generator = np.random.default_rng(0)

    def draw(rows):
        mean = np.zeros((rows, 3, 2))
        actual = 3 * generator.standard_t(4, size=mean.shape) + 1
        return actual, normal(mean, 1.0)  # far too sure of itself, and off by one

    fitted = Conformal.fit(*draw(2000))
    actual, said = draw(4000)
    calibrated = Conformal.from_bytes(fitted.to_bytes()).apply(said)

    for level in (50, 80, 95):
        low, high = (calibrated.at(0.5 + sign * level / 200) for sign in (-1, 1))
        covered = 100 * ((actual >= low) & (actual <= high)).mean()
        assert covered == pytest.approx(level, abs=2)
    assert (np.diff(calibrated.quantiles, axis=-1) >= 0).all()
    with pytest.raises(InputError, match="too few to calibrate"):
        Conformal.fit(*(draw(3)))


def test_a_calibration_of_many_levels_is_that_of_each_level():
    """It was made for the levels that were asked for once; now it is made for all of them."""
    assert set(LEVELS) <= set(GRID)
    assert {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.9, 0.975, 0.995} <= set(GRID)
    generator = np.random.default_rng(0)
    actual = generator.standard_t(4, size=(300, 3, 2))

    def said(levels):
        shifts = [NormalDist().inv_cdf(level) for level in levels]
        quantiles = np.zeros(actual.shape)[..., None] + np.array(shifts)
        return Forecast(np.zeros(actual.shape), levels, quantiles)

    whole = Conformal.fit(actual, said(GRID))
    alone = Conformal.fit(actual, said(LEVELS))
    for place, level in enumerate(LEVELS):
        at = whole.levels.index(level)
        np.testing.assert_array_equal(whole.shifts[:, at], alone.shifts[:, place])
    np.testing.assert_array_equal(
        whole.apply(said(LEVELS)).quantiles, alone.apply(said(LEVELS)).quantiles
    )
    between = (0.25, 0.26, 0.275, 0.5, 0.75)
    shifts = whole.apply(said(between)).quantiles - said(between).quantiles
    assert ((shifts[..., 1] - shifts[..., 0]) * (shifts[..., 2] - shifts[..., 1]) >= 0).all()
    assert not (shifts[..., 1] == shifts[..., 0]).any()


def test_forecasts_from_origins_stand_beside_what_came():
    panel = walk(60)

    actual, said = forecast_from_origins(
        Naive().forecast, None, panel, 4, Schedule(origins=2, gap=1)
    )

    assert actual[:, :, 0].tolist() == [
        panel.values[52:56, 0].tolist(),
        panel.values[56:, 0].tolist(),
    ]
    assert said.mean[1, 0, 0] == panel.values[54, 0]


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_pictures(tmp_path, suffix):
    panel = waves()
    found = backtest(Wave(), panel, 4, Schedule(origins=8), seasons=(10,))

    draw_backtest(tmp_path / f"backtest{suffix}", found)
    draw_fan(tmp_path / f"fan{suffix}", panel, Wave().forecast(panel, 12), 1)

    magic = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    for name in ("backtest", "fan"):
        assert (tmp_path / f"{name}{suffix}").read_bytes().startswith(magic)
    with pytest.raises(InputError, match=r"must end in \.png, \.svg"):
        draw_fan(tmp_path / "fan.bmp", panel, Wave().forecast(panel, 3), 0)


def test_series_that_do_not_change_are_named_five_and_counted():
    days = np.arange(40)
    frames = [
        pd.DataFrame({"unique_id": f"s{n}", "ds": days, "y": 1.0 if n < 8 else days % 7})
        for n in range(9)
    ]
    panel = read_panel(pd.concat(frames), Columns(constant="keep")).panel

    notes = backtest(Naive(), panel, 5, Schedule(origins=2), seasons=()).notes

    said = "not in MASE, as nothing changes before the first forecast origin: "
    assert f"{said}s0, s1, s2, s3, s4 and 3 more" in notes

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from utilsforecast.losses import coverage, mae, mase, quantile_loss, rmse, smape

from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel
from elman.data.series.forecasts import LEVELS, Forecast
from elman.data.series.panel import Panel
from elman.errors import InputError
from elman.evaluation.backtest.backtest import Schedule, backtest, forecast_cuts, place_cuts
from elman.evaluation.backtest.baselines import Baselines
from elman.evaluation.backtest.conformal import GRID, Conformal
from elman.evaluation.backtest.report import report, steps
from elman.evaluation.backtest.significance import compare, two_sided
from elman.plots.backtest import draw_backtest
from elman.plots.forecast import draw_fan

SHIFTS = np.array([NormalDist().inv_cdf(level) for level in LEVELS])


def normal(mean, deviation):
    return Forecast(mean, LEVELS, mean[..., None] + deviation * SHIFTS)


@dataclass
class Wave:
    """Knows the season of 10 and the level; `deviation` is how sure it says that it is."""

    context: int | None = 40
    deviation: float = 0.5

    def forecast(self, panel, horizon):
        rows = [panel.values[panel.rows(s)][-20:] for s in range(len(panel))]
        mean = [(part[:10] + part[10:])[np.arange(horizon) % 10] / 2 for part in rows]
        return normal(np.stack(mean), self.deviation)


@dataclass
class Peeks:
    """Keeps the panel that it was made with, and looks what comes."""

    whole: object
    context: int | None = None

    def forecast(self, panel, horizon):
        ends = panel.lengths
        mean = np.stack([self.whole.values[end : end + horizon] for end in ends])
        return normal(mean, 1.0)


def waves(count=3, length=300, noise=0.3, seed=0):
    generator = np.random.default_rng(seed)
    time = np.arange(length)
    frames = [
        pd.DataFrame(
            {
                "unique_id": f"s{each}",
                "ds": time,
                "y": 5
                + each
                + np.sin(2 * np.pi * time / 10)
                + noise * generator.normal(size=length),
            }
        )
        for each in range(count)
    ]
    return read_panel(pd.concat(frames)).panel


def walk(length=400, seed=1):
    steps_ = np.random.default_rng(seed).normal(size=length)
    return read_panel(pd.DataFrame({"ds": np.arange(length), "y": np.cumsum(steps_)})).panel


def test_cuts_lie_as_the_schedule_says():
    panel = waves(1, 50)

    series, ends, numbers = place_cuts(panel, 5, Schedule(cuts=3, gap=2, step=4))

    assert ends.tolist() == [35, 39, 43]
    assert numbers.tolist() == [0, 1, 2]
    assert series.tolist() == [0, 0, 0]
    everything = place_cuts(panel, 5, Schedule(cuts=None, step=1, first=30))
    assert everything[1].tolist() == list(range(30, 46))


def test_a_horizon_longer_than_the_data_is_refused():
    with pytest.raises(InputError, match=r"series s0: 50 rows.*too few.*horizon of 60"):
        backtest(Wave(), waves(1, 50), 60)


def test_scores_are_those_of_utilsforecast():
    panel = waves(3, 200)
    found = backtest(Wave(), panel, 6, Schedule(cuts=4, gap=1), seasons=(10,))

    series, ends, _ = place_cuts(panel, 6, Schedule(cuts=4, gap=1))
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

    found = backtest(Naive(), panel, 1, Schedule(cuts=None, step=1, first=100))

    scores = found.tally.scores(found.model)
    assert scores["CRPS"][0] == pytest.approx(1 / np.sqrt(np.pi), rel=0.06)
    for level in (50, 80, 95):
        assert scores[f"coverage of {level} %"][0] == pytest.approx(level, abs=4)


@dataclass
class Naive:
    context: int | None = 1

    def forecast(self, panel, horizon):
        last = panel.values[panel.borders[1:] - 1][:, None, :]
        return normal(np.repeat(last, horizon, axis=1), 1.0)


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


def test_baselines_of_one_series_know_nothing_of_another():
    panel = waves(2, 60)
    ends = np.array([50])

    both = Baselines(panel, (10,)).forecasts(np.array([1]), ends, 5)
    alone = Baselines(panel.select([1]), (10,)).forecasts(np.array([0]), ends, 5)

    for name, forecast in both.items():
        np.testing.assert_allclose(forecast.quantiles, alone[name].quantiles)


def test_better_than_naive_is_said_first():
    found = backtest(Wave(), waves(), 10, Schedule(cuts=15), seasons=(10,))

    verdict = report(found).verdict

    assert verdict[0].startswith("better than naive: MASE")
    assert "less (Diebold-Mariano test over 15 cuts, p < 0.001)" in verdict[0]
    assert "and than the best baseline, seasonal naive (10)" in verdict[0]
    assert any("no leakage" in line for line in verdict)
    metrics = [score.metric for score in report(found).scores]
    assert metrics[0] == "MASE"
    assert "MASE, drift" in metrics


def test_not_better_than_naive_is_said_plainly():
    found = backtest(Wave(), walk(), 5, Schedule(cuts=30), seasons=(10,))

    assert report(found).verdict[0].startswith("not better than naive: MASE")
    assert (
        "repeating the last value" in report(found).verdict[0] or "use " in report(found).verdict[0]
    )


def test_better_than_naive_but_not_than_the_best_baseline():
    panel = waves(noise=0.05)

    class Last(Wave):
        def forecast(self, panel, horizon):
            rows = [panel.values[panel.rows(s)][-10:] for s in range(len(panel))]
            return normal(np.stack([part[np.arange(horizon) % 10] for part in rows]), 0.1)

    found = backtest(Last(), panel, 10, Schedule(cuts=15), seasons=(10,))

    (said, *_) = report(found).verdict
    assert said.startswith("better than naive: MASE")
    assert "; but not than the best baseline, seasonal naive (10): " in said


def test_leakage_is_found_and_said_first():
    panel = walk()

    found = backtest(Peeks(panel), panel, 5, Schedule(cuts=10), seasons=())

    assert not found.leakage.found  # what it was made with stays, so nothing moves
    leaky = LeakyPanel(**vars(panel))
    found = backtest(Naive(), leaky, 5, Schedule(cuts=10), seasons=())
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
    schedule = Schedule(cuts=3, step=1)

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

    found = backtest(Naive(), panel, 5, Schedule(cuts=3), refit=refit, seasons=())

    assert seen == [45, 50, 55]
    assert found.pairs == 3


def test_steps_are_rows_of_a_table():
    found = backtest(Wave(), waves(), 4, Schedule(cuts=8), seasons=())

    rows = steps(found)

    assert len(rows) == 3 * 4
    assert [row["step"] for row in rows[:4]] == [1, 2, 3, 4]
    assert rows[0]["MASE"] > 0


@pytest.mark.parametrize("freedom", [1, 4, 30, 3000])
@pytest.mark.parametrize("statistic", [0.0, 0.3, 2.0, 6.0])
def test_students_t(statistic, freedom):
    expected = 2 * stats.t.sf(statistic, freedom)

    assert two_sided(statistic, freedom) == pytest.approx(expected, abs=1e-9)


def test_the_paired_test_is_a_t_test_where_cuts_do_not_overlap():
    generator = np.random.default_rng(0)
    first, second = generator.normal(size=20), generator.normal(0.3, size=20)

    found = compare(first, second, 0)

    assert found.p == pytest.approx(stats.ttest_rel(first, second).pvalue)
    assert found.difference == pytest.approx((first - second).mean())
    assert np.isnan(compare(first[:4], second[:4], 0).p)
    assert "too few" in str(compare(first[:4], second[:4], 0))


def test_the_paired_test_keeps_its_level_where_cuts_overlap():
    """Moving sums of 5 noises are what overlapping horizons give; the mean difference is 0."""
    generator = np.random.default_rng(0)
    found = {0: 0, 4: 0}
    for _ in range(300):
        noise = generator.normal(size=154)
        overlapping = np.convolve(noise, np.ones(5), "valid")
        for overlap in found:
            found[overlap] += compare(overlapping, np.zeros(150), overlap).p < 0.05

    assert found[0] > 90  # as if they were independent: wrong in a third of the cases
    assert found[4] < 36


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


def test_forecasts_of_cuts_stand_beside_what_came():
    panel = walk(60)

    actual, said = forecast_cuts(Naive().forecast, None, panel, 4, Schedule(cuts=2, gap=1))

    assert actual[:, :, 0].tolist() == [
        panel.values[52:56, 0].tolist(),
        panel.values[56:, 0].tolist(),
    ]
    assert said.mean[1, 0, 0] == panel.values[54, 0]


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_pictures(tmp_path, suffix):
    panel = waves()
    found = backtest(Wave(), panel, 4, Schedule(cuts=8), seasons=(10,))

    draw_backtest(tmp_path / f"backtest{suffix}", found)
    draw_fan(tmp_path / f"fan{suffix}", panel, Wave().forecast(panel, 12), 1)

    magic = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    for name in ("backtest", "fan"):
        assert (tmp_path / f"{name}{suffix}").read_bytes().startswith(magic)
    with pytest.raises(InputError, match=r"must end in \.png, \.svg"):
        draw_fan(tmp_path / "fan.bmp", panel, Wave().forecast(panel, 3), 0)

"""What a backtest says first, in each case that there is."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel
from elman.data.series.forecasts import LEVELS
from elman.evaluation.backtest.backtest import Backtest, Schedule, backtest
from elman.evaluation.backtest.metrics import GLUONTS_LEVELS
from elman.evaluation.backtest.report import report, spoken_levels
from tests.evaluation.backtest.forecasters import Naive, Wave, normal, walk, waves


@dataclass
class Blurred(Wave):
    """The right median with intervals that are far too wide."""

    deviation: float = 60.0


class Shifted(Wave):
    """A median that is as wrong as naive's, with the intervals that fit it."""

    def forecast(self, panel, horizon, levels=LEVELS):
        said = super().forecast(panel, horizon, levels)
        return normal(said.mean + 0.85, 0.9, levels)


def test_better_than_naive_is_said_first() -> None:
    found = backtest(Wave(), waves(), 10, Schedule(origins=15), seasons=(10,))
    said = report(found)
    assert said.verdict[0].startswith("better than naive: MASE")
    test = "(p < 0.001 over 15 forecast origins, Diebold-Mariano test)"
    assert f"less error {test}" in said.verdict[0]
    assert "; and better than the best baseline, seasonal naive (10): " in said.verdict[0]
    assert said.verdict[1].startswith("by CRPS, which scores the whole distribution, better than")
    assert any("no leakage" in line for line in said.verdict)
    metrics = [score.metric for score in said.scores]
    assert metrics[0] == "MASE"
    assert "seasonal MASE, drift" in metrics


def test_worse_than_naive_is_not_better() -> None:
    found = backtest(Wave(), walk(), 5, Schedule(origins=30), seasons=())
    (said, *_) = report(found).verdict
    assert said.startswith("not better than naive: MASE")
    assert "more error (p < 0.001 over 30 forecast origins" in said
    assert said.endswith(("; use that instead", "; repeat the last value instead"))


@pytest.mark.fault(31)
def test_undecided_is_not_not_better() -> None:
    panel = walk(60)
    few = backtest(Wave(), panel, 5, Schedule(origins=3), seasons=())
    (said, *_) = report(few).verdict
    assert said.startswith("undecided: ")
    assert "error than naive, p = " in said
    assert " over 3 forecast origins, Diebold-Mariano test; MASE " in said
    one = backtest(Wave(), panel, 5, Schedule(origins=1), seasons=())
    assert "error than naive, 1 forecast origin, too few for a test; " in report(one).verdict[0]
    assert "overlap" not in " ".join(report(one).verdict)


@pytest.mark.fault(31)
@pytest.mark.parametrize("seed", range(2))
def test_chance_is_undecided(seed: int) -> None:
    """A forecast of the last value with noise of no weight, on a walk: neither better nor worse."""

    class Shaky(Naive):
        def forecast(self, panel, horizon, levels=LEVELS):
            said = super().forecast(panel, horizon, levels)
            draw = np.random.default_rng(seed + int(panel.values.sum() * 1e6) % 1000)
            return normal(said.mean + 0.3 * draw.choice([-1, 1], said.mean.shape), 1.0, levels)

    found = backtest(Shaky(), walk(seed=seed), 1, Schedule(origins=12), seasons=())
    assert report(found).verdict[0].startswith("undecided: ")


@pytest.mark.fault(31)
def test_many_series_at_one_origin_decide() -> None:
    found = backtest(Wave(), waves(30), 10, Schedule(origins=1), seasons=())
    (said, *_) = report(found).verdict
    assert said.startswith("better than naive, the best of the baselines: MASE")
    assert "(p < 0.001 over 30 series, paired t-test)" in said


@pytest.mark.fault(31)
def test_many_channels_of_a_wide_table_are_many_series() -> None:
    draw, time = np.random.default_rng(0), np.arange(200)
    wave = np.sin(2 * np.pi * time / 10)
    frame = {"ds": time} | {f"y{n}": 5 + wave + 0.3 * draw.normal(size=200) for n in range(12)}
    panel = read_panel(pd.DataFrame(frame), Columns(target=("*",))).panel
    found = backtest(Wave(), panel, 10, Schedule(origins=1), seasons=())
    assert "(p < 0.001 over 12 series, paired t-test)" in report(found).verdict[0]


def test_the_same_as_naive_is_not_better() -> None:
    found = backtest(Naive(), walk(), 5, Schedule(origins=8), seasons=())
    (said, *_) = report(found).verdict
    assert said.startswith("not better than naive: ")
    assert "the same error" in said


def test_better_than_naive_but_not_than_the_best_baseline() -> None:
    class Last(Wave):
        def forecast(self, panel, horizon, levels=LEVELS):
            rows = [panel.values[panel.rows(s)][-10:] for s in range(len(panel))]
            mean = np.stack([part[np.arange(horizon) % 10] for part in rows])
            return normal(mean + 0.4, 0.1, levels)

    found = backtest(Last(), waves(noise=0.05), 10, Schedule(origins=15), seasons=(10,))
    (said, *_) = report(found).verdict
    assert said.startswith("better than naive: MASE")
    assert "; but worse than the best baseline, seasonal naive (10): " in said
    assert said.endswith("; use that instead")


def test_a_worse_crps_is_said_beside_a_better_mase() -> None:
    found = backtest(Blurred(), waves(), 10, Schedule(origins=15), seasons=())
    said = report(found).verdict
    assert said[0].startswith("better than naive")
    assert said[1].startswith(
        "but by CRPS, which scores the whole distribution, not better than naive: CRPS"
    )


def test_a_better_crps_is_said_beside_a_mase_that_is_not() -> None:
    found = backtest(Shifted(), waves(), 10, Schedule(origins=25), seasons=())
    said = report(found).verdict
    assert not said[0].startswith("better than naive")
    assert said[1].startswith("but by CRPS, which scores the whole distribution, better than naive")


@pytest.mark.fault(32)
def test_without_intervals_there_is_no_crps_and_no_coverage() -> None:
    found = backtest(Wave(), waves(), 10, Schedule(origins=15), seasons=(), intervals=False)
    said = report(found)
    names = " ".join(score.metric for score in said.scores)
    assert "CRPS" not in names
    assert "coverage" not in names
    assert "quantile" not in names
    assert not any(line.startswith(("by CRPS", "but by CRPS", "CRPS")) for line in said.verdict)
    assert any(line.startswith("no intervals, so no coverage") for line in said.verdict)


def test_what_is_measured_is_defined() -> None:
    panel = waves()
    said = " ".join(report(backtest(Wave(), panel, 4, Schedule(origins=5), seasons=(10,))).verdict)
    assert "seasonal MASE, as in the M4 competition, is over the change from season" in said
    assert "to season, 10 rows" in said
    assert "21 quantile levels: 0.025, 0.05 to 0.95 by 0.05, 0.975" in said
    nine: Backtest = backtest(Wave(), panel, 4, Schedule(origins=5), levels=GLUONTS_LEVELS)
    said = " ".join(report(nine).verdict)
    assert "9 quantile levels: 0.1 to 0.9 by 0.1, GluonTS's" in said
    assert spoken_levels((0.1, 0.5, 0.99)) == "3 quantile levels: 0.1, 0.5, 0.99"
    assert spoken_levels((0.5,)) == "1 quantile level: 0.5"


def test_more_error_than_none_at_all() -> None:
    """The season repeats exactly, so that a baseline has no error to compare with."""
    panel = read_panel(pd.DataFrame({"ds": np.arange(120), "y": [1.0, 4, 2, 8, 5] * 24})).panel
    found = backtest(Naive(), panel, 5, Schedule(origins=10), seasons=(5,))
    (said, *_) = report(found).verdict
    assert (
        "worse than the best baseline, seasonal naive (5): 0, some error where it has none (p"
        in (said)
    )

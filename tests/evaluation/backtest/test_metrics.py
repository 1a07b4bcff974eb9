"""The scores are those of plain loops over the definitions, and of values known by hand."""

import math
from collections import defaultdict

import numpy as np
import pytest

from elman.data.series.forecasts import LEVELS, Forecast
from elman.evaluation.backtest.backtest import Schedule, backtest
from elman.evaluation.backtest.baselines import Baselines
from elman.evaluation.backtest.metrics import GLUONTS_LEVELS, Divisors, Tally, crps_weights
from tests.evaluation.backtest.forecasters import Wave, normal, waves

R, L, C = 4, 3, 2


def pinball(y: float, q: float, level: float) -> float:
    return level * (y - q) if y >= q else (1 - level) * (q - y)


@pytest.mark.parametrize("levels", [LEVELS, GLUONTS_LEVELS, (0.5,)], ids=["all", "nine", "one"])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e9])
def test_all_scores_by_a_plain_loop(levels: tuple[float, ...], size: float) -> None:
    draw = np.random.default_rng(0)
    actual = size * draw.normal(5, 1, (R, L, C))
    said = normal(size * draw.normal(5, 1, (R, L, C)), size * 0.7)
    said = Forecast(said.mean + 0.1 * size, said.levels, said.quantiles)  # not the median
    scored = draw.random((R, L, C)) < 0.8
    scale, seasonal = size * draw.uniform(1, 2, (R, C)), size * draw.uniform(1, 2, (R, C))
    scale[1, 0] = np.nan
    origins, series = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    tally = Tally(L, 2, 2 * C, levels)
    for rows in (slice(0, 1), slice(1, 4)):  # a chunk at a time
        part = Forecast(said.mean[rows], said.levels, said.quantiles[rows])
        by = Divisors(scale[rows], seasonal[rows])
        chunk = actual[rows], scored[rows], origins[rows], series[rows]
        tally.add(*chunk, {"m": part}, by)

    parts: dict[object, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for r, t, c in np.argwhere(scored):
        y, mean = actual[r, t, c], said.mean[r, t, c]
        quantile = {level: said.at(level)[r, t, c] for level in {*levels, 0.5, 0.1, 0.9}}
        error = abs(y - quantile[0.5])
        losses = {level: pinball(y, quantile[level], level) for level in levels}
        weights = dict(zip(levels, crps_weights(levels), strict=True))
        for key in ("whole", ("step", t), ("origin", origins[r]), ("series", series[r] * C + c)):
            of = parts[key]
            of["MAE"].append(error)
            of["MSE"].append((y - mean) ** 2)
            of["sMAPE"].append(200 * error / (abs(y) + abs(quantile[0.5])))
            of["CRPS"].append(2 * sum(weights[level] * losses[level] for level in levels))
            of["size"].append(abs(y))
            of["quantile loss"].append(2 * sum(losses.values()) / len(levels))
            of["coverage of 80 %"].append(100.0 * (quantile[0.1] <= y <= quantile[0.9]))
            of["seasonal MASE"].append(error / seasonal[r, c])
            if not math.isnan(scale[r, c]):
                of["MASE"].append(error / scale[r, c])

    def expected(key: object) -> dict[str, float]:
        of = parts[key]
        found = {name: sum(values) / len(values) for name, values in of.items()}
        found["RMSE"] = math.sqrt(found["MSE"])
        found["weighted quantile loss"] = found.pop("quantile loss") / found.pop("size")
        return found

    scores = tally.scores("m")
    for name, value in expected("whole").items():
        assert scores[name][0] == pytest.approx(value), name
        for step in range(L):
            assert scores[name][1][step] == pytest.approx(expected(("step", step))[name])
    for key, count in (("origin", 2), ("series", 4)):
        found = tally.scores_by(key, "m")
        for place in range(count):
            for name, value in expected((key, place)).items():
                assert found[name][place] == pytest.approx(value), (key, place, name)


def test_the_weighted_quantile_loss_of_gluonts_by_hand() -> None:
    """Of its Evaluator: for each level 2 Σ |(q - y) ((y <= q) - τ)| / Σ |y|, then the mean."""
    actual = np.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 4, 1)
    levels = tuple(sorted({*LEVELS, *GLUONTS_LEVELS}))
    said = Forecast(np.full((1, 4, 1), 2.0), levels, np.full((1, 4, 1, len(levels)), 2.0))
    tally = Tally(4, 1, 1, GLUONTS_LEVELS)
    zero = np.zeros(1, dtype=np.int64)
    tally.add(actual, np.ones((1, 4, 1), bool), zero, zero, {"m": said}, Divisors(np.ones((1, 1))))
    each = [2 * (abs((2 - 1) * (1 - tau)) + 0 + abs((2 - 3) * tau) + abs((2 - 4) * tau)) / 10
            for tau in GLUONTS_LEVELS]  # fmt: skip
    assert tally.scores("m")["weighted quantile loss"][0] == pytest.approx(np.mean(each))
    # A certain forecast: its CRPS is its absolute error, whatever the grid.
    assert tally.scores("m")["CRPS"][0] == pytest.approx(np.abs(actual - 2).mean())


def test_the_scales_of_both_mase_by_hand() -> None:
    """Only rows before the first forecast origin of a series count."""
    panel = waves(2, 40)
    scales = Baselines(panel, ()).scale(np.array([30, 25]), 10)
    steps = Baselines(panel, ()).scale(np.array([30, 25]))
    for series, known in enumerate((30, 25)):
        y = panel.values[panel.rows(series), 0][:known]
        assert scales[series, 0] == pytest.approx(np.abs(y[10:] - y[:-10]).mean())
        assert steps[series, 0] == pytest.approx(np.abs(np.diff(y)).mean())
    found = backtest(Wave(), panel, 5, Schedule(origins=2), seasons=(10, 3))
    scores = found.tally.scores(found.model)
    assert found.season == 10
    known = 30  # 40 rows, two origins of 5
    errors = []
    for series in range(2):
        y = panel.values[panel.rows(series), 0]
        scale = np.abs(y[10:known] - y[: known - 10]).mean()
        for end in (30, 35):
            said = Wave().forecast(panel.select([series]).head([end]), 5)
            errors.append(np.abs(y[end : end + 5] - said.at(0.5)[0, :, 0]).mean() / scale)
    assert scores["seasonal MASE"][0] == pytest.approx(np.mean(errors))


def test_without_a_season_there_is_no_seasonal_mase() -> None:
    found = backtest(Wave(), waves(1, 60), 5, Schedule(origins=2), seasons=())
    assert "seasonal MASE" not in found.tally.scores(found.model)
    found = backtest(Wave(), waves(1, 60), 5, Schedule(origins=2), seasons=(365,))
    assert "seasonal MASE" not in found.tally.scores(found.model)
    assert any("not in the seasonal MASE" in note for note in found.notes)

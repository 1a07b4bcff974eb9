"""Intervals are calibrated on the validation rows: on all of them, and on no others."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.data.given import given
from elman.errors import InputError
from elman.evaluation.backtest.conformal import GRID, Conformal
from elman.predictors.forecaster import ForecasterPredictor
from elman.settings import configure
from elman.tasks import runs
from elman.tasks.forecast.config import ForecastConfig
from elman.tasks.forecast.task import ForecastTask
from tests import series

pd = pytest.importorskip("pandas")


def task_of(folder: Path, table: Any, **settings: Any) -> ForecastTask:
    config = configure(ForecastConfig, {**series.SETTINGS, "conformal": True, **settings})
    folder.mkdir()
    return ForecastTask(config, ForecastTask.prepare(config, given(table), folder))


def finished(task: ForecastTask) -> ForecasterPredictor:
    """As training ends, without any training: the weights are those of the seed."""
    return task.finish(runs.make(task))


def shifts(task: ForecastTask) -> Any:
    calibration = finished(task).forecaster.calibration
    assert calibration is not None
    return calibration.shifts


def test_a_calibration_by_a_plain_loop_over_the_validation_rows(tmp_path: Path) -> None:
    task = task_of(tmp_path / "a", series.table())
    train, valid = int(task.split.train[0]), int(task.split.valid[0])
    assert (train, valid) == (160, 180)
    predictor = runs.make(task)
    actual, said = [], []
    for known in range(train, valid - 3 + 1):
        head = task.panel.head([known])
        said.append(predictor.forecaster.uncalibrated(head, 3, GRID))
        actual.append(task.panel.values[known : known + 3])
    errors = [
        (came[:, 0, None] - one.quantiles[0, :, 0]) / (one.at(0.75) - one.at(0.25))[0, :, 0, None]
        for came, one in zip(actual, said, strict=True)
    ]
    found = task.finish(predictor).forecaster.calibration
    assert isinstance(found, Conformal)
    count, pooled = len(errors), np.concatenate(errors)
    assert found.counts == (count,) * 3
    assert count < 20  # so that the errors of all steps stand together
    ordered = np.sort(pooled, axis=0)
    for place, level in enumerate(GRID):
        if level != 0.5:
            far = int(np.ceil(max(level, 1 - level) * (len(pooled) + 1)))
            far = min(far, len(pooled))
            rank = far - 1 if level > 0.5 else len(pooled) - far
            np.testing.assert_allclose(found.shifts[:, place], ordered[rank, place], rtol=1e-5)


def test_test_rows_do_not_calibrate(tmp_path: Path) -> None:
    table = series.table()
    other = table.copy()
    other.loc[180:, "y"] = 1e4 * np.arange(20)
    known = shifts(task_of(tmp_path / "a", table))
    np.testing.assert_array_equal(known, shifts(task_of(tmp_path / "b", other)))


def test_validation_rows_calibrate(tmp_path: Path) -> None:
    table = series.table()
    other = table.copy()
    other.loc[163:179, "y"] += np.where(np.arange(17) % 2, 30.0, -30.0)
    calm, wild = (shifts(task_of(tmp_path / str(i), t)) for i, t in enumerate((table, other)))
    assert wild[0, GRID.index(0.95)] > 2 * calm[0, GRID.index(0.95)]


@pytest.mark.fault(32)
@pytest.mark.remedy
@pytest.mark.parametrize(
    ("table", "settings"),
    [
        (series.table(60), {"valid_rows": 7}),
        (series.table(60), {"horizon": 1, "valid_rows": 12, "head": "median"}),
        (series.long_table(60).dropna(), {"valid_rows": 4, "series": "shop"}),
        (series.table(60).assign(y=lambda t: t.y.where(t.index % 3 > 0)), {"valid_rows": 9}),
    ],
    ids=["one", "horizon of 1", "two series", "gaps"],
)
def test_too_few_values_are_refused_before_training(
    tmp_path: Path, table: Any, settings: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match="--conformal: the validation rows have") as refused:
        task_of(tmp_path / "few", table, **settings)
    found = re.search(r"with --valid-rows (\d+)", str(refused.value))
    assert found is not None
    rows = int(found.group(1))
    finished(task_of(tmp_path / "enough", table, **{**settings, "valid_rows": rows}))
    with pytest.raises(InputError, match="--conformal"):
        task_of(tmp_path / "less", table, **{**settings, "valid_rows": rows - 1})
    plain = {**settings, "conformal": False}
    task_of(tmp_path / "plain", table, **plain)


@pytest.mark.fault(32)
def test_a_series_too_short_for_any_calibration(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="train without it, or on longer series"):
        task_of(tmp_path / "few", series.table(11), valid_rows=3, test_rows=0)

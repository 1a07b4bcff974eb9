"""ETTh1 by the usual protocol: 12, 4 and 4 months, z-scores of the first, seven channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.quality.forecasting import TrainedForecaster, every_window, train, window_errors
from benchmarks.quality.running import Options, data_file
from benchmarks.results import circumstances, table, write_section
from elman.data.series.windows import Windows
from elman.files import write_text

ROWS = 14_400
HORIZONS = (96, 24)
STRENGTHS = (1e1, 1e2, 1e3, 1e4, 1e5)
COLUMNS = (
    *("horizon", "seed", "parameters", "steps", "minutes of training"),
    *("test MSE", "test MAE", "ridge MSE", "ridge MAE", "windows"),
)
PROTOCOL = """\
Rows 1 to 8,640 train, the next 2,880 validate and the next 2,880 test (12, 4 and 4 months of 30
days); each channel is z-scored with the mean and the standard deviation of its training rows, and
errors are in those units, over all seven channels and every test window, none dropped. The
look-back of a test window may reach into the validation rows. Weights are those with the lowest
validation error. The ridge is one linear map from the last 720 values of a channel to the horizon,
less the last value on both sides, in closed form, shared by the channels, its strength chosen on
the validation rows, fitted in the same run. Evaluations and checkpoints are not counted in the
minutes."""

Matrix = npt.NDArray[np.float64]


def etth1(options: Options) -> None:
    """Both horizons, over the seeds."""
    source = data_file("ett", "ETTh1.csv").read_text(encoding="utf-8").splitlines()
    data = options.out / "etth1-data" / "ETTh1.csv"
    data.parent.mkdir(parents=True, exist_ok=True)
    write_text(data, "\n".join(source[: ROWS + 1]) + "\n")
    rows = [
        row_of(horizon, seed, data, options)
        for horizon in HORIZONS
        for seed in range(1, options.seeds + 1)
    ]
    body = f"""\
{table(COLUMNS, rows)}

{PROTOCOL}

{circumstances(options.command, options.threads)}"""
    write_section("ETTh1, 96 and 24 hours ahead", body)


def row_of(horizon: int, seed: int, data: Path, options: Options) -> list[str]:
    """Train one horizon with one seed, and set the ridge beside it."""
    trained = train(f"etth1-{horizon}", data, f"etth1-{horizon}-seed{seed}", options, seed=seed)
    squared, absolute, windows = window_errors(trained)
    ridge_squared, ridge_absolute = ridge(trained)
    return [
        str(horizon),
        str(seed),
        f"{trained.parameters:,}",
        f"{trained.outcome.step:,}",
        f"{trained.minutes:.1f}",
        f"**{squared:.4f}**",
        f"{absolute:.4f}",
        f"{ridge_squared:.4f}",
        f"{ridge_absolute:.4f}",
        f"{windows:,}",
    ]


def ridge(trained: TrainedForecaster) -> tuple[float, float]:
    """Test MSE and MAE of the closed-form ridge of the strength that is best in validation."""
    task, windows = trained.task, trained.forecaster.windows
    split, look_back = task.split, task.architecture.form.look_back
    known = windows(task.panel.head(split.train))
    gram, moment = _products(known, np.full(len(known.panel), look_back))
    best: tuple[float, Matrix] | None = None
    for strength in STRENGTHS:
        weights = np.linalg.solve(gram + strength * np.eye(look_back), moment)
        squared, _ = _errors(windows(task.panel.head(split.valid)), split.train, weights)
        if best is None or squared < best[0]:
            best = squared, weights
    assert best is not None
    return _errors(windows(task.panel), split.valid, best[1])


def _products(windows: Windows, first: Any) -> tuple[Matrix, Matrix]:
    look_back, horizon = windows.reach.look_back, windows.reach.horizon
    gram, moment = np.zeros((look_back, look_back)), np.zeros((look_back, horizon))
    for batch in every_window(windows, first):
        x, y, _ = _sides(batch)
        gram += x.T @ x
        moment += x.T @ y
    return gram, moment


def _errors(windows: Windows, first: Any, weights: Matrix) -> tuple[float, float]:
    squared = absolute = 0.0
    count = 0
    for batch in every_window(windows, first):
        x, y, _ = _sides(batch)
        error = x @ weights - y
        squared += float((error**2).sum())
        absolute += float(np.abs(error).sum())
        count += error.size
    return squared / count, absolute / count


def _sides(batch: Any) -> tuple[Matrix, Matrix, Matrix]:
    """Inputs (B, T) and targets (B, H) less the last value (B, 1), and that."""
    values, targets = batch.values.double().numpy().T, batch.targets.double().numpy().T
    last = values[:, -1:]
    return values - last, targets - last, last

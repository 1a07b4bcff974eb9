"""`elman evaluate` of a forecast run: the backtest, and what it says of the network.

Legend: S series, L horizon, C channels.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from elman.data.series.forecasts import LEVELS, Forecast
from elman.data.series.panel import Panel
from elman.errors import InputError
from elman.evaluation.backtest.backtest import Backtest, Schedule, backtest, forecast_cuts
from elman.evaluation.backtest.conformal import Conformal
from elman.evaluation.backtest.report import report, steps
from elman.files import atomic_path
from elman.machine import seed_everything
from elman.models.forecaster import Forecaster
from elman.models.forecaster_autoregressive import AutoregressiveForecaster
from elman.predictors.forecaster import PanelForecaster
from elman.tasks.task import Options, Report
from elman.tensors import load_model
from elman.training import loop
from elman.training.log import QuietLog
from elman.training.run_directory import RunDirectory

if TYPE_CHECKING:
    from elman.tasks.forecast.task import ForecastTask

# Held-out forecasts that a calibration is made from: more change little.
_CALIBRATED_ON = 1000


class ForecastEvaluation(Options):
    """What a backtest may be told."""

    split: Literal["test", "valid"] | None = Field(
        None, description="which rows to forecast; default: test, where there are any"
    )
    cuts: int = Field(
        100, ge=1, description="most cuts of a series that are forecast from, the latest ones"
    )
    step: int | None = Field(
        None, ge=1, description="rows between cuts; default: as fits, at most the horizon"
    )
    gap: int = Field(0, ge=0, description="rows between what is known and the first that is scored")
    refit: bool = Field(False, description="train anew at every cut, on what was known there")
    seasons: tuple[int, ...] | None = Field(
        None, description="of the seasonal naive forecasts, in rows; default: from the frequency"
    )
    by_step: Path | None = Field(
        None, description="write the scores of each step of the horizon here (.csv)"
    )
    plot: Path | None = Field(None, description="draw errors by step here (.png or .svg)")


@dataclass(frozen=True)
class CalibratedForecaster:
    """A forecaster whose intervals are moved by what they missed on held-out rows."""

    forecaster: PanelForecaster
    conformal: Conformal

    @property
    def context(self) -> int | None:
        """See `PanelForecaster.context`."""
        return self.forecaster.context

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """See `PanelForecaster.forecast`."""
        levels = self.conformal.levels
        return self.conformal.apply(self.forecaster.forecast(panel, horizon, levels))


def evaluate_forecaster(
    task: ForecastTask, model: Forecaster, paths: Sequence[Path], options: ForecastEvaluation
) -> Report:
    """The backtest of the network, beside forecasts that learn nothing."""
    if options.by_step is not None and options.by_step.suffix != ".csv":
        raise InputError(f"--by-step {options.by_step}: give a name that ends in .csv")
    found, split = run_backtest(task, model, paths, options)
    if options.by_step is not None:
        rows = steps(found)
        with (
            atomic_path(options.by_step) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    if options.plot is not None:
        from elman.plots.backtest import draw_backtest

        draw_backtest(options.plot, found)
    return report(found, split)


def run_backtest(
    task: ForecastTask, model: Forecaster, paths: Sequence[Path], options: ForecastEvaluation
) -> tuple[Backtest, str]:
    """What the backtest finds, and what the rows that it scores are called."""
    horizon = task.config.horizon
    if not isinstance(model, AutoregressiveForecaster):
        horizon -= options.gap  # it looks that far ahead, gap and all
    if horizon < 1:
        raise InputError(
            f"--gap {options.gap}: this run looks {task.config.horizon} rows ahead, so nothing is"
            " left to score; train with a longer --horizon"
        )
    splits = task.splits
    if paths:
        panel = task.with_calendar(task.read_as_trained(list(paths)))
        split, spread = ", ".join(path_name(path) for path in paths), None
        first = np.zeros(len(panel), dtype=np.int64)
    else:
        test = bool((splits.valid < task.panel.lengths).any())
        split = options.split or ("test" if test else "valid")
        if split == "test" and not test:
            raise InputError("--split test: this run kept no rows for a test; use --split valid")
        panel = task.panel if split == "test" else task.panel.head(splits.valid)
        first = splits.valid if split == "test" else splits.train
        spread = task.scaler.scale if task.config.scaling_kind == "standard" else None
    room = int((panel.lengths - horizon - options.gap - first).max())
    step = options.step or max(1, min(horizon, room // max(options.cuts - 1, 1)))
    schedule = Schedule(options.cuts, options.gap, step, first)
    found = backtest(
        forecaster_of(task, model),
        panel,
        horizon,
        schedule,
        refit=(lambda known: refitted(task, known)) if options.refit else None,
        seasons=options.seasons,
        spread=spread,
    )
    return found, split


def path_name(path: object) -> str:
    """What scores of a file are called; of a frame, "data"."""
    return path.name if isinstance(path, Path) else "data"


def forecaster_of(
    task: ForecastTask, model: Forecaster, levels: tuple[float, ...] = LEVELS
) -> PanelForecaster | CalibratedForecaster:
    """The model as something that forecasts panels, calibrated where the run says so."""
    if not task.config.conformal:
        return task.forecaster(model)
    return CalibratedForecaster(task.forecaster(model), task.conformal(model, levels))


@dataclass(frozen=True)
class _At:
    """A forecaster asked for other quantiles."""

    forecaster: PanelForecaster
    levels: tuple[float, ...]

    @property
    def context(self) -> int | None:
        return self.forecaster.context

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        return self.forecaster.forecast(panel, horizon, self.levels)


def calibrate(task: ForecastTask, model: Forecaster, levels: tuple[float, ...]) -> Conformal:
    """How far quantiles have to be moved, by forecasts of the validation rows.

    Raises:
        InputError: too few rows to say anything.
    """
    splits, horizon = task.splits, task.config.horizon
    panel = task.panel.head(splits.valid)
    room = splits.valid - splits.train - horizon + 1
    most = max(1, _CALIBRATED_ON // max(1, int((room > 0).sum())))
    step = max(1, int(room.max()) // most)
    schedule = Schedule(most, 0, step, splits.train)
    actual, forecast = forecast_cuts(_At(task.forecaster(model), levels), panel, horizon, schedule)
    return Conformal.fit(actual, forecast)


def refitted(task: ForecastTask, known: Panel) -> PanelForecaster | CalibratedForecaster:
    """The forecaster that the run's settings give when they are trained on `known`."""
    config = task.config.model_copy(update={"test_fraction": 0.0, "test_rows": 0})
    with TemporaryDirectory() as folder:
        run = RunDirectory.create(Path(folder) / "run", task.name, config.model_dump(mode="json"))
        again = type(task)(config, run)
        again.keep(without_calendar(known, task.panel_as_read), task.columns, ())
        seed_everything(config.seed)
        model = again.build_model()
        loop.train(again.objective(model), again.source(), config, run, QuietLog())
        load_model(run.model_path, model)
        model.eval()
        return forecaster_of(again, model)


def without_calendar(panel: Panel, as_read: Panel) -> Panel:
    """`panel` with only those covariates that the data themselves have."""
    width = as_read.future.shape[1]
    return replace(panel, covariates=as_read.covariates, future=panel.future[:, :width])

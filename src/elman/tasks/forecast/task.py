"""The task `forecast`: what comes next in one series or thousands, and how sure that is.

Legend: S series, C channels, H horizon, B batch.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import torch
from torch import Tensor, nn

from elman.data.series.calendar import with_calendar
from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel
from elman.data.series.panel import Panel
from elman.data.series.panel_file import load_panel, save_panel
from elman.data.series.scaler import Scaler
from elman.data.series.windows import Reach, TrainingWindows, WindowBatch, Windows
from elman.diagnostics.diagnosis_input import DiagnosisInput
from elman.errors import InputError
from elman.evaluation.backtest.conformal import Conformal
from elman.files import write_json
from elman.models.cells import check_cell
from elman.models.forecaster import Forecaster
from elman.models.forecaster_autoregressive import AutoregressiveForecaster
from elman.predictors.forecaster import PanelForecaster, Shape, make_forecaster
from elman.predictors.forecaster_answers import ForecastPrediction, prediction_rows
from elman.predictors.forecaster_session import ForecastStream, ForecastStreaming
from elman.tasks.forecast.config import ForecastConfig
from elman.tasks.forecast.data import Splits, check_counts, settle_shape
from elman.tasks.forecast.diagnosis_input import ROWS, forecaster_diagnosis_input
from elman.tasks.forecast.evaluation import (
    ForecastEvaluation,
    calibrate,
    evaluate_forecaster,
)
from elman.tasks.task import NO_OPTIONS, FrontEnd, Given, Options, Record, Report, Task
from elman.training.contracts import StepLoss

# Windows that an evaluation reads at once.
_EVALUATED_AT_ONCE = 512


@final
class ForecastTask(Task):
    """Forecast, with error bars, and say whether a naive forecast would have done."""

    name: ClassVar[str] = "forecast"
    summary: ClassVar[str] = "Forecast one series or thousands, with intervals and a backtest."
    data: ClassVar[str] = "a table of times and values (CSV, Parquet, JSON lines), wide or long"
    Config = ForecastConfig
    counted: ClassVar[str] = "values"
    common: ClassVar[tuple[str, ...]] = (
        *("target", "horizon", "time", "series", "static", "past", "future", "missing"),
        *("model", "head", "look_back", "normalization", "conformal"),
        *("cell", "hidden_size", "num_layers", "dropout"),
        *("batch_size", "learning_rate", "max_steps", "max_minutes", "patience"),
        *("eval_every", "checkpoint_every", "seed", "threads", "device"),
    )
    Evaluation = ForecastEvaluation
    Prediction = ForecastPrediction
    Streaming = ForecastStreaming
    config: ForecastConfig

    def prepare(self, paths: Sequence[Path]) -> None:
        """Read the table, cut it by time, measure its scale; see `Task.prepare`."""
        config = self.config
        check_cell(config.cell)
        read = read_panel(_source(paths), self._asked_columns())
        self.keep(read.panel, read.columns, read.notes)
        self.source()  # series too short for the horizon are said now

    def keep(self, panel: Panel, columns: Columns, notes: Sequence[str]) -> None:
        """Leave in the run directory all that training needs of a panel."""
        config = self.config
        splits = Splits.of(panel, config)
        check_counts(panel, config)
        save_panel(panel, self.run.path / "panel.safetensors")
        columns.save(self.run.path / "columns.json")
        training = self.with_calendar(panel).head(splits.train)
        scaler = Scaler.fit(training, config.scaling_kind)
        scaler.save(self._scaler_path)
        shape = settle_shape(training, scaler, config)
        write_json(self.run.path / "shape.json", {**shape.as_json(), "notes": list(notes)})

    def describe(self) -> list[str]:
        splits, form = self.splits, self.shape.form
        lags = f", lags {' '.join(map(str, form.lags))}" if form.lags else ""
        held = int((splits.valid - splits.train).sum())
        test = int((self.panel.lengths - splits.valid).sum())
        return [
            *self._shape_file["notes"],
            f"rows: training {int(splits.train.sum()):,}, validation {held:,}, test {test:,}",
            f"horizon {form.horizon}, look-back {form.look_back}{lags}, {form.features} features",
        ]

    def build_model(self) -> Forecaster:
        return make_forecaster(self.config, self.shape)

    def source(self) -> TrainingWindows:
        windows = self.windows(self.panel.head(self.splits.train))
        return TrainingWindows(windows, self.config.batch_size, self.config.seed, self.config.order)

    def objective(self, model: nn.Module) -> ForecastObjective:
        assert isinstance(model, Forecaster)
        return ForecastObjective(model, self)

    def evaluate(
        self, model: nn.Module, paths: Sequence[Path] = (), options: Options = NO_OPTIONS
    ) -> Report:
        """The backtest on the test rows, or on all rows of other data."""
        assert isinstance(model, Forecaster)
        assert isinstance(options, ForecastEvaluation)
        return evaluate_forecaster(self, model, list(paths), options)

    def predict(
        self, model: nn.Module, given: Given, options: Options = NO_OPTIONS
    ) -> Iterator[Record]:
        """The rows after the end of the run's own data, or of other data."""
        assert isinstance(model, Forecaster)
        assert isinstance(options, ForecastPrediction)
        return prediction_rows(self, model, given, options)

    def stream(self, model: nn.Module, options: Options = NO_OPTIONS) -> FrontEnd:
        """Rows in as they come, the updated forecast out."""
        assert isinstance(model, Forecaster)
        assert isinstance(options, ForecastStreaming)
        return ForecastStream(self, model, options)

    def diagnosis_input(
        self,
        model: nn.Module,
        path: Path | None = None,
        *,
        max_lag: int | None = None,
        needs: int | None = None,
    ) -> DiagnosisInput:
        """The model on validation windows, or on some of other data."""
        assert isinstance(model, Forecaster)
        horizon, splits, panel = self.shape.form.horizon, self.splits, self.panel
        if path is not None:
            panel = self.with_calendar(self.read_as_trained([path]))
            begin = np.clip(panel.lengths - horizon, 1, self.shape.form.look_back)
            splits = Splits(begin, panel.lengths)
        windows = self.windows(panel.head(splits.valid))
        places = splits.places(horizon, windows.channels).thinned(ROWS)
        if not len(places.ends):
            raise InputError(
                f"{path or self.run.path}: no series has more rows than the horizon of {horizon};"
                " give a longer one"
            )
        window = windows.at(*places).to(next(model.parameters()).device)
        return forecaster_diagnosis_input(model, window, self.config, max_lag=max_lag, needs=needs)

    def next_steps(self) -> list[str]:
        run = shlex.quote(str(self.run.path))
        return [
            f"elman evaluate {run}",
            f"elman predict {run} --plot forecast.png --out forecast.csv",
            f"elman stream {run} < NEW_ROWS.csv",
            f"elman diagnose {run}",
        ]

    @cached_property
    def panel(self) -> Panel:
        """The run's own data, with the calendar."""
        return self.with_calendar(self.panel_as_read)

    @cached_property
    def panel_as_read(self) -> Panel:
        """The run's own data as they were read."""
        return load_panel(self.run.path / "panel.safetensors")

    @cached_property
    def columns(self) -> Columns:
        """How the run's data were read."""
        return Columns.load(self.run.path / "columns.json")

    @cached_property
    def splits(self) -> Splits:
        """Where training, validation and test meet in the run's own data."""
        return Splits.of(self.panel, self.config)

    @cached_property
    def scaler(self) -> Scaler:
        """The scale of each series, by its training rows."""
        return Scaler.load(self._scaler_path, self.config.scaling_kind)

    @cached_property
    def shape(self) -> Shape:
        """What was settled when the data were read."""
        return Shape.of_json(self._shape_file)

    @cached_property
    def _shape_file(self) -> dict[str, Any]:
        path = self.run.path / "shape.json"
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            Shape.of_json(content)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: can't be read ({error}); train the run again") from error
        return content

    @property
    def _scaler_path(self) -> Path:
        return self.run.path / "scaler.safetensors"

    def read_as_trained(self, paths: Sequence[Any]) -> Panel:
        """Other data, read as the run's own were, without the calendar."""
        # A short table may well be flat.
        panel = read_panel(_source(paths), replace(self.columns, constant="keep")).panel
        check_counts(panel, self.config)
        return panel

    def ready(self, panel: Panel, horizon: int) -> Panel:
        """A panel as the network wants it: with the calendar of the rows to come.

        Raises:
            InputError: a covariate known ahead that does not reach so far.
        """
        return with_calendar(panel, horizon) if self.config.calendar else panel

    def windows(self, panel: Panel) -> Windows:
        """The windows of a panel, as training reads them."""
        form = self.shape.form
        reach = Reach(form.look_back, form.before, form.horizon)
        return Windows(panel, self.scaler, self.shape.numbers(panel), reach)

    def forecaster(self, model: Forecaster) -> PanelForecaster:
        """The model as something that forecasts panels."""
        config = self.config
        return PanelForecaster(
            model, self.scaler, self.shape, config.paths, assume_spread=config.conformal
        )

    def conformal(self, model: Forecaster, levels: tuple[float, ...]) -> Conformal:
        """How far quantiles at `levels` have to be moved, by the validation rows."""
        if levels not in self._calibrated:
            self._calibrated[levels] = calibrate(self, model, levels)
        return self._calibrated[levels]

    @cached_property
    def _calibrated(self) -> dict[tuple[float, ...], Conformal]:
        return {}

    def with_calendar(self, panel: Panel) -> Panel:
        """A panel to be cut: with the calendar, and covariates as far ahead as they are known."""
        ahead = 0 if panel.of("future") else self.config.horizon
        return with_calendar(panel, ahead) if self.config.calendar else panel

    def _asked_columns(self) -> Columns:
        config = self.config
        return Columns(
            target=config.target,
            time=config.time,
            series=config.series,
            static=config.static,
            past=config.past,
            future=config.future,
            frequency=config.frequency,
            time_zone=config.time_zone,
            missing=config.missing,
            duplicates=config.duplicates,
            constant=config.constant,
        )


def _source(paths: Sequence[Any]) -> Any:
    """One table, or several of one kind; a table may be a pandas frame."""
    return paths[0] if len(paths) == 1 else list(paths)


@final
class ForecastObjective:
    """The head's loss of windows, and of windows whose horizon lies in the validation rows."""

    unit = "values"

    def __init__(self, model: Forecaster, task: ForecastTask) -> None:
        self.model: nn.Module = model
        self._forecaster = model
        self._task = task

    def loss(self, batch: Any, state: Any) -> StepLoss:
        loss, units = self._forecaster.loss(batch)
        return StepLoss(loss, units, None)

    def advance(self, batch: Any, state: Any) -> Any:
        raise AssertionError("each batch is whole windows, so no state is carried")

    def row_losses(self, batch: WindowBatch, rows: int) -> Tensor:
        """(B,) the mean over the horizon of each of the first windows.

        Of a forecaster that reads the horizon too, step by step, it is the loss of the last step.
        """
        few = batch.select(torch.arange(min(rows, batch.batch_size), device=batch.series.device))
        losses, scored = self._forecaster.losses(few)
        if isinstance(self._forecaster, AutoregressiveForecaster):
            return losses[-1] * scored[-1]
        return (losses * scored).sum(0) / scored.sum(0).clamp_min(1)

    def evaluate(self) -> dict[str, float]:
        device = next(self.model.parameters()).device
        totals, units = np.zeros(3), 0
        for begin in range(0, len(self._places[0]), _EVALUATED_AT_ONCE):
            chosen = [part[begin : begin + _EVALUATED_AT_ONCE] for part in self._places]
            batch = self._windows.at(*chosen).to(device)
            loss, count = self._forecaster.loss(batch)
            totals[0] += float(loss) * count
            units += count
            if not isinstance(self._forecaster, AutoregressiveForecaster):
                point = self._forecaster.head.mean(self._forecaster(batch))
                error = (point - batch.targets) * batch.scored
                totals[1:] += float(error.square().sum()), float(error.abs().sum())
        loss, squared, absolute = totals / max(units, 1)
        if isinstance(self._forecaster, AutoregressiveForecaster):
            return {"loss": loss}
        return {"loss": loss, "mse": squared, "mae": absolute}

    @cached_property
    def _windows(self) -> Windows:
        return self._task.windows(self._task.panel.head(self._task.splits.valid))

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        task = self._task
        return task.splits.places(task.shape.form.horizon, self._windows.channels).thinned(
            task.config.eval_windows
        )

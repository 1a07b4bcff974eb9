"""The task `forecast`: what comes next in one series or thousands, and how sure that is.

Legend: S series, C channels.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, final

import numpy as np

from elman.data.given import Files, Given
from elman.data.series.calendar import with_calendar
from elman.data.series.columns import Columns
from elman.data.series.dataset import SeriesData, read_panel
from elman.data.series.forecasts import LEVELS
from elman.data.series.panel import Integers, Panel
from elman.data.series.scaler import Scaler
from elman.data.series.windows import Reach, TrainingWindows, Windows
from elman.diagnostics.activations import Activations
from elman.diagnostics.diagnosis_input import DiagnosisInput, Lags
from elman.errors import InputError
from elman.evaluation.backtest.backtest import Backtest, Schedule, backtest
from elman.evaluation.backtest.conformal import GRID, calibrate
from elman.evaluation.backtest.report import report
from elman.evaluation.report import Report
from elman.evaluation.table import check_table
from elman.models.cells import check_cell
from elman.models.forecaster_architecture import ForecasterArchitecture
from elman.plots.style import check_figure
from elman.predictors.forecaster import ForecasterPredictor, check_counts
from elman.predictors.panel_forecaster import PanelForecaster
from elman.settings import Options, adapter
from elman.tasks.forecast.config import ForecastConfig
from elman.tasks.forecast.data import TimeSplit, check_calibration, settle_architecture
from elman.tasks.forecast.diagnosis_input import ROWS, forecaster_diagnosis_input
from elman.tasks.forecast.evaluation_options import ForecastEvaluation
from elman.tasks.forecast.hints import level_hints, to_decide
from elman.tasks.forecast.objective import ForecastObjective
from elman.tasks.forecast.tables import by_step_table, forecasts_table, per_series_table
from elman.tasks.runs import refit
from elman.tasks.task import Task


@final
class ForecastTask(Task[ForecastConfig, SeriesData, ForecasterPredictor]):
    """Forecast, with error bars, and say whether a naive forecast would have done."""

    name: ClassVar[str] = "forecast"
    summary: ClassVar[str] = "Forecast one series or thousands, with intervals and a backtest."
    data_help: ClassVar[str] = (
        "a table of times and values (CSV, Parquet, JSON lines), wide or long"
    )
    Config = ForecastConfig
    counted: ClassVar[str] = "values"
    common: ClassVar[tuple[str, ...]] = (
        *("target", "horizon", "time", "series", "static", "past", "future", "missing"),
        *("delimiter", "decimal", "thousands", "encoding", "missing_values"),
        *("model", "head", "look_back", "normalization", "conformal"),
        *("cell", "hidden_size", "num_layers", "dropout"),
        *("batch_size", "learning_rate", "max_steps", "max_minutes", "patience"),
        *("eval_every", "checkpoint_every", "seed", "threads", "device"),
    )
    Evaluation = ForecastEvaluation

    @classmethod
    def prepare(cls, config: ForecastConfig, given: Given | None, folder: Path) -> SeriesData:
        """Read the table and keep it as it was read; see `Task.prepare`."""
        if given is None:
            raise InputError("forecast: no data; give a table of times and values")
        check_cell(config.cell)
        asked = adapter(Columns).validate_python({**config.model_dump(), "asked": config.asked})
        data = read_panel(given, asked)
        check_counts(data.panel, config.head_kind)
        task = cls(config, data)
        task.source()  # series that are too short for the horizon are found now
        if config.conformal:
            check_calibration(data.panel, config)
        data.save(folder)
        return data

    @classmethod
    def open(cls, config: ForecastConfig, folder: Path) -> SeriesData:
        return SeriesData.load(folder)

    def describe(self) -> list[str]:
        split, form = self.split, self.architecture.form
        lags = f", lags {' '.join(map(str, form.lags))}" if form.lags else ""
        held = int((split.valid - split.train).sum())
        test = int((self.panel.lengths - split.valid).sum())
        return [
            *self.data.notes,
            f"rows: training {int(split.train.sum()):,}, validation {held:,}, test {test:,}",
            f"horizon {form.horizon}, look-back {form.look_back}{lags}, {form.features} features",
        ]

    def make(self) -> ForecasterPredictor:
        forecaster = PanelForecaster(
            model=self.architecture.make(),
            scaler=self.scaler,
            ids=self.panel.ids,
            paths=self.config.paths,
            calendar=self.config.calendar,
            conformal=self.config.conformal,
        )
        return ForecasterPredictor(
            self.architecture, forecaster, self.data.columns, self.data.panel
        )

    def source(self) -> TrainingWindows:
        form = self.architecture.form
        reach = Reach(form.look_back, form.before, form.horizon)
        training = self.panel.head(self.split.train)
        windows = Windows(training, self.scaler, np.arange(len(training)), reach)
        return TrainingWindows(windows, self.config.batch_size, self.config.seed, self.config.order)

    def objective(self, predictor: ForecasterPredictor) -> ForecastObjective:
        windows = predictor.forecaster.windows(self.panel.head(self.split.valid))
        places = self.split.places(self.config.horizon, windows.channels, self.config.eval_windows)
        return ForecastObjective(predictor.model, windows, places)

    def finish(self, predictor: ForecasterPredictor) -> ForecasterPredictor:
        """With intervals that were calibrated on the validation rows, where the config says so."""
        if not self.config.conformal:
            return predictor
        forecaster = predictor.forecaster
        calibration = calibrate(
            lambda panel, horizon: forecaster.uncalibrated(panel, horizon, GRID),
            forecaster.context,
            self.panel.head(self.split.valid),
            self.config.horizon,
            self.split.train,
        )
        return predictor.calibrated(calibration)

    def evaluate(
        self, predictor: ForecasterPredictor, given: Given | None, options: Options
    ) -> Report:
        """The backtest on the test rows, or on all rows of other data."""
        assert isinstance(options, ForecastEvaluation)
        if options.plot is not None:
            check_figure(options.plot)
        paths = {
            "--forecasts": options.forecasts,
            "--per-series": options.per_series,
            "--by-step": options.by_step,
        }
        for flag, path in paths.items():
            if path is not None:
                check_table(flag, path)
        panel, split, first = self._scored_panel(predictor, given, options)
        found = self._backtest(predictor, given, options, panel, first)
        forecasts = forecasts_table(found, panel, predictor.columns)
        per_series = per_series_table(found, predictor.columns)
        tables = (forecasts, per_series, by_step_table(found))
        for path, table in zip(paths.values(), tables, strict=True):
            if path is not None:
                table.write(path)
        if options.plot is not None:
            from elman.plots.backtest import draw_backtest

            draw_backtest(options.plot, found)
        hints = to_decide(found, options, split)
        if given is None:
            hints += level_hints(self.data.panel, self.split, self.config)
        return replace(report(found, split, hints), forecasts=forecasts, per_series=per_series)

    def activations(
        self, predictor: ForecasterPredictor, sequence: str | Path | None
    ) -> Activations:
        raise InputError(
            "a forecaster reads rows of a table, whose states are not shown; see `elman diagnose`"
        )

    def diagnosis_input(
        self, predictor: ForecasterPredictor, given: Given | None, lags: Lags
    ) -> DiagnosisInput:
        """The network on validation windows, or on some of other data."""
        form, split, panel = predictor.model.form, self.split, self.panel
        if given is not None:
            panel = self._with_calendar(predictor.read(given))
            begin = np.clip(panel.lengths - form.horizon, 1, form.look_back)
            split = TimeSplit(begin, panel.lengths)
        windows = predictor.forecaster.windows(panel.head(split.valid))
        places = split.places(form.horizon, windows.channels, ROWS)
        if not len(places.ends):
            where = "the validation rows" if given is None else name_of(given)
            raise InputError(
                f"{where}: no series has more rows than the horizon of {form.horizon}; give a"
                " longer one"
            )
        window = windows.at(*places).to(next(predictor.model.parameters()).device)
        return forecaster_diagnosis_input(predictor.model, window, self.config.cell, lags)

    def next_steps(self, run: str) -> list[str]:
        return [
            f"elman evaluate {run}",
            f"elman predict {run} --plot forecast.png --out forecast.csv",
            f"elman stream {run} < NEW_ROWS.csv",
            f"elman diagnose {run}",
        ]

    @cached_property
    def panel(self) -> Panel:
        """The data with the calendar."""
        return self._with_calendar(self.data.panel)

    @cached_property
    def split(self) -> TimeSplit:
        return TimeSplit.of(self.data.panel, self.config)

    @cached_property
    def scaler(self) -> Scaler:
        """The scale of each series, by its training rows."""
        return Scaler.fit(self.panel.head(self.split.train), self.config.scaling_kind)

    @cached_property
    def architecture(self) -> ForecasterArchitecture:
        """The network that the training rows allow."""
        return settle_architecture(self.panel.head(self.split.train), self.scaler, self.config)

    def _with_calendar(self, panel: Panel) -> Panel:
        """A panel with the calendar, and covariates as far ahead as they are known."""
        ahead = 0 if panel.of("future") else self.config.horizon
        return with_calendar(panel, ahead) if self.config.calendar else panel

    def _scored_panel(
        self, predictor: ForecasterPredictor, given: Given | None, options: ForecastEvaluation
    ) -> tuple[Panel, str, Integers]:
        """The rows to forecast, what they are called, and the fewest known rows of each series."""
        if given is not None:
            panel = self._with_calendar(predictor.read(given, options.asked))
            return panel, name_of(given), np.zeros(len(panel), dtype=np.int64)
        test = bool((self.split.valid < self.panel.lengths).any())
        split = options.split or ("test" if test else "valid")
        if split == "test":
            if not test:
                raise InputError(
                    "--split test: this run kept no rows for a test; use --split valid"
                )
            return self.panel, split, self.split.valid
        return self.panel.head(self.split.valid), split, self.split.train

    def _backtest(
        self,
        predictor: ForecasterPredictor,
        given: Given | None,
        options: ForecastEvaluation,
        panel: Panel,
        first: Integers,
    ) -> Backtest:
        horizon, forecaster = self.config.horizon, predictor.forecaster
        if forecaster.context is not None:
            horizon -= options.gap  # it looks that far ahead, gap and all
        if horizon < 1:
            raise InputError(
                f"--gap {options.gap}: this run looks {self.config.horizon} rows ahead, so nothing"
                " is left to score; train with a longer --horizon"
            )
        spread = self.scaler.scale if self.config.scaling_kind == "standard" else None
        room = int((panel.lengths - horizon - options.gap - first).max())
        step = options.step or max(1, min(horizon, room // max(options.origins - 1, 1)))
        return backtest(
            forecaster,
            panel,
            horizon,
            Schedule(options.origins, options.gap, step, first),
            refit=self._refitted if options.refit else None,
            seasons=options.seasons,
            spread=spread if given is None else None,
            levels=options.quantile_levels or LEVELS,
            intervals=forecaster.has_spread,
        )

    def _refitted(self, known: Panel) -> PanelForecaster:
        """What these settings give when they are trained on `known` alone."""
        config = self.config.model_copy(update={"test_fraction": 0.0, "test_rows": 0})
        # Only the covariates that the data themselves have: the calendar is added again.
        own = self.data.panel
        future = known.future[:, : own.future.shape[1]]
        panel = replace(known, covariates=own.covariates, future=future)
        predictor = refit(ForecastTask(config, replace(self.data, panel=panel)))[0]
        assert isinstance(predictor, ForecasterPredictor)
        return predictor.forecaster


def name_of(given: Given) -> str:
    """What scores of other data are called."""
    return ", ".join(path.name for path in given.paths) if isinstance(given, Files) else "data"

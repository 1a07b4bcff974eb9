"""A trained forecaster: what comes next in one series or thousands, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, ClassVar, TypeAlias, final, get_args

import numpy as np

from elman.data.given import Data, Files, Given, Texts, given
from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel, with_future
from elman.data.series.forecasts import LEVELS
from elman.data.series.grid import place_of
from elman.data.series.panel import Panel, panel_from_bytes, panel_to_bytes
from elman.data.series.scaler import Scaler, Scaling
from elman.data.tables.asked import Asked
from elman.data.tables.dialect import Dialect
from elman.errors import InputError
from elman.evaluation.backtest.conformal import Conformal
from elman.models.forecaster import Forecaster
from elman.models.forecaster_architecture import ForecasterArchitecture
from elman.plots.style import check_figure
from elman.predictors.forecaster_records import (
    ForecastOptions,
    ForecastPrediction,
    ForecastStreaming,
    clock_times,
    forecast_records,
    quantile_levels,
    written_times,
)
from elman.predictors.forecaster_session import ForecasterSession
from elman.predictors.panel_forecaster import PanelForecaster
from elman.predictors.predictor import Parts, Predictor, Records
from elman.settings import Options, adapter

Row: TypeAlias = Mapping[str, Any]
"""The columns of a row of a forecast."""

_SCALER, _HISTORY, _CALIBRATION = "scaler.safetensors", "history.safetensors", "conformal.json"


@final
class ForecasterPredictor(Predictor[Row]):
    """Forecasts what comes after its own history, or after other data.

    What it keeps of the data that it was trained on is what a forecast after them reads: the last
    rows of each series, or, for an autoregressive network, all of them. (The state after them would
    be smaller, but training changes it with every update of the weights, and a run that was
    interrupted would go on from a state of other weights.)

    Args:
        architecture: what the network was made from.
        forecaster: the network with the scale of its data.
        columns: how its data were read, which other data are read by.
        history: what it goes on from, without the calendar.
        name: what messages call it.
    """

    kind: ClassVar[str] = "forecaster"
    Prediction: ClassVar[type[Options]] = ForecastPrediction
    Streaming: ClassVar[type[Options]] = ForecastStreaming

    def __init__(
        self,
        architecture: ForecasterArchitecture,
        forecaster: PanelForecaster,
        columns: Columns,
        history: Panel,
        name: str = "the predictor",
    ) -> None:
        super().__init__(forecaster.model, name)
        self.architecture, self.forecaster = architecture, forecaster
        self.columns, self.history = columns, history
        if forecaster.context is not None:  # what a forecast reads, and what its picture shows
            kept = max(forecaster.context, 4 * self.model.form.horizon, 40)
            self.history = history.head(history.lengths, kept)

    @property
    def model(self) -> Forecaster:
        """The network."""
        return self.forecaster.model

    @classmethod
    def of(cls, parts: Parts, name: str) -> ForecasterPredictor:
        settings, files = parts.settings, parts.files
        architecture = adapter(ForecasterArchitecture).validate_python(settings)
        columns = adapter(Columns).validate_python(settings["columns"])
        history = panel_from_bytes(files[_HISTORY], f"{name}: {_HISTORY}")
        scaler = Scaler.from_bytes(files[_SCALER], settings["scaling"])
        _check_settings(name, architecture, columns, history, settings)
        _check_scaler(name, scaler, history, len(settings["series"]), bool(settings["calendar"]))
        calibration = files.get(_CALIBRATION)
        forecaster = PanelForecaster(
            model=architecture.make(),
            scaler=scaler,
            ids=tuple(settings["series"]),
            paths=int(settings["paths"]),
            calendar=bool(settings["calendar"]),
            conformal=bool(settings["conformal"]),
            calibration=None if calibration is None else Conformal.from_bytes(calibration),
        )
        return cls(architecture, forecaster, columns, history, name)

    def parts(self) -> Parts:
        own = self.forecaster
        files = {_SCALER: own.scaler.to_bytes(), _HISTORY: panel_to_bytes(self.history)}
        if own.calibration is not None:
            files[_CALIBRATION] = own.calibration.to_bytes()
        settings = {
            **asdict(self.architecture),
            "series": own.ids,
            "scaling": own.scaler.kind,
            "paths": own.paths,
            "calendar": own.calendar,
            "conformal": own.conformal,
            "columns": asdict(self.columns),
        }
        return Parts(settings, files)

    def calibrated(self, calibration: Conformal) -> ForecasterPredictor:
        """The same with calibrated intervals."""
        forecaster = replace(self.forecaster, calibration=calibration)
        return ForecasterPredictor(
            self.architecture, forecaster, self.columns, self.history, self.name
        )

    def predict(self, inputs: Data | Given | None = None, **options: object) -> Records[Row]:
        """A row for each series, channel and step to come, its time a pandas Timestamp.

        Numbered steps stay whole numbers, and times that the table has in two columns, as a date
        and a time of day, are written so again.

        Args:
            inputs: a table to go on from; None for what the run was trained on.
            options: the fields of `ForecastPrediction`.

        Raises:
            InputError: as `answers`.
        """
        chosen = self.options(self.Prediction, options)
        found = None if inputs is None else given(inputs, "inputs")
        written = len(self.columns.time) > 1
        return Records(self._rows(found, chosen, written_times if written else clock_times))

    def answers(self, inputs: Given | None, options: Options) -> Iterator[Row]:
        """A row for each series, channel and step to come.

        Raises:
            InputError: data that can't be read as the history was, covariates that are missing, or
                a horizon that is too long.
        """
        return self._rows(inputs, options, written_times)

    def _rows(
        self, inputs: Given | None, options: Options, times: Callable[[Panel, Any], list[Any]]
    ) -> Iterator[Row]:
        assert isinstance(options, ForecastPrediction)
        if options.plot is not None:
            check_figure(options.plot)
        horizon = options.horizon or self.model.form.horizon
        levels = quantile_levels(options.levels)
        # What is given on standard input is for `elman stream`.
        if inputs is None or (isinstance(inputs, Texts) and inputs.arriving):
            panel = self.history
        else:
            panel = self.read(inputs, options.asked)
        panel = self._with_future(panel, options)
        shown = options.plot_series or panel.ids[0]
        if shown not in panel.ids:
            raise InputError(
                f"--plot-series {shown}: there is no such series; {panel.ids[0]} is one"
            )
        ready = self.forecaster.ready(panel, horizon)
        forecast = self.forecaster.forecast(ready, horizon, tuple(sorted({*levels, *LEVELS})))
        if options.plot is not None:
            from elman.plots.forecast import draw_fan

            intervals = self.forecaster.has_spread
            draw_fan(options.plot, panel, forecast, panel.ids.index(shown), intervals=intervals)
        return forecast_records(
            self.columns,
            panel,
            forecast,
            levels if self.forecaster.has_spread else (),
            times=times,
        )

    def open_session(self, options: Options) -> ForecasterSession:
        assert isinstance(options, ForecastStreaming)
        history = self.history
        if options.history is not None:
            history = self.read(Files((options.history,)), options.asked)
        history = self._with_future(history, options)
        dialect = (self.columns.dialect or Dialect()).said(options.asked)
        columns = replace(self.columns, dialect=dialect)
        return ForecasterSession(self, self.forecaster, columns, history, options)

    def read(self, inputs: Given, asked: Asked = Asked()) -> Panel:  # noqa: B008 (frozen)
        """Other data, read as the history was but for what is `asked`, without the calendar."""
        # A short table may well be constant.
        columns = replace(self.columns, constant="keep", asked=asked.over(self.columns.asked))
        panel = read_panel(inputs, columns).panel
        check_counts(panel, self.architecture.head)
        return panel

    def _with_future(self, panel: Panel, options: ForecastOptions) -> Panel:
        if options.future is None:
            return panel
        asked = options.asked.over(self.columns.asked)
        return with_future(panel, options.future, replace(self.columns, asked=asked))


def _check_settings(
    name: str,
    architecture: ForecasterArchitecture,
    columns: Columns,
    history: Panel,
    settings: Mapping[str, Any],
) -> None:
    """Raise InputError where settings that were read cannot be those of a forecaster."""
    form, ids = architecture.form, list(settings["series"])
    complaints = {
        f"look_back is {form.look_back}": form.look_back < 1,
        f"horizon is {form.horizon}": form.horizon < 1,
        f"lags are {list(form.lags)}": any(lag < 1 for lag in form.lags),
        f"paths is {settings['paths']}": int(settings["paths"]) < 1,
        f"scaling is {settings['scaling']!r}": settings["scaling"] not in get_args(Scaling),
        "there are no series": not ids,
        "a series is there twice": len(set(ids)) < len(ids),
        f"the targets are {list(columns.target)}, those of its history {list(history.targets)}": (
            columns.target != history.targets
        ),
        "there is no column of times": not columns.time and not columns.counted,
        "its history has series of another run": not set(history.ids) <= set(ids),
    }
    for complaint, wrong in complaints.items():
        if wrong:
            raise InputError(
                f"{name}: predictor.json was changed: {complaint}; restore it, or train the run"
                " again"
            )


def _check_scaler(name: str, scaler: Scaler, history: Panel, known: int, calendar: bool) -> None:
    """Raise InputError where a scaler is not of these columns, calendar and series."""
    waves = 2 * len(history.frequency.calendar) if calendar else 0
    each = (known, len(history.targets))
    expected = {
        "location": each,
        "scale": each,
        "past": (2, history.past.shape[1]),
        "future": (2, history.future.shape[1] + waves),
        "static": (2, history.static.shape[1]),
    }
    for part, shape in expected.items():
        found = getattr(scaler, part)
        if found.shape != shape or not np.isfinite(found).all():
            raise InputError(
                f"{name}: {_SCALER} is not of this predictor: {part} has the shape {found.shape} or"
                f" no finite numbers, expected {shape} by its history and its calendar"
                f" ({calendar}); restore both files, or train the run again"
            )


def check_counts(panel: Panel, head: str) -> None:
    """Raise InputError where counts are expected and something else is found."""
    if head != "negative-binomial":
        return
    known = np.isfinite(panel.values)
    wrong = known & ((panel.values < 0) | (panel.values != np.round(panel.values)))
    if wrong.any():
        row, channel = map(int, np.argwhere(wrong)[0])
        series, place = place_of(panel.borders, row)
        raise InputError(
            f"series {panel.ids[series]}: {panel.targets[channel]} is {panel.values[row, channel]}"
            f" in its row {place + 1}, but --head negative-binomial is"
            " for counts (0, 1, 2 …); choose another head"
        )

"""`elman stream` of a forecast run: a new row in, the updated forecast out, in constant memory.

Legend: K rows that lags reach back, L horizon, C channels, Q levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from pydantic import Field

from elman.data.series.dataset import with_future
from elman.data.series.forecasts import LEVELS, Forecast
from elman.data.series.panel import Floats, Panel
from elman.data.series.windows import Reach, WindowBatch, Windows
from elman.errors import InputError
from elman.layers.state import State
from elman.models.forecaster import Forecaster
from elman.models.forecaster_autoregressive import AutoregressiveForecaster
from elman.predictors.forecaster import draw_paths
from elman.predictors.forecaster_answers import (
    Percents,
    has_spread,
    quantile_levels,
    rows_of,
    written_times,
)
from elman.predictors.forecaster_rows import Row, StreamedRows
from elman.streaming.stream import evaluating
from elman.tasks.task import Options, Record

if TYPE_CHECKING:
    from elman.tasks.forecast.task import ForecastTask

# A gap longer than this is a mistake in the times rather than rows that are missing.
_LONGEST_GAP = 10_000


class ForecastStreaming(Options):
    """What a stream may be told."""

    horizon: int | None = Field(None, ge=1, description="how many rows ahead; default: as trained")
    levels: Percents = Field(
        (80.0, 95.0),
        description="intervals in percent, each giving two quantiles; the median comes too",
    )
    alarm: float | None = Field(
        None,
        gt=0,
        lt=100,
        description="flag a value outside of the interval of so many percent that was forecast for"
        " it one row before",
    )
    history: Path | None = Field(
        None, description="a table to go on from, in place of the run's own data"
    )
    future: Path | None = Field(
        None, description="a table with the covariates known ahead, for the rows to come"
    )


@dataclass
class _Live:
    """One series as far as it has come.

    Attributes:
        panel: its last rows, as many as the network reads again, without the calendar.
        state: of a network that carries it from row to row; None for the others.
        forecast: what was expected after the last row.
    """

    panel: Panel
    state: State | None
    forecast: Forecast


@final
class ForecastStream:
    """Rows of a table in, with a header first; after each row the forecast of the next ones.

    An autoregressive network goes on from its state; the others read their look-back again. Either
    way the forecast is that of a fresh run over the whole history. A row that is left out is
    filled as `--missing` says (`interpolate` can't see the other side and takes the last value).

    Raises:
        InputError: rows that can't be read or don't go on from the history.
    """

    def __init__(self, task: ForecastTask, model: Forecaster, options: ForecastStreaming) -> None:
        self._task, self._model, self._options = task, model, options
        self._network = task.forecaster(model)
        self._horizon = options.horizon or task.config.horizon
        self._levels = quantile_levels(options.levels)
        self._spread = has_spread(task, model)
        if options.alarm is not None and not self._spread:
            raise InputError(
                f"--alarm {options.alarm:g}: this run gives no intervals; train with another --head"
                " or with --conformal"
            )
        self._sides = quantile_levels([options.alarm]) if options.alarm is not None else ()
        history = options.history
        self._history = task.panel_as_read if history is None else task.read_as_trained([history])
        if options.future is not None:
            self._history = with_future(self._history, options.future, task.columns)
        self._live: dict[str, _Live] = {}
        self._rows = StreamedRows(self._history, task.columns, self._last)
        self._pending = ""

    def push(self, text: str) -> list[Record]:
        """The forecasts after each row that `text` completes."""
        *complete, self._pending = (self._pending + text).split("\n")
        return [record for line in complete for record in self._line(line)]

    def flush(self) -> list[Record]:
        """The forecast after a last row without a line's end."""
        line, self._pending = self._pending, ""
        return self._line(line)

    def _line(self, line: str) -> list[Record]:
        row = self._rows.parse(line.rstrip("\r"))
        if row is None:
            return []
        live = self._live.get(row.series) or self._begin(row.series)
        last = live.panel
        place = _place(last, row, self._rows.where)
        for _ in range(place):
            _refuse_gap(last, row, self._rows.where)
            live = self._advance(live, _filler(last), None)
        before = live.forecast
        values = np.where(np.isnan(row.values), _filler(live.panel), row.values)
        live = self._advance(live, values, row)
        self._live[row.series] = live
        return list(self._records(live, row, before))

    def _records(self, live: _Live, row: Row, before: Forecast) -> Sequence[Record]:
        cutoff = written_times(live.panel, live.panel.times(0)[-1:])[0]

        def told(channel: int) -> dict[str, Any]:
            """What the row itself was, and whether it was far from what was expected."""
            value = float(row.values[channel])
            if not self._sides:
                return {"cutoff": cutoff, "last": value}
            low, *_, high = (float(before.at(side)[0, 0, channel]) for side in self._sides)
            # What is missing is far from nothing: every comparison with it is false.
            return {"cutoff": cutoff, "last": value, "alarm": int(value < low or value > high)}

        levels = self._levels
        return list(rows_of(self._task, live.panel, live.forecast, levels, self._spread, more=told))

    def _begin(self, series: str) -> _Live:
        """A series at the end of its history."""
        panel = self._history_of(series)
        if not isinstance(self._model, AutoregressiveForecaster):
            short = panel.head(panel.lengths, self._network.context)
            return _Live(short, None, self._direct(short))
        ready = self._task.ready(panel, self._horizon)
        batch = self._batch(ready, int(panel.lengths[0]))
        with evaluating(self._model), torch.inference_mode():
            lengths = torch.full((batch.batch_size,), int(panel.lengths[0]))
            state = self._model.state_after(batch, lengths.to(batch.values.device))
        short = panel.head(panel.lengths, self._model.form.before + 1)
        return _Live(short, state, self._drawn(short, state))

    def _last(self, series: str) -> Any:
        """The time of the last row of a series."""
        live = self._live.get(series)
        panel = live.panel if live else self._history_of(series)
        return panel.times(0)[-1]

    def _history_of(self, series: str) -> Panel:
        """The history of one series."""
        return self._history.select([self._history.ids.index(series)])

    def _advance(self, live: _Live, values: Floats, row: Row | None) -> _Live:
        """One row on."""
        panel = extended(live.panel, values, row)
        if not isinstance(self._model, AutoregressiveForecaster):
            short = panel.head(panel.lengths, self._network.context)
            return _Live(short, None, self._direct(short))
        assert live.state is not None
        short = panel.head(panel.lengths, self._model.form.before + 1)
        batch = self._batch(self._task.ready(short, self._horizon), 1)
        with evaluating(self._model), torch.inference_mode():
            _, state = self._model.read(
                batch.values, batch.observed, batch.features[:1], batch.series, live.state
            )
        return _Live(short, state, self._drawn(short, state))

    def _direct(self, panel: Panel) -> Forecast:
        ready = self._task.ready(panel, self._horizon)
        return self._settled(self._network.forecast(ready, self._horizon, self._wanted))

    def _drawn(self, panel: Panel, state: State) -> Forecast:
        assert isinstance(self._model, AutoregressiveForecaster)
        ready = self._task.ready(panel, self._horizon)
        batch = self._batch(ready, 1)
        with evaluating(self._model), torch.inference_mode():
            paths = draw_paths(self._model, batch, state, self._task.config.paths, self._horizon)
        return self._settled(self._network.of_paths(ready, paths, self._wanted))

    def _settled(self, forecast: Forecast) -> Forecast:
        if self._task.config.conformal:
            forecast = self._task.conformal(self._model, self._wanted).apply(forecast)
        return forecast

    def _batch(self, ready: Panel, rows: int) -> WindowBatch:
        """The window of all channels of one series that ends with its last row."""
        numbers = self._task.shape.numbers(ready)
        reach = Reach(rows, self._model.form.before, self._horizon)
        windows = Windows(ready, self._task.scaler, numbers, reach)
        channels = np.arange(windows.channels)
        zeros = np.zeros_like(channels)
        batch = windows.at(zeros, channels, np.full_like(channels, ready.lengths[0]))
        return batch.to(next(self._model.parameters()).device)

    @property
    def _wanted(self) -> tuple[float, ...]:
        return tuple(sorted({*self._levels, *self._sides, *LEVELS}))


def extended(panel: Panel, values: Floats, row: Row | None) -> Panel:
    """The panel of one series with one row more."""
    seen = np.zeros(len(values), bool) if row is None else ~np.isnan(row.values)
    past = panel.past[-1:] if row is None else row.past[None]
    past = np.where(np.isnan(past), panel.past[-1:], past)
    count = len(panel.values) + 1
    declared = bool(panel.of("future"))
    return replace(
        panel,
        values=np.vstack([panel.values, values]),
        observed=np.vstack([panel.observed, seen]),
        past=np.vstack([panel.past, past]),
        borders=np.array([0, count]),
        future=panel.future if declared else np.zeros((count, 0)),
        future_borders=panel.future_borders if declared else np.array([0, count]),
    )


def _place(panel: Panel, row: Row, where: str) -> int:
    """How many rows are missing between the panel's last row and this one."""
    rows = panel.frequency.rows_between(panel.starts[:1], np.array([row.stamp]))
    place, count = int(rows[0]), len(panel.values)
    expected = written_times(panel, panel.next_times(0, 1))[0]
    if place < count:
        reason = "is off the grid of rows or before the series" if place < 0 else "was there before"
        raise InputError(
            f"{where}: series {row.series}: the time {row.written} {reason};"
            f" {expected} is expected next"
        )
    if place - count > _LONGEST_GAP:
        raise InputError(
            f"{where}: series {row.series}: {row.written} comes {place - count:,} rows after"
            f" {expected}, which is expected next; correct the time"
        )
    return place - count


def _refuse_gap(panel: Panel, row: Row, where: str) -> None:
    if panel.missing == "refuse":
        expected = written_times(panel, panel.next_times(0, 1))[0]
        raise InputError(
            f"{where}: series {row.series}: {expected} is missing before {row.written}; give it, or"
            " train with another --missing"
        )


def _filler(panel: Panel) -> Floats:
    """What stands where a value is missing."""
    if panel.missing == "mask":
        return np.full(len(panel.targets), np.nan)
    return np.zeros(len(panel.targets)) if panel.missing == "zero" else panel.values[-1]

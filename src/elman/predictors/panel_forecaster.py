"""A network applied to a panel: forecasts in the data's own units.

Legend: S rows of a panel, L horizon, C channels, Q levels, N paths, B = S C.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from elman.data.series.calendar import with_calendar
from elman.data.series.forecasts import LEVELS, Forecast
from elman.data.series.panel import Floats, Integers, Panel
from elman.data.series.scaler import Scaler
from elman.data.series.windows import Reach, WindowBatch, Windows
from elman.errors import InputError
from elman.evaluation.backtest.conformal import Conformal
from elman.layers.state import State
from elman.models.forecaster import Forecaster
from elman.models.forecaster_autoregressive import AutoregressiveForecaster, path_noise
from elman.streaming.stream import evaluating

# How many steps of all rows together a network reads or draws at once.
_AT_ONCE = 400_000


@dataclass(frozen=True, eq=False)
class PanelForecaster:
    """A network with what makes its numbers those of the data.

    Panels have the calendar already, see `ready`; `context` and `forecast` are what a backtest
    asks for.

    Attributes:
        model: the network.
        scaler: as training measured it.
        ids: the series that training knew, in the order of their numbers.
        paths: N, where paths are drawn.
        calendar: whether the network is shown the hour, the weekday and so on.
        conformal: whether quantiles are calibrated; those of a head of one number are then given as
            if its errors had the spread of the series, for the calibration to correct.
        calibration: None before it was made.
    """

    model: Forecaster
    scaler: Scaler
    ids: tuple[str, ...]
    paths: int
    calendar: bool
    conformal: bool
    calibration: Conformal | None = None

    @property
    def context(self) -> int | None:
        """How many rows before a forecast origin are read; None: all."""
        if isinstance(self.model, AutoregressiveForecaster):
            return None
        return self.model.form.look_back + self.model.form.before

    @property
    def has_spread(self) -> bool:
        """Whether it gives intervals."""
        return self.model.head.has_spread or self.conformal

    def ready(self, panel: Panel, ahead: int) -> Panel:
        """A panel as the network reads it: with the calendar, also of `ahead` rows to come.

        InputError where a covariate known ahead does not reach so far.
        """
        return with_calendar(panel, ahead) if self.calendar else panel

    def windows(self, panel: Panel, reach: Reach | None = None) -> Windows:
        """The windows of a panel; without a reach, those of training."""
        form = self.model.form
        numbers = np.array([self._numbers.get(name, -1) for name in panel.ids], dtype=np.int64)
        reach = reach or Reach(form.look_back, form.before, form.horizon)
        return Windows(panel, self.scaler, numbers, reach)

    def forecast(self, panel: Panel, horizon: int, levels: tuple[float, ...] = LEVELS) -> Forecast:
        """What is expected of the `horizon` rows after the last of each row of `panel`.

        InputError for a horizon that the network was not trained for, a series that it can't know,
        or an empty one.
        """
        return self._calibrated(self.uncalibrated(panel, horizon, levels))

    def uncalibrated(self, panel: Panel, horizon: int, levels: tuple[float, ...]) -> Forecast:
        """The same without the calibration of intervals."""
        windows = self._checked(panel, horizon)
        channels, reach = windows.channels, windows.reach
        steps = reach.look_back + reach.before + reach.horizon
        if self.context is None:
            steps = max(steps, self.paths * horizon)
        at_once = max(1, _AT_ONCE // steps)
        series, channel = (
            grid.reshape(-1) for grid in np.indices((len(panel), channels), dtype=np.int64)
        )
        parts = []
        for begin in range(0, len(series), at_once):
            of, which = series[begin : begin + at_once], channel[begin : begin + at_once]
            window = windows.at(of, which, panel.lengths[of]).to(self._device)
            with evaluating(self.model), torch.inference_mode():
                if isinstance(self.model, AutoregressiveForecaster):
                    lengths = torch.from_numpy(panel.lengths[of]).to(self._device)
                    state = self.model.state_after(window, lengths)
                    part = self._drawn(self.model, window, state, horizon, levels)
                else:
                    parameters = self.model(window)
                    mean = self.model.head.mean(parameters)
                    spread = self.model.head.quantiles(parameters, levels, window.scale)
                    part = mean.T, spread.transpose(0, 1)
            parts.append(self._in_units(*part, windows, of, which, levels))
        return _joined(parts, (len(panel), channels, horizon), levels)

    def initial_state(self, channels: int) -> State | None:
        """The state before the first row of a series; None of a network that carries none."""
        if not isinstance(self.model, AutoregressiveForecaster):
            return None
        return self.model.initial_state(channels)

    def state_after(
        self, panel: Panel, before: State | None, horizon: int, rows: int = 1
    ) -> State | None:
        """The state after the one series of `panel`; None of a network that carries none.

        `before` is the state before its last `rows`, None to read all of its rows; `ready` has
        shown the calendar as far as `horizon`.
        """
        if not isinstance(self.model, AutoregressiveForecaster):
            return None
        length = int(panel.lengths[0]) if before is None else rows
        window = self._last_rows(panel, length, horizon)[1]
        with evaluating(self.model), torch.inference_mode():
            if before is None:
                lengths = torch.full((window.batch_size,), length, device=self._device)
                return self.model.state_after(window, lengths)
            known = window.values, window.observed, window.features[:rows], window.series
            return self.model.read(*known, before)[1]

    def forecast_after(
        self, panel: Panel, state: State | None, horizon: int, levels: tuple[float, ...]
    ) -> Forecast:
        """`forecast` of the one series of `panel`, from the state after its last row."""
        if state is None or not isinstance(self.model, AutoregressiveForecaster):
            return self.forecast(panel, horizon, levels)
        windows, window = self._last_rows(panel, 1, horizon)
        with evaluating(self.model), torch.inference_mode():
            drawn = self._drawn(self.model, window, state, horizon, levels)
        channels = np.arange(windows.channels)
        part = self._in_units(*drawn, windows, np.zeros_like(channels), channels, levels)
        return self._calibrated(_joined([part], (1, len(channels), horizon), levels))

    @property
    def rows_kept(self) -> int:
        """How many last rows `state_after` a row and `forecast_after` look at."""
        return self.model.form.before + 1 if self.context is None else self.context

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.ids)}

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    def _calibrated(self, forecast: Forecast) -> Forecast:
        if not self.conformal:
            return forecast
        if self.calibration is None:
            raise InputError(
                "the intervals are not calibrated yet, which is done when training ends; go on with"
                " `elman resume`"
            )
        return self.calibration.apply(forecast)

    def _drawn(
        self,
        model: AutoregressiveForecaster,
        window: WindowBatch,
        state: State,
        horizon: int,
        levels: tuple[float, ...],
    ) -> tuple[Tensor, Tensor]:
        """The means (B, L) and quantiles (B, L, Q) of paths; the same at every call."""
        count = self.paths if model.head.has_spread else 1
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            noise = path_noise(count, horizon, 0).to(self._device)
            paths = model.paths(window, state, noise)  # (N, L, B)
        drawn = paths.permute(2, 1, 0).cpu()
        return drawn.mean(-1), drawn.quantile(drawn.new_tensor(levels), dim=-1).permute(1, 2, 0)

    def _in_units(
        self,
        mean: Tensor,
        quantiles: Tensor,
        windows: Windows,
        series: Integers,
        channels: Integers,
        levels: tuple[float, ...],
    ) -> list[Floats]:
        """Means (B, L) and quantiles (B, L, Q), from the units of the scaler to the data's own."""
        if self.conformal and not self.model.head.has_spread:
            quantiles = quantiles + torch.special.ndtri(quantiles.new_tensor(levels))
        return [
            windows.unscale(part.cpu().double().numpy(), series, channels)
            for part in (mean, quantiles)
        ]

    def _last_rows(self, panel: Panel, rows: int, horizon: int) -> tuple[Windows, WindowBatch]:
        """The window of all channels of the one series of `panel` that ends with its last row."""
        windows = self.windows(panel, Reach(rows, self.model.form.before, horizon))
        channels = np.arange(windows.channels)
        ends = np.full_like(channels, panel.lengths[0])
        return windows, windows.at(np.zeros_like(channels), channels, ends).to(self._device)

    def _checked(self, panel: Panel, horizon: int) -> Windows:
        """The windows of `panel`, once it is sure that it can be forecast."""
        form, drawn = self.model.form, self.context is None
        if horizon > form.horizon and not drawn:
            raise InputError(
                f"--horizon {horizon}: this network was trained to look {form.horizon} rows ahead;"
                " ask for fewer, or train with a longer --horizon"
            )
        unknown = next((name for name in panel.ids if name not in self._numbers), None)
        if form.embedding and unknown is not None:
            raise InputError(
                f"series {unknown}: was not among those of training, and this network has learned"
                " something of each; train with --series-embedding 0 to forecast new ones"
            )
        if not len(panel) or not panel.lengths.all():
            raise InputError("there is no row to forecast from; give each series at least one")
        back = int(panel.lengths.max()) if drawn else form.look_back
        windows = self.windows(panel, Reach(back, form.before, horizon if drawn else form.horizon))
        if windows.features != form.features:
            raise InputError(
                f"these data have {windows.features} features, but the network was trained with"
                f" {form.features}; give the covariates that it was trained with"
            )
        return windows


def _joined(
    parts: list[list[Floats]], shape: tuple[int, int, int], levels: tuple[float, ...]
) -> Forecast:
    """The forecast (S, L, C, …) of parts of the rows of series and channel (S C, L', …)."""
    rows, channels, horizon = shape
    mean, quantiles = (
        np.ascontiguousarray(
            np.swapaxes(whole.reshape(rows, channels, *whole.shape[1:]), 1, 2)[:, :horizon]
        )
        for whole in map(np.concatenate, zip(*parts, strict=True))
    )
    return Forecast(mean, levels, np.maximum.accumulate(quantiles, -1))

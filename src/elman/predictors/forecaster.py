"""A network made from its settings, and applied to a panel: forecasts in the data's own units.

Legend: S rows of a panel, L horizon, C channels, Q levels, N paths, B = S C.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from elman.data.series.forecasts import LEVELS, Forecast
from elman.data.series.panel import Floats, Integers, Panel
from elman.data.series.scaler import Scaler
from elman.data.series.windows import Reach, WindowBatch, Windows
from elman.errors import InputError
from elman.models.cells import cell_options, recurrent_layers
from elman.models.forecast_heads import Head, make_head
from elman.models.forecaster import Forecaster, Form
from elman.models.forecaster_autoregressive import AutoregressiveForecaster, path_noise
from elman.models.forecaster_direct import DirectForecaster
from elman.models.forecaster_segments import SegmentForecaster
from elman.streaming.stream import evaluating
from elman.tasks.forecast.config import ForecastConfig

# How many steps of all rows together a network reads at once, and how many it draws.
_READ_AT_ONCE = 400_000
_DRAWN_AT_ONCE = 400_000


@dataclass(frozen=True)
class Shape:
    """What was settled when the data were read.

    Attributes:
        form: the sizes of the network.
        segment: rows of a piece, where the model reads pieces.
        ids: the series that training knew, in the order of their numbers.
    """

    form: Form
    segment: int
    ids: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"form": asdict(self.form), "segment": self.segment, "ids": list(self.ids)}

    @classmethod
    def of_json(cls, content: Mapping[str, Any]) -> Shape:
        """What `as_json` gave."""
        form = {**content["form"], "lags": tuple(content["form"]["lags"])}
        return cls(Form(**form), int(content["segment"]), tuple(content["ids"]))

    def numbers(self, panel: Panel) -> Integers:
        """(S,) which series of training each row of `panel` is; -1 for one it did not know."""
        known = {name: number for number, name in enumerate(self.ids)}
        return np.array([known.get(name, -1) for name in panel.ids], dtype=np.int64)


def make_forecaster(config: ForecastConfig, shape: Shape) -> Forecaster:
    """The network of `config` with fresh weights."""
    form, head = shape.form, make_head(config.head_kind)
    first = {
        "direct": DirectForecaster.input_width(form),
        "autoregressive": AutoregressiveForecaster.input_width(form),
        "segments": config.hidden_size,
    }[config.model]
    sizes = [config.hidden_size] * config.num_layers
    layers = recurrent_layers(config.cell, first, sizes, cell_options(config))
    size, dropout = config.hidden_size, config.dropout
    if config.model == "autoregressive":
        return AutoregressiveForecaster(form, layers, size, head, dropout=dropout)
    normalization = config.normalization_kind
    if config.model == "direct":
        return DirectForecaster(
            form, layers, size, head, dropout=dropout, normalization=normalization
        )
    return SegmentForecaster(
        form,
        layers,
        size,
        head,
        segment=shape.segment,
        dropout=dropout,
        normalization=normalization,
    )


class PanelForecaster:
    """A trained network as something that forecasts panels.

    Args:
        model: the network.
        scaler: as training measured it.
        shape: what was settled when the data were read.
        paths: N, where paths are drawn.
        assume_spread: give the quantiles of a head of one number as if its errors had the spread
            of the series, for a calibration to correct.
    """

    def __init__(
        self,
        model: Forecaster,
        scaler: Scaler,
        shape: Shape,
        paths: int,
        *,
        assume_spread: bool = False,
    ) -> None:
        self.model, self.scaler, self.shape, self.paths = model, scaler, shape, paths
        self._assumed = assume_spread and not model.head.has_spread

    @property
    def context(self) -> int | None:
        """How many rows before a cut are read; None: all."""
        if isinstance(self.model, AutoregressiveForecaster):
            return None
        return self.shape.form.look_back + self.shape.form.before

    def forecast(self, panel: Panel, horizon: int, levels: tuple[float, ...] = LEVELS) -> Forecast:
        """What is expected of the `horizon` rows after the last of each row of `panel`.

        Raises:
            InputError: a horizon that the network was not trained for, a series that it can't
                know, or an empty one.
        """
        windows = self._windows(panel, horizon)
        channels = len(panel.targets)
        series, channel = (
            grid.reshape(-1) for grid in np.indices((len(panel), channels), dtype=np.int64)
        )
        means, quantiles, samples = [], [], []
        steps = windows.reach.look_back + windows.reach.before + windows.reach.horizon
        at_once = max(1, _READ_AT_ONCE // steps)
        if self.context is None:
            at_once = max(1, min(at_once, _DRAWN_AT_ONCE // (self.paths * horizon)))
        with evaluating(self.model), torch.inference_mode():
            for begin in range(0, len(series), at_once):
                rows = slice(begin, begin + at_once)
                cut = series[rows], channel[rows]
                answer = self._answer(windows.at(*cut, panel.lengths[cut[0]]), panel, *cut, levels)
                mean, spread, drawn = answer
                if self._assumed:
                    spread = spread + torch.special.ndtri(spread.new_tensor(levels))
                means.append(windows.unscale(mean.double().numpy(), *cut))
                quantiles.append(windows.unscale(spread.double().numpy(), *cut))
                if drawn is not None:
                    samples.append(windows.unscale(drawn.double().numpy(), *cut))
        return Forecast(
            mean=_grid(means, len(panel), channels, horizon),
            levels=levels,
            quantiles=np.maximum.accumulate(_grid(quantiles, len(panel), channels, horizon), -1),
            samples=_grid(samples, len(panel), channels, horizon) if samples else None,
        )

    def of_paths(self, panel: Panel, paths: Tensor, levels: tuple[float, ...]) -> Forecast:
        """The forecast of paths (N, L, C) that go on from the one series of `panel`."""
        form = self.shape.form
        reach = Reach(1, form.before, paths.shape[1])
        windows = Windows(panel, self.scaler, self.shape.numbers(panel), reach)
        channel = np.arange(windows.channels)
        summary = path_summary(paths, levels)
        if self._assumed:
            summary = summary[0], summary[1] + torch.special.ndtri(torch.tensor(levels)), summary[2]
        mean, spread, drawn = (
            windows.unscale(part.double().numpy(), np.zeros_like(channel), channel)
            for part in summary
        )
        return Forecast(
            mean=mean.T[None],
            levels=levels,
            quantiles=np.maximum.accumulate(spread.transpose(1, 0, 2)[None], -1),
            samples=drawn.transpose(1, 0, 2)[None],
        )

    @property
    def head(self) -> Head:
        """What a forecast is made of."""
        return self.model.head

    def _answer(
        self,
        window: WindowBatch,
        panel: Panel,
        series: Integers,
        channels: Integers,
        levels: tuple[float, ...],
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Means (B, L), quantiles (B, L, Q) and paths (B, L, N), in the units of the scaler."""
        device = next(self.model.parameters()).device
        window = window.to(device)
        if isinstance(self.model, AutoregressiveForecaster):
            lengths = torch.from_numpy(panel.lengths[series]).to(device)
            state = self.model.state_after(window, lengths)
            paths = draw_paths(self.model, window, state, self.paths, len(window.targets))
            return path_summary(paths, levels)
        parameters = self.model(window)
        mean = self.head.mean(parameters)
        spread = self.head.quantiles(parameters, levels, window.scale)
        return mean.T.cpu(), spread.transpose(0, 1).cpu(), None

    def _windows(self, panel: Panel, horizon: int) -> Windows:
        """The windows of `panel`, once it is sure that it can be forecast."""
        form, numbers = self.shape.form, self.shape.numbers(panel)
        drawn = isinstance(self.model, AutoregressiveForecaster)
        if horizon > form.horizon and not drawn:
            raise InputError(
                f"--horizon {horizon}: this run was trained to look {form.horizon} rows ahead;"
                " ask for fewer, or train with a longer --horizon"
            )
        if form.embedding and (numbers < 0).any():
            unknown = panel.ids[int(np.argmax(numbers < 0))]
            raise InputError(
                f"series {unknown}: was not among those of training, and this run has learned"
                " something of each; train with --series-embedding 0 to forecast new ones"
            )
        if not len(panel) or not panel.lengths.all():
            raise InputError("there is no row to forecast from; give each series at least one")
        back = int(panel.lengths.max()) if drawn else form.look_back
        reach = Reach(back, form.before, horizon if drawn else form.horizon)
        windows = Windows(panel, self.scaler, numbers, reach)
        if windows.features != form.features:
            raise InputError(
                f"these data have {windows.features} features, but the run was trained with"
                f" {form.features}; give the covariates it was trained with"
            )
        return windows


def draw_paths(
    model: AutoregressiveForecaster, window: WindowBatch, state: Any, count: int, horizon: int
) -> Tensor:
    """`count` paths (N, L, B) after `window`, whose state is `state`; the same at every call."""
    if not model.head.has_spread:
        count = 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return model.paths(window, state, path_noise(count, horizon, 0).to(window.values.device))


def path_summary(paths: Tensor, levels: tuple[float, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Means (B, L), quantiles (B, L, Q) and the paths (B, L, N) themselves."""
    drawn = paths.permute(2, 1, 0).cpu()
    spread = drawn.quantile(drawn.new_tensor(levels), dim=-1).permute(1, 2, 0)
    return drawn.mean(-1), spread, drawn


def _grid(parts: list[Floats], rows: int, channels: int, horizon: int) -> Floats:
    """Rows of series and channel (S C, L', …) as (S, L, C, …)."""
    joined = np.concatenate(parts)
    shaped = joined.reshape(rows, channels, *joined.shape[1:])
    return np.ascontiguousarray(np.swapaxes(shaped, 1, 2)[:, :horizon])

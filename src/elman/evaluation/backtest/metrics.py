"""Errors of forecasts, summed by step of the horizon and by cut, chunk by chunk.

The losses are those of utilsforecast.

Legend: R rows of a chunk (a series and a cut), L horizon, C channels, Q levels, K cuts,
n scored values.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from elman.data.optional import library
from elman.data.series.forecasts import Forecast
from elman.data.series.panel import Booleans, Floats, Integers

INTERVALS = (50, 80, 95)
UNITS = {
    "MASE": "mean steps of the history",
    "MAE": "units of the data",
    "RMSE": "units of the data",
    "MSE": "units of the data, squared",
    "sMAPE": "%",
    "CRPS": "units of the data",
    "weighted quantile loss": "of the mean size",
    **{f"coverage of {level} %": "%" for level in INTERVALS},
    "MSE (scaled)": "of z-scored data",
    "MAE (scaled)": "of z-scored data",
}


@dataclass(frozen=True, eq=False)
class Chunk:
    """Forecasts of some cuts with the true values.

    Attributes:
        actual: (R, L, C).
        scored: (R, L, C), whether a value is scored.
        cuts: (R,) the number of the cut.
        scale: (R, C) divisor of errors for MASE; NaN for none.
        forecasts: by model.
        spread: (R, C) standard deviations for scaled scores, or None.
    """

    actual: Floats
    scored: Booleans
    cuts: Integers
    scale: Floats
    forecasts: Mapping[str, Forecast]
    spread: Floats | None = None


@dataclass
class Tally:
    """Sums of losses, by model and loss: over steps of the horizon (L,) and over cuts (K,).

    Attributes:
        horizon: L.
        cuts: K.
    """

    horizon: int
    cuts: int
    steps: dict[str, dict[str, Floats]] = field(default_factory=lambda: defaultdict(dict))
    by_cut: dict[str, dict[str, Floats]] = field(default_factory=lambda: defaultdict(dict))
    counts: dict[str, Floats] = field(default_factory=dict)
    cut_counts: dict[str, Floats] = field(default_factory=dict)

    def add(self, chunk: Chunk) -> None:
        """Score a chunk."""
        places = np.nonzero(chunk.scored)
        base = {"step": places[1], "cut": chunk.cuts[places[0]], "y": chunk.actual[places]}
        self._count("values", base)
        models = list(chunk.forecasts)
        middle = {name: _middle(item)[places] for name, item in chunk.forecasts.items()}
        mean = {name: item.mean[places] for name, item in chunk.forecasts.items()}
        for loss, source in (("mae", middle), ("smape", middle), ("mse", mean)):
            self._losses(loss, {**base, **source}, models, "values")
        size = {**base, **dict.fromkeys(models, 0.0)}
        self._losses("mae", size, models, "values", "size")
        self._scaled("mase", ("mae",), chunk.scale, places, base, middle, models)
        if chunk.spread is not None:
            self._scaled("spread", ("mae",), chunk.spread, places, base, middle, models)
            self._scaled("spread", ("mse",), chunk.spread, places, base, mean, models)
        for levels in {item.levels for item in chunk.forecasts.values()} - {()}:
            alike = {name: item for name, item in chunk.forecasts.items() if item.levels == levels}
            self._quantiles(levels, alike, base, places)

    def _quantiles(
        self,
        levels: tuple[float, ...],
        forecasts: Mapping[str, Forecast],
        base: dict[str, Any],
        places: Any,
    ) -> None:
        """Pinball losses of models with the same levels, and the coverage of their intervals."""
        losses, pd = library("utilsforecast.losses"), library("pandas")
        models = list(forecasts)
        sums: dict[str, dict[str, Floats]] = {model: defaultdict(_nothing) for model in models}
        by_cut: dict[str, Any] = dict.fromkeys(models, 0.0)
        for place, (level, weight) in enumerate(zip(levels, _weights(levels), strict=True)):
            columns = {name: item.quantiles[(*places, place)] for name, item in forecasts.items()}
            frame = pd.DataFrame({**base, **columns})
            of = {model: model for model in models}
            step, cut = (losses.quantile_loss(frame, of, level, key) for key in ("step", "cut"))
            for model in models:
                pinball = 2 * self._spread_out(step, "step", model, self.horizon, frame)
                sums[model]["crps"] = sums[model]["crps"] + weight * pinball
                sums[model]["pinball"] = sums[model]["pinball"] + pinball / len(levels)
                pinball = 2 * self._spread_out(cut, "cut", model, self.cuts, frame)
                by_cut[model] = by_cut[model] + weight * pinball
        for interval in INTERVALS:
            ends = {
                f"{model}-{side}-{interval}": _at(item, 0.5 + sign * interval / 200)
                for model, item in forecasts.items()
                for side, sign in (("lo", -1), ("hi", 1))
            }
            if any(end is None for end in ends.values()):
                continue
            columns = {name: end[places] for name, end in ends.items() if end is not None}
            frame = pd.DataFrame({**base, **columns})
            inside = losses.coverage(frame, models, level=interval, id_col="step")
            for model in models:
                covered = self._spread_out(inside, "step", model, self.horizon, frame)
                sums[model][f"coverage {interval}"] = covered
        for model in models:
            for key, value in sums[model].items():
                _add(self.steps[model], key, value)
            _add(self.by_cut[model], "crps", by_cut[model])

    def _scaled(
        self,
        name: str,
        kinds: tuple[str, ...],
        scale: Floats,
        places: Any,
        base: dict[str, Any],
        forecasts: dict[str, Floats],
        models: list[str],
    ) -> None:
        """Losses of values divided by the scale of their series."""
        divisor = scale[places[0], places[2]]
        good = ~np.isnan(divisor)
        columns = {
            key: (column / divisor if key not in ("step", "cut") else column)[good]
            for key, column in {**base, **forecasts}.items()
        }
        if kinds == ("mae",):
            self._count(name, columns)
        for kind in kinds:
            self._losses(kind, columns, models, name, f"{name} {kind}")

    def _losses(
        self, loss: str, columns: dict[str, Any], models: list[str], counted: str, name: str = ""
    ) -> None:
        frame = library("pandas").DataFrame(columns)
        if not len(frame):
            return
        function = getattr(library("utilsforecast.losses"), loss)
        step, cut = (function(frame, models, id_col=key) for key in ("step", "cut"))
        for model in models:
            sums = self._spread_out(step, "step", model, self.horizon, frame)
            _add(self.steps[model], name or loss, sums)
            sums = self._spread_out(cut, "cut", model, self.cuts, frame)
            _add(self.by_cut[model], name or loss, sums)

    def _spread_out(self, means: Any, key: str, model: str, size: int, frame: Any) -> Floats:
        """Sums by step or cut, from the means that utilsforecast gives."""
        found = np.zeros(size)
        found[means[key].to_numpy()] = means[model].to_numpy(dtype=np.float64)
        return np.asarray(found * np.bincount(frame[key], minlength=size))

    def _count(self, name: str, columns: dict[str, Any]) -> None:
        _add(self.counts, name, np.bincount(columns["step"], minlength=self.horizon))
        _add(self.cut_counts, name, np.bincount(columns["cut"], minlength=self.cuts))

    def scores(self, model: str) -> dict[str, tuple[float, Floats]]:
        """By metric: in all, and (L,) by step of the horizon; NaN if nothing was scored."""
        sums = self.steps[model]
        found: dict[str, tuple[float, Floats]] = {}
        for metric, (key, counted, factor) in _METRICS.items():
            if key in sums:
                found[metric] = _ratio(sums[key] * factor, self.counts[counted])
        if "pinball" in sums:
            found["weighted quantile loss"] = _ratio(sums["pinball"], sums["size"])
        if "MSE" in found:
            total, steps = found["MSE"]
            found["RMSE"] = math.sqrt(total), np.sqrt(steps)
        return {metric: found[metric] for metric in UNITS if metric in found}

    def loss_by_cut(self, model: str, metric: str = "MASE") -> Floats:
        """(K,) the mean loss of each cut; NaN if nothing was scored."""
        key, counted, factor = _METRICS[metric]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.by_cut[model][key] * factor / self.cut_counts[counted])


# Metric: its sum, the count that this is divided by, and a factor.
_METRICS: dict[str, tuple[str, str, float]] = {
    "MASE": ("mase mae", "mase", 1.0),
    "MAE": ("mae", "values", 1.0),
    "MSE": ("mse", "values", 1.0),
    "sMAPE": ("smape", "values", 200.0),  # utilsforecast's is from 0 to 1; the usual one to 200 %
    "CRPS": ("crps", "values", 1.0),
    **{f"coverage of {level} %": (f"coverage {level}", "values", 100.0) for level in INTERVALS},
    "MSE (scaled)": ("spread mse", "spread", 1.0),
    "MAE (scaled)": ("spread mae", "spread", 1.0),
}


def _nothing() -> Floats:
    return np.zeros(1)


def _ratio(sums: Floats, counts: Floats) -> tuple[float, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(sums.sum() / counts.sum()), sums / counts


def _add(sums: dict[str, Any], key: str, more: Any) -> None:
    sums[key] = sums.get(key, 0.0) + more


def _middle(forecast: Forecast) -> Floats:
    """The median, which minimizes the absolute error; the mean of a forecast without one."""
    found = _at(forecast, 0.5)
    return forecast.mean if found is None else found


def _at(forecast: Forecast, level: float) -> Floats | None:
    near = [place for place, of in enumerate(forecast.levels) if abs(of - level) < 1e-9]
    return forecast.quantiles[..., near[0]] if near else None


def _weights(levels: tuple[float, ...]) -> Floats:
    """(Q,) the part of (0, 1) nearest to each level: CRPS = 2 ∫ pinball loss dτ."""
    middles = (np.array(levels[1:]) + np.array(levels[:-1])) / 2
    return np.diff(np.concatenate([[0.0], middles, [1.0]]))

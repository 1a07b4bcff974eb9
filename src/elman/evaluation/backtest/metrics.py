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
from typing import Any, TypeAlias

import numpy as np

from elman.data.optional import library
from elman.data.series.forecasts import LEVELS, Forecast
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

_MIDDLES = (np.array(LEVELS[1:]) + np.array(LEVELS[:-1])) / 2
_WEIGHTS = np.diff(np.concatenate([[0.0], _MIDDLES, [1.0]]))
"""(Q,) the part of (0, 1) nearest to each level: CRPS = 2 ∫ pinball loss dτ."""

Columns: TypeAlias = dict[str, Any]
"""Of a frame with a row for each scored value."""


@dataclass
class Tally:
    """Sums of losses, by model and loss: over steps of the horizon (L,) and over cuts (K,)."""

    horizon: int
    cuts: int
    steps: dict[str, dict[str, Floats]] = field(default_factory=lambda: defaultdict(dict))
    by_cut: dict[str, dict[str, Floats]] = field(default_factory=lambda: defaultdict(dict))
    counts: dict[str, Floats] = field(default_factory=dict)
    cut_counts: dict[str, Floats] = field(default_factory=dict)

    def add(
        self,
        actual: Floats,
        scored: Booleans,
        cuts: Integers,
        forecasts: Mapping[str, Forecast],
        scale: Floats,
        spread: Floats | None = None,
    ) -> None:
        """Score the forecasts of some cuts.

        Args:
            actual: (R, L, C) the true values.
            scored: (R, L, C), whether a value is scored.
            cuts: (R,) the number of the cut.
            forecasts: by model.
            scale: (R, C) divisor of errors for MASE; NaN for none.
            spread: (R, C) standard deviations for scaled scores, or None.
        """
        places = np.nonzero(scored)
        base = {"step": places[1], "cut": cuts[places[0]], "y": actual[places]}
        middle = {name: item.at(0.5)[places] for name, item in forecasts.items()}
        mean = {name: item.mean[places] for name, item in forecasts.items()}
        self._count("values", base)
        self._losses("mae", "mae", base, middle)
        self._losses("smape", "smape", base, middle)
        self._losses("mse", "mse", base, mean)
        self._losses("size", "mae", base, dict.fromkeys(forecasts, 0.0))
        self._scaled("mase", scale, places, base, {"mae": middle})
        if spread is not None:
            self._scaled("spread", spread, places, base, {"mae": middle, "mse": mean})
        self._quantiles(forecasts, base, places)

    def _quantiles(self, forecasts: Mapping[str, Forecast], base: Columns, places: Any) -> None:
        """Pinball losses, and the coverage of intervals."""
        losses, pd = library("utilsforecast.losses"), library("pandas")
        models = list(forecasts)
        sums: dict[str, dict[str, Any]] = {model: defaultdict(float) for model in models}
        by_cut: dict[str, Any] = dict.fromkeys(models, 0.0)
        for place, (level, weight) in enumerate(zip(LEVELS, _WEIGHTS, strict=True)):
            columns = {name: item.quantiles[(*places, place)] for name, item in forecasts.items()}
            frame = pd.DataFrame({**base, **columns})
            of = {model: model for model in models}
            step, cut = (losses.quantile_loss(frame, of, level, key) for key in ("step", "cut"))
            for model in models:
                pinball = 2 * self._sums(step, "step", model, frame)
                sums[model]["crps"] += weight * pinball
                sums[model]["pinball"] += pinball / len(LEVELS)
                by_cut[model] += weight * (2 * self._sums(cut, "cut", model, frame))
        for interval in INTERVALS:
            columns = {
                f"{model}-{side}-{interval}": item.at(0.5 + sign * interval / 200)[places]
                for model, item in forecasts.items()
                for side, sign in (("lo", -1), ("hi", 1))
            }
            frame = pd.DataFrame({**base, **columns})
            inside = losses.coverage(frame, models, level=interval, id_col="step")
            for model in models:
                sums[model][f"coverage {interval}"] = self._sums(inside, "step", model, frame)
        for model in models:
            for key, value in sums[model].items():
                _add(self.steps[model], key, value)
            _add(self.by_cut[model], "crps", by_cut[model])

    def _scaled(
        self, name: str, scale: Floats, places: Any, base: Columns, of: Mapping[str, Columns]
    ) -> None:
        """Losses of values divided by the scale of their series."""
        divisor = scale[places[0], places[2]]
        good = ~np.isnan(divisor)
        known = {key: column[good] for key, column in base.items()}
        known["y"] = known["y"] / divisor[good]
        self._count(name, known)
        for loss, source in of.items():
            scaled = {model: column[good] / divisor[good] for model, column in source.items()}
            self._losses(f"{name} {loss}", loss, known, scaled)

    def _losses(self, name: str, loss: str, base: Columns, forecasts: Columns) -> None:
        if not len(base["y"]):
            return
        frame = library("pandas").DataFrame({**base, **forecasts})
        function = getattr(library("utilsforecast.losses"), loss)
        for key, sums in (("step", self.steps), ("cut", self.by_cut)):
            means = function(frame, list(forecasts), id_col=key)
            for model in forecasts:
                _add(sums[model], name, self._sums(means, key, model, frame))

    def _sums(self, means: Any, key: str, model: str, frame: Any) -> Floats:
        """Sums by step or cut, from the means that utilsforecast gives."""
        found = np.zeros(self.horizon if key == "step" else self.cuts)
        found[means[key].to_numpy()] = means[model].to_numpy(dtype=np.float64)
        return np.asarray(found * np.bincount(frame[key], minlength=len(found)))

    def _count(self, name: str, columns: Columns) -> None:
        _add(self.counts, name, np.bincount(columns["step"], minlength=self.horizon))
        _add(self.cut_counts, name, np.bincount(columns["cut"], minlength=self.cuts))

    def scores(self, model: str) -> dict[str, tuple[float, Floats]]:
        """By metric: in all, and (L,) by step of the horizon; NaN if nothing was scored."""
        sums = self.steps[model]
        found = {
            metric: _ratio(sums[key] * factor, self.counts[counted])
            for metric, (key, counted, factor) in _METRICS.items()
            if key in sums
        }
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


def _ratio(sums: Floats, counts: Floats) -> tuple[float, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(sums.sum() / counts.sum()), sums / counts


def _add(sums: dict[str, Any], key: str, more: Any) -> None:
    sums[key] = sums.get(key, 0.0) + more

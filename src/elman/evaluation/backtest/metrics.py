"""Errors of forecasts, summed chunk by chunk: by step of the horizon, forecast origin and series.

The losses are those of utilsforecast.

Legend: R rows of a chunk (a series and a forecast origin), L horizon, C channels, Q levels,
K origins, S series, n scored values. A channel of a series counts as a series of its own: there
are S C of them, and channel c of series s has the place s C + c.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from elman.data.optional import library
from elman.data.series.forecasts import LEVELS, Forecast
from elman.data.series.panel import Booleans, Floats, Integers

INTERVALS = (50, 80, 95)
UNITS = {
    "MASE": "changes by row",
    "seasonal MASE": "changes by season",
    "MAE": "units of the data",
    "RMSE": "units of the data",
    "MSE": "squared units",
    "sMAPE": "%",
    "CRPS": "units of the data",
    "weighted quantile loss": "of the mean size",
    **{f"coverage of {level} %": "%" for level in INTERVALS},
    "MSE (scaled)": "of z-scored data",
    "MAE (scaled)": "of z-scored data",
}

GLUONTS_LEVELS = tuple(round(0.1 * step, 1) for step in range(1, 10))
"""The quantile levels of GluonTS's evaluation."""

Key: TypeAlias = Literal["step", "origin", "series"]
"""What losses are summed by."""

Columns: TypeAlias = dict[str, Any]
"""Of a frame with a row for each scored value."""


@dataclass(frozen=True)
class Divisors:
    """What errors are divided by, (R, C) each; NaN for none."""

    mase: Floats
    """The mean absolute change from row to row."""
    seasonal: Floats | None = None
    """The mean absolute change over a season; None without one."""
    spread: Floats | None = None
    """Standard deviations; None for no such scores."""


def crps_weights(levels: Sequence[float]) -> Floats:
    """(Q,) the part of (0, 1) nearest to each level: CRPS = 2 ∫ pinball loss dτ."""
    middles = (np.array(levels[1:]) + np.array(levels[:-1])) / 2
    return np.diff(np.concatenate([[0.0], middles, [1.0]]))


@dataclass
class Tally:
    """Sums of losses by model and loss.

    Attributes:
        horizon: L.
        origins: K.
        series: S C.
        levels: (Q,) the quantile levels of CRPS and of the weighted quantile loss; empty for
            forecasts without intervals, which have neither.
    """

    horizon: int
    origins: int
    series: int
    levels: tuple[float, ...] = LEVELS
    sums: dict[str, dict[Key, dict[str, Floats]]] = field(default_factory=dict)
    counts: dict[Key, dict[str, Floats]] = field(
        default_factory=lambda: {"step": {}, "origin": {}, "series": {}}
    )

    def add(
        self,
        actual: Floats,
        scored: Booleans,
        origins: Integers,
        series: Integers,
        forecasts: Mapping[str, Forecast],
        by: Divisors,
    ) -> None:
        """Score the forecasts of some pairs of a series and a forecast origin.

        Args:
            actual: (R, L, C) the true values.
            scored: (R, L, C), whether a value is scored.
            origins: (R,) the number of the forecast origin.
            series: (R,) the number of the series.
            forecasts: by model.
            by: divisors of scaled errors.
        """
        places = np.nonzero(scored)
        rows, steps, channels = places
        count = actual.shape[2]
        chunk = _Chunk(
            self,
            {"step": steps, "pair": rows * count + channels, "y": actual[places]},
            np.repeat(origins, count),
            (series[:, None] * count + np.arange(count)).reshape(-1),
        )
        middle = {name: item.at(0.5)[places] for name, item in forecasts.items()}
        mean = {name: item.mean[places] for name, item in forecasts.items()}
        chunk.count("values")
        chunk.losses("mae", "mae", middle)
        chunk.losses("smape", "smape", middle)
        chunk.losses("mse", "mse", mean)
        chunk.losses("size", "mae", dict.fromkeys(forecasts, 0.0))
        chunk.scaled("mase", by.mase[rows, channels], {"mae": middle})
        if by.seasonal is not None:
            chunk.scaled("seasonal", by.seasonal[rows, channels], {"mae": middle})
        if by.spread is not None:
            chunk.scaled("spread", by.spread[rows, channels], {"mae": middle, "mse": mean})
        if self.levels:
            chunk.quantiles(forecasts, places, self.levels)

    def add_sums(self, model: str, key: Key, loss: str, sums: Floats) -> None:
        """Add to the sums of a loss."""
        of = self.sums.setdefault(model, {}).setdefault(key, {})
        of[loss] = of.get(loss, 0.0) + sums

    def size(self, key: Key) -> int:
        """How many steps, origins or series there are."""
        return {"step": self.horizon, "origin": self.origins, "series": self.series}[key]

    def scores(self, model: str) -> dict[str, tuple[float, Floats]]:
        """By metric: in all, and (L,) by step of the horizon; NaN if nothing was scored."""
        sums, counts = self.sums.get(model, {}).get("step", {}), self.counts["step"]
        whole = _metrics(
            {loss: np.sum(values) for loss, values in sums.items()},
            {name: np.sum(values) for name, values in counts.items()},
        )
        steps = _metrics(sums, counts)
        return {metric: (float(whole[metric]), steps[metric]) for metric in whole}

    def scores_by(self, key: Key, model: str) -> dict[str, Floats]:
        """By metric: the mean of each step, forecast origin or series, NaN if none was scored."""
        return _metrics(self.sums.get(model, {}).get(key, {}), self.counts[key])


@dataclass
class _Chunk:
    """The scored values of some pairs (R C of them), and how their losses go into a tally."""

    tally: Tally
    base: Columns
    origins: Integers
    """(R C,) of each pair."""
    series: Integers
    """(R C,) of each pair."""

    def losses(self, name: str, loss: str, forecasts: Columns, base: Columns | None = None) -> None:
        """Add a loss of utilsforecast."""
        base = self.base if base is None else base
        function = getattr(library("utilsforecast.losses"), loss)
        frame = library("pandas").DataFrame({**base, **forecasts})
        self._add(name, frame, lambda key: function(frame, list(forecasts), id_col=key))

    def scaled(self, name: str, divisor: Floats, losses: Mapping[str, Columns]) -> None:
        """Losses of values that are divided by the scale of their series."""
        good = ~np.isnan(divisor)
        known = {key: column[good] for key, column in self.base.items()}
        known["y"] = known["y"] / divisor[good]
        self.count(name, known)
        for loss, source in losses.items():
            scaled = {model: column[good] / divisor[good] for model, column in source.items()}
            self.losses(f"{name} {loss}", loss, scaled, known)

    def quantiles(
        self, forecasts: Mapping[str, Forecast], places: Any, levels: tuple[float, ...]
    ) -> None:
        """Pinball losses, and the coverage of intervals."""
        losses, pd = library("utilsforecast.losses"), library("pandas")
        models = {model: model for model in forecasts}
        for level, weight in zip(levels, crps_weights(levels), strict=True):
            columns = {name: item.at(level)[places] for name, item in forecasts.items()}
            frame = pd.DataFrame({**self.base, **columns})

            def pinball(key: str, frame: Any = frame, level: float = level) -> Any:
                return losses.quantile_loss(frame, models, level, key)

            self._add("crps", frame, pinball, 2 * weight)
            self._add("pinball", frame, pinball, 2 / len(levels))
        for interval in INTERVALS:
            sides = {
                f"{model}-{side}-{interval}": item.at(0.5 + sign * interval / 200)[places]
                for model, item in forecasts.items()
                for side, sign in (("lo", -1), ("hi", 1))
            }
            frame = pd.DataFrame({**self.base, **sides})

            def inside(key: str, frame: Any = frame, interval: int = interval) -> Any:
                return losses.coverage(frame, list(models), level=interval, id_col=key)

            self._add(f"coverage {interval}", frame, inside)

    def count(self, name: str, base: Columns | None = None) -> None:
        """Add the number of values that a mean is over."""
        base = self.base if base is None else base
        by_pair = np.bincount(base["pair"], minlength=len(self.series))
        numbers: dict[Key, Any] = {
            "step": np.bincount(base["step"], minlength=self.tally.horizon),
            "origin": self._of("origin", by_pair),
            "series": self._of("series", by_pair),
        }
        for key, number in numbers.items():
            of = self.tally.counts[key]
            of[name] = of.get(name, 0.0) + number

    def _add(self, name: str, frame: Any, means: Any, weight: float = 1.0) -> None:
        """Sums of the means that utilsforecast gives by step and by pair, times the values each."""
        if not len(frame):
            return
        for group, size in (("step", self.tally.horizon), ("pair", len(self.series))):
            found = means(group)
            number = np.bincount(frame[group], minlength=size)
            for model in found.columns.drop(group):
                sums = np.zeros(size)
                sums[found[group].to_numpy()] = found[model].to_numpy(dtype=np.float64)
                sums = weight * sums * number
                if group == "step":
                    self.tally.add_sums(model, "step", name, sums)
                    continue
                self.tally.add_sums(model, "origin", name, self._of("origin", sums))
                self.tally.add_sums(model, "series", name, self._of("series", sums))

    def _of(self, key: Literal["origin", "series"], by_pair: Any) -> Floats:
        """Sums of pairs as those of origins or of series."""
        to = self.origins if key == "origin" else self.series
        return np.asarray(np.bincount(to, by_pair, self.tally.size(key)), dtype=np.float64)


# Metric: its sum, the count that this is divided by, and a factor.
_METRICS: dict[str, tuple[str, str, float]] = {
    "MASE": ("mase mae", "mase", 1.0),
    "seasonal MASE": ("seasonal mae", "seasonal", 1.0),
    "MAE": ("mae", "values", 1.0),
    "MSE": ("mse", "values", 1.0),
    "sMAPE": ("smape", "values", 200.0),  # utilsforecast's is from 0 to 1; the usual one to 200 %
    "CRPS": ("crps", "values", 1.0),
    **{f"coverage of {level} %": (f"coverage {level}", "values", 100.0) for level in INTERVALS},
    "MSE (scaled)": ("spread mse", "spread", 1.0),
    "MAE (scaled)": ("spread mae", "spread", 1.0),
}


def _metrics(sums: Mapping[str, Any], counts: Mapping[str, Any]) -> dict[str, Any]:
    """By metric, of sums and counts of any shape; NaN where nothing was scored."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {
            metric: np.asarray(sums[key] * factor / counts[counted])
            for metric, (key, counted, factor) in _METRICS.items()
            if key in sums
        }
        if "pinball" in sums:
            found["weighted quantile loss"] = np.asarray(sums["pinball"] / sums["size"])
    if "MSE" in found:
        found["RMSE"] = np.sqrt(found["MSE"])
    return {metric: found[metric] for metric in UNITS if metric in found}

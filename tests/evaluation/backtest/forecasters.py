"""Forecasters that know what they should, and panels to try them on."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd

from elman.data.series.dataset import read_panel
from elman.data.series.forecasts import LEVELS, Forecast


def normal(mean, deviation, levels=LEVELS):
    shifts = np.array([NormalDist().inv_cdf(level) for level in levels])
    return Forecast(mean, levels, mean[..., None] + deviation * shifts)


@dataclass
class Wave:
    """Knows the season of 10 and the level; `deviation` is how sure it says that it is."""

    context: int | None = 40
    deviation: float = 0.5

    def forecast(self, panel, horizon, levels=LEVELS):
        rows = [panel.values[panel.rows(s)][-20:] for s in range(len(panel))]
        mean = [(part[:10] + part[10:])[np.arange(horizon) % 10] / 2 for part in rows]
        return normal(np.stack(mean), self.deviation, levels)


@dataclass
class Peeks:
    """Keeps the panel that it was made with, and looks what comes."""

    whole: object
    context: int | None = None

    def forecast(self, panel, horizon, levels=LEVELS):
        ends = panel.lengths
        mean = np.stack([self.whole.values[end : end + horizon] for end in ends])
        return normal(mean, 1.0, levels)


def waves(count=3, length=300, noise=0.3, seed=0):
    generator = np.random.default_rng(seed)
    time = np.arange(length)
    frames = [
        pd.DataFrame(
            {
                "unique_id": f"s{each}",
                "ds": time,
                "y": 5
                + each
                + np.sin(2 * np.pi * time / 10)
                + noise * generator.normal(size=length),
            }
        )
        for each in range(count)
    ]
    return read_panel(pd.concat(frames)).panel


def walk(length=400, seed=1):
    steps_ = np.random.default_rng(seed).normal(size=length)
    return read_panel(pd.DataFrame({"ds": np.arange(length), "y": np.cumsum(steps_)})).panel


@dataclass
class Naive:
    context: int | None = 1

    def forecast(self, panel, horizon, levels=LEVELS):
        last = panel.values[panel.borders[1:] - 1][:, None, :]
        return normal(np.repeat(last, horizon, axis=1), 1.0, levels)

"""Train forecasters in a folder, or go on with them there, and measure them on every window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from benchmarks.quality import running
from benchmarks.quality.running import Options
from elman.data.series.panel import Integers
from elman.data.series.windows import WindowBatch, Windows
from elman.predictors.forecaster import ForecasterPredictor
from elman.predictors.panel_forecaster import PanelForecaster
from elman.tasks import runs
from elman.tasks.forecast.task import ForecastTask
from elman.training.loop import Outcome

_WINDOWS_AT_ONCE = 512


@dataclass(frozen=True)
class TrainedForecaster:
    """A finished run."""

    run: runs.Run
    outcome: Outcome

    @property
    def task(self) -> ForecastTask:
        """The run's task, with its data."""
        return cast("ForecastTask", self.run.task)

    @property
    def forecaster(self) -> PanelForecaster:
        """The network with its best weights, on tables."""
        return cast("ForecasterPredictor", self.run.predictor).forecaster

    @property
    def parameters(self) -> int:
        """How many numbers were trained."""
        return sum(p.numel() for p in self.forecaster.model.parameters())

    @property
    def minutes(self) -> float:
        """Training time, without evaluations and checkpoints."""
        return self.outcome.seconds / 60


def train(
    recipe: str, data: Path | Sequence[Path], name: str, options: Options, **settings: Any
) -> TrainedForecaster:
    """Train the recipe in `options.out / name`; a run that is there goes on.

    Raises:
        InputError: the run that is there has other settings.
    """
    files = [data] if isinstance(data, Path) else data
    trained = running.train(recipe, files, name, options, **settings)
    return TrainedForecaster(trained.run, trained.outcome)


def every_window(windows: Windows, first: Integers) -> Iterator[WindowBatch]:
    """All windows with at least `first` (S,) known rows and their whole horizon in the panel."""
    for series in range(len(windows.panel)):
        last = int(windows.panel.lengths[series]) - windows.reach.horizon
        for channel in range(windows.channels):
            ends = np.arange(int(first[series]), last + 1)
            for begin in range(0, len(ends), _WINDOWS_AT_ONCE):
                some = ends[begin : begin + _WINDOWS_AT_ONCE]
                yield windows.at(np.full_like(some, series), np.full_like(some, channel), some)


@torch.inference_mode()
def window_errors(trained: TrainedForecaster) -> tuple[float, float, int]:
    """MSE and MAE over every test window, in units of the scaler; and how many windows."""
    task, forecaster = trained.task, trained.forecaster
    model = forecaster.model
    squared = absolute = 0.0
    count = windows = 0
    for batch in every_window(forecaster.windows(task.panel), task.split.valid):
        error = model.head.mean(cast("Any", model)(batch)) - batch.targets
        squared += float(error.square().sum())
        absolute += float(error.abs().sum())
        count, windows = count + error.numel(), windows + batch.batch_size
    return squared / count, absolute / count, windows

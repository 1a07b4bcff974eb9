"""What a forecaster is trained on: the head's loss of windows.

Legend: H horizon, B batch.
"""

from __future__ import annotations

from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from elman.data.series.windows import WindowBatch, Windows
from elman.models.forecaster import Forecaster
from elman.models.forecaster_autoregressive import AutoregressiveForecaster
from elman.tasks.forecast.data import Places
from elman.training.contracts import StepLoss

# Windows that an evaluation reads at once.
_EVALUATED_AT_ONCE = 512


@final
class ForecastObjective:
    """The loss of a batch of windows, and of the `places` among `windows` that validate."""

    unit = "values"

    def __init__(self, model: Forecaster, windows: Windows, places: Places) -> None:
        self.model: nn.Module = model
        self._forecaster, self._windows, self._places = model, windows, places
        self._step_by_step = isinstance(model, AutoregressiveForecaster)

    def loss(self, batch: Any, state: Any) -> StepLoss:
        loss, units = self._forecaster.loss(batch)
        return StepLoss(loss, units, None)

    def advance(self, batch: Any, state: Any) -> Any:
        raise AssertionError("each batch is whole windows, so no state is carried")

    def row_losses(self, batch: WindowBatch, rows: int) -> Tensor:
        """(B,) the mean over the horizon of each of the first windows.

        Of a forecaster that reads the horizon too, step by step, it is the loss of the last step.
        """
        few = batch.select(torch.arange(min(rows, batch.batch_size), device=batch.series.device))
        losses, scored = self._forecaster.losses(few)
        if self._step_by_step:
            return losses[-1] * scored[-1]
        return (losses * scored).sum(0) / scored.sum(0).clamp_min(1)

    def evaluate(self) -> dict[str, float]:
        device = next(self.model.parameters()).device
        totals, units = np.zeros(3), 0
        for begin in range(0, len(self._places.ends), _EVALUATED_AT_ONCE):
            chosen = (part[begin : begin + _EVALUATED_AT_ONCE] for part in self._places)
            batch = self._windows.at(*chosen).to(device)
            loss, count = self._forecaster.loss(batch)
            totals[0] += float(loss) * count
            units += count
            if not self._step_by_step:
                point = self._forecaster.head.mean(self._forecaster(batch))
                error = (point - batch.targets) * batch.scored
                totals[1:] += float(error.square().sum()), float(error.abs().sum())
        loss, squared, absolute = totals / max(units, 1)
        return (
            {"loss": loss}
            if self._step_by_step
            else {"loss": loss, "mse": squared, "mae": absolute}
        )

"""What a forecaster shows to the diagnosis: itself on windows of the validation rows.

Legend: T look-back, K rows before it that only lags reach, H horizon, B batch, W values of a
segment, N = T / W segments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from elman.data.series.windows import WindowBatch
from elman.diagnostics.diagnosis_input import DiagnosisInput, Lags
from elman.errors import InputError
from elman.models.forecaster import Forecaster
from elman.models.forecaster_autoregressive import AutoregressiveForecaster
from elman.models.forecaster_segments import SegmentForecaster

ROWS = 16


def forecaster_diagnosis_input(
    model: Forecaster, window: WindowBatch, cell: str, lags: Lags
) -> DiagnosisInput:
    """A forecaster as a function of the values that it reads, one after the other.

    What comes out is the mean of each step to come; of a forecaster that reads the horizon too,
    that of each step. A step is a row, or a segment of rows where segments are read. InputError for
    windows shorter than the lags.
    """
    inputs, put = _steps(model, window)
    steps = len(inputs)
    unit = f"segments of {model.segment} rows" if isinstance(model, SegmentForecaster) else "rows"
    if steps <= (lags.most or 1):
        raise InputError(
            f"the network reads {steps} {unit}, too few for a lag of {lags.most or 1}; train one"
            " with a longer --look-back" + (" or give a smaller --max-lag" if lags.most else "")
        )
    each = isinstance(model, AutoregressiveForecaster)

    def losses(x: Tensor) -> Tensor:
        found, scored = model.losses(put(x))
        return found * scored if each else (found * scored).sum(0) / scored.sum(0).clamp_min(1)

    def outputs(x: Tensor) -> Tensor:
        mean = model.head.mean(model(put(x)))
        return mean.unsqueeze(-1) if each else mean.transpose(0, 1)

    return DiagnosisInput(
        model,
        inputs,
        losses,
        outputs,
        categorical=False,
        needs=lags.needs,
        cell=cell,
        unit=unit,
        max_lag=lags.most or (None if each else steps - 1),
    )


def _steps(
    model: Forecaster, window: WindowBatch
) -> tuple[Tensor, Callable[[Tensor], WindowBatch]]:
    """What is read at each step, and how to make a window of it again."""
    before, values = model.form.before, window.values
    head = values[:before]
    if isinstance(model, AutoregressiveForecaster):
        # Step t reads the value before it; the last value is only ever a target.
        length, begin = len(window.features), before - 1
        everything = torch.cat([values, window.targets])

        def read(x: Tensor) -> WindowBatch:
            known = torch.cat([everything[:begin], x, everything[-1:]])
            return replace(window, values=known[: len(values)], targets=known[len(values) :])

        return everything[begin : begin + length], read
    if isinstance(model, SegmentForecaster):
        width = model.segment
        pieces = values[before:].view(-1, width, values.shape[1]).transpose(1, 2)  # (N, B, W)

        def joined(x: Tensor) -> WindowBatch:
            return replace(window, values=torch.cat([head, x.transpose(1, 2).flatten(0, 1)]))

        return pieces, joined
    return values[before:], lambda x: replace(window, values=torch.cat([head, x]))

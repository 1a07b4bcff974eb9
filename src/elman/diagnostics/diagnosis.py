"""The diagnosis of a network: all measurements, and the verdicts drawn from them.

Legend: T time, B batch, K the largest lag.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from elman.diagnostics.diagnosis_input import DiagnosisInput
from elman.diagnostics.gradients import gradient_by_lag
from elman.diagnostics.intervention import intervene
from elman.diagnostics.jacobians import jacobians, lyapunov
from elman.diagnostics.losses import StepLosses
from elman.diagnostics.measurements import Layer, Measurements
from elman.diagnostics.reach import reach_by_gradient
from elman.diagnostics.saturation import activity
from elman.diagnostics.steps import in_eval_mode, of_rows, record
from elman.diagnostics.verdicts import Verdict, verdicts_of
from elman.errors import InputError
from elman.layers.instrument import unwatched_layers


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Measurements and verdicts; `elman.plots.write_report` writes them to a folder."""

    measured: Measurements
    verdicts: tuple[Verdict, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether no threshold is crossed."""
        return all(verdict.is_healthy for verdict in self.verdicts)


def diagnose(
    model: nn.Module,
    batch: Any,
    *,
    losses: StepLosses | None = None,
    max_lag: int | None = None,
    truncation: int | None = None,
    needs: int | None = None,
) -> Diagnosis:
    """Measure how far back the memory of `model` reaches on `batch`, and say what to change.

        diagnosis = elman.diagnose(torch.nn.LSTM(8, 16), torch.randn(100, 4, 8))
        print(diagnosis.verdicts[0].name, diagnosis.verdicts[0].remedy)

    The model runs in eval mode and is left as it was. The page "Diagnose" of the manual explains
    the measurements and the thresholds behind the verdicts.

    Args:
        model: any module that contains a recurrent layer of elman or torch.nn.
        batch: inputs, or (inputs, targets), in the order of axes that the model takes; see
            `elman.diagnostics.losses`. Interventions need at least two rows.
        losses: (model, batch) -> losses (T, B) or (B,), for a model that is called differently;
            `batch` may then be any tuple whose first item are the inputs.
        max_lag: K; by default three quarters of the steps.
        truncation: steps of backpropagation in training, to compare the reach with.
        needs: the lag that the task needs.

    Raises:
        InputError: no recurrent layer, fewer steps than lags, or a loss that is not finite.
    """
    left_out = unwatched_layers(model)
    if left_out:
        listed = ", ".join(
            f"{name or 'the model'} ({type(m).__name__})" for name, m in left_out.items()
        )
        warnings.warn(
            f"not diagnosed, since a subclass may compute something else: {listed}", stacklevel=2
        )
    given = DiagnosisInput.of(model, batch, losses=losses, truncation=truncation, needs=needs)
    return diagnose_input(given, max_lag=max_lag)


def diagnose_input(
    given: DiagnosisInput, *, max_lag: int | None = None, times: int = 3
) -> Diagnosis:
    """`diagnose` for a model and data that a task has put together."""
    for name in ("truncation", "needs"):
        value = getattr(given, name)
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1, got {value}")
    # Also where the caller has switched gradients off.
    with torch.inference_mode(False), torch.enable_grad(), in_eval_mode(given.model):
        measured = _measure(given, max_lag or given.max_lag, times)
    return Diagnosis(measured, verdicts_of(measured))


def _measure(given: DiagnosisInput, max_lag: int | None, times: int) -> Measurements:
    at: int | tuple[int, ...] = times
    if given.scored is not None:
        # From the last steps that are scored, as far back as all of them can go.
        at = given.scored[-times:]
        max_lag = at[0] if max_lag is None else max_lag
    gradient = gradient_by_lag(
        given.model,
        given.inputs,
        losses=lambda _, inputs: given.losses(inputs),
        max_lag=max_lag,
        times=at,
    )
    with torch.no_grad():
        _, steps = record(given.model, lambda: given.outputs(given.inputs))
    layers = []
    for place, taken in of_rows(steps, given.rows).items():
        profiles = {p.quantity: p for p in gradient.profiles if p.place == place}
        reaches = {name: reach_by_gradient(profile) for name, profile in profiles.items()}
        layers.append(
            Layer(place, profiles, reaches, jacobians(taken), lyapunov(taken), activity(taken))
        )
    effects = tuple(intervene(given, gradient.max_lag))
    known = (given.truncation, given.needs, given.cell, given.unit)
    return Measurements(tuple(layers), gradient, effects, *known)

"""All that is measured of one network, put together and judged.

Legend: T time, B batch, K the largest lag.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from elman.diagnostics.diagnosis_input import DiagnosisInput
from elman.diagnostics.gradients import INPUT, GradientByLag, LagProfile, gradient_by_lag
from elman.diagnostics.intervention import Intervention, intervene
from elman.diagnostics.jacobians import Jacobians, Lyapunov, jacobians, lyapunov
from elman.diagnostics.losses import StepLosses
from elman.diagnostics.reach import Reach, farthest, reach_by_gradient
from elman.diagnostics.saturation import Activity, activity
from elman.diagnostics.steps import of_rows, record
from elman.diagnostics.verdicts import Verdict, judge
from elman.errors import InputError


@dataclass(frozen=True, eq=False)
class Layer:
    """One place: a layer and a direction of it.

    Attributes:
        place: its name.
        profiles: the gradient by lag, by quantity.
        reaches: the reach by gradient of each, by quantity.
        jacobians: of its steps.
        exponents: Lyapunov's.
        activity: of its units and gates.
    """

    place: str
    profiles: dict[str, LagProfile]
    reaches: dict[str, Reach]
    jacobians: Jacobians
    exponents: Lyapunov
    activity: Activity

    @property
    def reach(self) -> Reach:
        """The longest of the tensors of the state: what one forgets another may hold."""
        return farthest(reach for name, reach in self.reaches.items() if name != INPUT)

    @property
    def exploding_lag(self) -> int:
        """The lag at which the gradient by the state is longest beside that at lag 0."""
        return max(self._longest)[1]

    @property
    def exploding_ratio(self) -> float:
        """How much longer than at lag 0 it is there, in the median."""
        return max(self._longest)[0]

    @property
    def _longest(self) -> list[tuple[float, int]]:
        return [profile.longest for name, profile in self.profiles.items() if name != INPUT]

    @property
    def lyapunov(self) -> float:
        """The largest exponent, in nats per step."""
        return float(self.exponents.exponents[0])

    @property
    def lyapunov_error(self) -> float:
        """Its standard error."""
        return float(self.exponents.errors[0])

    @property
    def spectral_radius(self) -> float:
        """The median over the steps that were looked at."""
        return float(self.jacobians.radius.median())


@dataclass(frozen=True, eq=False)
class Measurements:
    """What verdicts are made from.

    Attributes:
        layers: from the input up.
        gradient: the gradients by lag that the layers' profiles are of.
        interventions: by input and by state; none where there is only one row.
        truncation: the steps that training goes back, if known.
        needs: the lag that the task needs, if known.
        cell: what the cell is called, if known.
        unit: what a step is, in the plural.
    """

    layers: tuple[Layer, ...]
    gradient: GradientByLag
    interventions: tuple[Intervention, ...]
    truncation: int | None
    needs: int | None
    cell: str | None
    unit: str

    @property
    def reach_by_intervention(self) -> Reach | None:
        """The longer of those by input and by state, or None where there are none."""
        reaches = [one.reach for one in self.interventions]
        return farthest(reaches) if reaches else None


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Measurements and verdicts. `elman.plots.diagnosis_report` writes it down."""

    measured: Measurements
    verdicts: tuple[Verdict, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether no limit is passed."""
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
    """How far the memory of `model` reaches on `batch`, why, and what to do.

        found = elman.diagnose(torch.nn.LSTM(8, 16), torch.randn(100, 4, 8))
        print(found.verdicts[0].name, found.verdicts[0].mend)

    The model is run in eval mode, and left as it was. See the page "Diagnose" of the manual for
    what is measured and from which limits the verdicts come.

    Args:
        model: any module with a recurrent layer, elman's or torch.nn's.
        batch: inputs (T, B, ...), or (inputs, targets); see `elman.diagnostics.losses`. With two
            rows or more, interventions are measured as well.
        losses: (model, batch) -> losses (T, B) or (B,), where the model isn't called so.
        max_lag: the largest lag to look at; by default three quarters of the steps.
        truncation: the steps that gradients flow back in training, to be set beside the reach.
        needs: the lag that the task needs.

    Raises:
        InputError: no recurrent layer, fewer steps than lags, or a loss that is not finite.
    """
    taken = DiagnosisInput.of(model, batch, losses=losses, truncation=truncation, needs=needs)
    return diagnose_input(taken, max_lag=max_lag)


def diagnose_input(
    taken: DiagnosisInput, *, max_lag: int | None = None, times: int = 3
) -> Diagnosis:
    """`diagnose` for a model on its data as a task gives it."""
    for name in ("truncation", "needs"):
        value = getattr(taken, name)
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1, got {value}")
    modes = {module: module.training for module in taken.model.modules()}
    taken.model.eval()
    try:
        measured = _measure(taken, max_lag or taken.max_lag, times)
    finally:
        for module, training in modes.items():
            module.training = training
    return Diagnosis(measured, judge(measured))


def _measure(taken: DiagnosisInput, max_lag: int | None, times: int) -> Measurements:
    at: int | tuple[int, ...] = times
    if taken.scored is not None:
        # Back from the last steps that count, as far as all of them can look.
        at = taken.scored[-times:]
        max_lag = at[0] if max_lag is None else max_lag
    gradient = gradient_by_lag(
        taken.model,
        taken.inputs,
        losses=lambda _, inputs: taken.losses(inputs),
        max_lag=max_lag,
        times=at,
    )
    with torch.no_grad():
        _, steps = record(taken.model, lambda: taken.outputs(taken.inputs))
    steps = of_rows(steps, taken.rows)
    layers = []
    for place, taken in steps.items():
        profiles = {p.quantity: p for p in gradient.profiles if p.place == place}
        layers.append(
            Layer(
                place,
                profiles,
                {name: reach_by_gradient(profile) for name, profile in profiles.items()},
                jacobians(taken),
                lyapunov(taken),
                activity(taken),
            )
        )
    return Measurements(
        tuple(layers),
        gradient,
        tuple(intervene(taken, gradient.max_lag)),
        taken.truncation,
        taken.needs,
        taken.cell,
        taken.unit,
    )

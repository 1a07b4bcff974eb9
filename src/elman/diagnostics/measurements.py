"""What was measured of a network: the numbers that verdicts and reports are made from."""

from __future__ import annotations

from dataclasses import dataclass

from elman.diagnostics.gradients import INPUT, GradientByLag, LagProfile
from elman.diagnostics.intervention import Intervention
from elman.diagnostics.jacobians import Jacobians, Lyapunov
from elman.diagnostics.reach import Reach, farthest
from elman.diagnostics.saturation import Activity


@dataclass(frozen=True, eq=False)
class Layer:
    """What was measured of one layer in one direction.

    Attributes:
        place: name of the layer and direction.
        profiles: gradient by lag of each quantity ("h", "c", "input").
        reaches: reach by gradient of each quantity.
        jacobians: step Jacobians along the sequence.
        exponents: Lyapunov exponents.
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
        """The longest over the tensors of the state: what h has lost, c may still hold."""
        return farthest(reach for name, reach in self.reaches.items() if name != INPUT)

    @property
    def largest_gradient(self) -> tuple[float, int]:
        """The largest median ratio of the gradient to that at lag 0, over the state; its lag."""
        return max(profile.largest for name, profile in self.profiles.items() if name != INPUT)

    @property
    def lyapunov(self) -> float:
        """The largest Lyapunov exponent, in nats per step."""
        return float(self.exponents.exponents[0])

    @property
    def lyapunov_error(self) -> float:
        """The standard error of `lyapunov`."""
        return float(self.exponents.errors[0])

    @property
    def spectral_radius(self) -> float:
        """Median over the sampled steps."""
        return float(self.jacobians.radius.median())


@dataclass(frozen=True, eq=False)
class Measurements:
    """All measurements of one network.

    Attributes:
        layers: from the input up.
        gradient: gradients by lag, of which each layer holds its own profiles.
        interventions: on the input and on the state; empty for a batch of one row.
        truncation: steps of backpropagation in training, if known.
        needs: the lag that the task needs, if known.
        cell: name of the cell, if known.
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
        """The longest over the interventions; None without any."""
        reaches = [one.reach for one in self.interventions]
        return farthest(reaches) if reaches else None

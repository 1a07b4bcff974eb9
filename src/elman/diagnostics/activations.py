"""The activations of a network along a sequence, whatever its steps are: tokens, rows or frames.

Legend: T steps, U units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from torch import Tensor

from elman.diagnostics.heard import Heard
from elman.diagnostics.trace import Trace
from elman.errors import RunFailed

Floats: TypeAlias = npt.NDArray[np.float32]
Order: TypeAlias = npt.NDArray[np.int64]

BY_TIME_CONSTANT = "time constant"
BY_CHANGE = "change"
REVERSED = ", from the end"
_FULL_NAMES = {"h": "hidden state", "c": "cell state"}


@dataclass(frozen=True)
class Expected:
    """An outcome that the model expects, with its probability."""

    label: str
    probability: float


@dataclass(frozen=True)
class Step:
    """One step of the sequence.

    Attributes:
        label: the token, the time or the number of the frame; any characters.
        surprise: how unexpected it was, in `Activations.unit`; None without an expectation.
        expected: the most probable outcomes in its place, the most probable first.
    """

    label: str
    surprise: float | None = None
    expected: tuple[Expected, ...] = ()


@dataclass(frozen=True)
class Panel:
    """The values of one state or gate of one layer.

    Attributes:
        layer: its name, such as "layer 0" or "layer 0, from the end".
        key: "h", "c", or the name of a gate such as "forget".
        values: (T, U): a state after each step, or a gate in it.
        low: lower end of the range of values.
        high: upper end.
        orders: orders of the units by name: indices of units (U,), the top one first.
        time_constants: (U,) in steps, for a layer with a forget or update gate.
    """

    layer: str
    key: str
    values: Floats
    low: float
    high: float
    orders: Mapping[str, Order] = field(default_factory=dict)
    time_constants: Floats | None = None

    @property
    def is_gate(self) -> bool:
        """Whether the values are those of a gate, from 0 to 1."""
        return self.low == 0

    @property
    def name(self) -> str:
        """The full name, for people."""
        return f"{self.key} gate" if self.is_gate else _FULL_NAMES.get(self.key, self.key)

    def order(self, by: str) -> Order:
        """The units from top to bottom; in the order of the network if there is no order `by`."""
        return self.orders.get(by, np.arange(self.values.shape[1]))

    def quantized(self) -> npt.NDArray[np.uint8]:
        """The values (T, U) from 0 for low to 255 for high, to within (high - low) / 510."""
        scaled = (self.values - self.low) * (255 / (self.high - self.low))
        levels: npt.NDArray[np.uint8] = np.rint(scaled).clip(0, 255).astype(np.uint8)
        return levels


@dataclass(frozen=True)
class Activations:
    """What a network did at each step of a sequence.

    Attributes:
        title: names the network and the sequence.
        steps: T steps.
        panels: states and gates, from the lowest layer up.
        expected: what the model expects after the last step.
        unit: of surprise.
        is_text: whether the labels put together are a text.
        ahead: what the model predicts: the "next" step, or an "answer" to all steps so far.
        heard: the recording, for a network that hears.
    """

    title: str
    steps: Sequence[Step]
    panels: Sequence[Panel]
    expected: tuple[Expected, ...] = ()
    unit: str = "bits"
    is_text: bool = True
    ahead: Literal["next", "answer"] = "next"
    heard: Heard | None = None

    @property
    def layers(self) -> list[str]:
        """Names of the layers, from the input up."""
        return list(dict.fromkeys(panel.layer for panel in self.panels))

    def expected_after(self, t: int) -> tuple[Expected, ...]:
        """What the model expects after step `t`."""
        return self.steps[t + 1].expected if t + 1 < len(self.steps) else self.expected


def panels_of(traces: Mapping[str, Trace], row: int = 0, begin: int = 0) -> list[Panel]:
    """Panels of one row of the batch from step `begin` on; layer 0 is the one above the input."""
    panels: list[Panel] = []
    depth = -1
    for place, trace in traces.items():
        reverse = place.endswith("reverse")  # comes after the forward direction of the same layer
        depth += not reverse
        layer = f"layer {depth}{REVERSED if reverse else ''}"
        states = {key: _row(values, row, begin) for key, values in trace.states.items()}
        gates = {key: _row(values, row, begin) for key, values in trace.gates.items()}
        constants = trace.time_constants()
        tau = None if constants is None else constants.numpy().astype(np.float32)
        lead = next(iter(states.values()))
        for key, values in {**states, **gates}.items():
            if not np.isfinite(values).all():
                raise RunFailed(f"{layer}: {key} is not a finite number at some steps")
            orders = {}
            if tau is not None and len(tau) == values.shape[1]:
                orders[BY_TIME_CONSTANT] = np.argsort(tau, kind="stable")
            by = lead if lead.shape == values.shape else values
            orders[BY_CHANGE] = np.argsort(-_change(by), kind="stable")
            if key in gates:
                low, high = -1.0 if key == "candidate" else 0.0, 1.0
            else:
                high = max(float(np.abs(values).max()), 1e-6)
                low = -high
            own_tau = tau if BY_TIME_CONSTANT in orders else None
            panels.append(Panel(layer, key, values, low, high, orders, own_tau))
    return panels


def _row(values: Tensor, row: int, begin: int) -> Floats:
    return np.ascontiguousarray(values[begin:, row].float().cpu().numpy())


def _change(values: Floats) -> Floats:
    """(U,) mean absolute change of each unit from step to step."""
    change: Floats = np.abs(np.diff(values, axis=0) if len(values) > 1 else values).mean(0)
    return change

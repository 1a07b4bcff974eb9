"""What the units and the gates of a layer do: saturated, dead, constant; how long each holds.

Legend: T time, B batch, H hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from elman.diagnostics.steps import flat
from elman.layers.instrument import Step

EDGE = 0.01
"""A gate nearer than this to an end of its range is saturated: its slope there is under 1 %."""

STILL = 1e-4
"""A unit whose standard deviation over all steps and rows is below this does not move."""


@dataclass(frozen=True, eq=False)
class Gate:
    """One gate of one place, over all steps, rows and units.

    Attributes:
        name: in full, such as "forget"; "h" for the state of a cell without gates.
        mean: of its values.
        low: the share of values at the lower end of the range: 0, or -1 for what is a tanh.
        high: the share at the upper end.
        histogram: (20,) shares of values in equal parts of the range.
        squashed: its range is (-1, 1), not (0, 1).
        keeps: it says how much of the old state stays.
    """

    name: str
    mean: float
    low: float
    high: float
    histogram: Tensor
    squashed: bool
    keeps: bool

    @property
    def saturated(self) -> float:
        """The share of values at either end, or for a gate that keeps, at the closed end.

        A gate that keeps and stands open does what it is there for.
        """
        return self.low if self.keeps else self.low + self.high


@dataclass(frozen=True, eq=False)
class Activity:
    """What the units of one place do.

    Attributes:
        place: which layer and direction.
        gates: one after the other; empty where nothing has a range.
        dead: (H,) units of h that are 0 at every step of every row.
        constant: (H,) units of h that are not 0 and do not move.
        time_constants: (H,) steps until 1/e of what a unit holds is left, or None without gates:
            tau = -1 / mean ln(keep), over all steps and rows.
        new: the share of what enters the state at a step that is new, the rest being kept, or
            None without gates: |i g| beside |f c|, or |(1 - z) n| beside |z h|.
    """

    place: str
    gates: tuple[Gate, ...]
    dead: Tensor
    constant: Tensor
    time_constants: Tensor | None
    new: float | None


@torch.no_grad()
def activity(steps: Sequence[Step]) -> Activity:
    """Of one place, from its steps."""
    alive = _alive(steps)
    name = "h" if "h" in steps[0].after else next(iter(steps[0].after))
    h = torch.stack([flat({name: step.after[name]}) for step in steps])[alive]  # (N, H)
    largest = h.abs().amax(0)
    # A single step of a unit has no spread; then nothing can be said.
    spread = h.double().std(0) if len(h) > 1 else torch.full_like(largest, torch.inf).double()
    dead = largest < STILL
    values = _gate_values(steps, alive)
    keep = steps[0].forget_gate
    gates = [_gate(name, value, name == keep) for name, value in values.items()]
    if steps[0].squashed:
        gates = [_gate("h", h, keeps=False, squashed=True)]
    constants = None
    if keep is not None:
        constants = time_constants(values[keep])
    return Activity(
        steps[0].place,
        tuple(gates),
        dead,
        (spread < STILL) & ~dead,
        constants,
        _new(steps, values, alive),
    )


def time_constants(keep: Tensor) -> Tensor:
    """How long each unit holds what it has, by its gate that keeps, (…, H) -> (H,) in steps.

    After k steps the product of k values of the gate is left, so 1/e of it after
    tau = -1 / mean(ln keep), over all steps and rows.
    """
    kept = keep.double().clamp_min(torch.finfo(torch.float64).tiny)
    return -1 / kept.log().flatten(0, -2).mean(0).clamp_max(-1e-12)


def _alive(steps: Sequence[Step]) -> Tensor:
    """(T, B): which rows are within their length."""
    rows = [
        torch.ones(flat(step.after).shape[0], dtype=torch.bool)
        if step.alive is None
        else step.alive.cpu()
        for step in steps
    ]
    return torch.stack(rows)


def _gate_values(steps: Sequence[Step], alive: Tensor) -> dict[str, Tensor]:
    each = [step.gates() for step in steps]
    return {name: torch.stack([gates[name] for gates in each])[alive] for name in each[0]}


def _gate(name: str, values: Tensor, keeps: bool, *, squashed: bool | None = None) -> Gate:
    squashed = name == "candidate" if squashed is None else squashed
    flattened = values.flatten().float().cpu()
    lowest = -1.0 if squashed else 0.0
    return Gate(
        name,
        float(flattened.mean()),
        float((flattened < lowest + EDGE).float().mean()),
        float((flattened > 1 - EDGE).float().mean()),
        torch.histc(flattened, 20, lowest, 1.0) / len(flattened),
        squashed,
        keeps,
    )


def _new(steps: Sequence[Step], values: dict[str, Tensor], alive: Tensor) -> float | None:
    if "forget" in values:
        before = torch.stack([step.before["c"] for step in steps])[alive]
        new, kept = values["input"] * values["candidate"], values["forget"] * before
    elif "update" in values:
        before = torch.stack([step.before["h"] for step in steps])[alive]
        new = (1 - values["update"]) * values["candidate"]
        kept = values["update"] * before
    else:
        return None
    added, held = float(new.abs().double().sum()), float(kept.abs().double().sum())
    return added / max(added + held, 1e-300)

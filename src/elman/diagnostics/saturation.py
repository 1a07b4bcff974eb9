"""Activity of units and gates: saturated gates, dead and constant units, time constants.

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
"""A gate closer than this to an end of its range is saturated: its slope there is below 1 %."""

CONSTANT = 1e-4
"""A unit whose standard deviation over all steps and rows is below this is constant."""


@dataclass(frozen=True, eq=False)
class Gate:
    """Values of one gate of one layer over all steps, rows and units.

    Attributes:
        name: full name, such as "forget"; "h" for the state of a cell without gates.
        low: share of values at the lower end of the range, which is 0, or -1 for a tanh.
        high: share of values at the upper end.
        histogram: (20,) shares of values in equal parts of the range.
        squashed: whether the range is (-1, 1) instead of (0, 1).
        keeps: whether the gate scales the old state, as a forget gate does.
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
        """Share of values at either end; for a forget gate, at the closed end only.

        An open forget gate is what a long memory needs.
        """
        return self.low if self.keeps else self.low + self.high


@dataclass(frozen=True, eq=False)
class Activity:
    """Activity of the units of one layer.

    Attributes:
        gates: of the cell; empty for a cell without any and with unbounded units.
        dead: (H,) whether a unit of h is 0 at every step of every row.
        constant: (H,) whether a unit of h has one value other than 0.
        time_constants: (H,) see `time_constants`; None without a forget or update gate.
        new: share of the updated state that is new, the rest being old; None without gates. It
            compares |i g| with |f c| in an LSTM, |(1 - z) n| with |z h| in a GRU.
    """

    gates: tuple[Gate, ...]
    dead: Tensor
    constant: Tensor
    time_constants: Tensor | None
    new: float | None


@torch.no_grad()
def activity(steps: Sequence[Step]) -> Activity:
    """Activity of one layer, from its recorded steps."""
    alive = _alive(steps)
    name = "h" if "h" in steps[0].after else next(iter(steps[0].after))
    h = torch.stack([flat({name: step.after[name]}) for step in steps])[alive]  # (N, H)
    largest = h.abs().amax(0)
    # A single sample has no spread, so no unit counts as constant.
    spread = h.double().std(0) if len(h) > 1 else torch.full_like(largest, torch.inf).double()
    dead = largest < CONSTANT
    each = [step.gates() for step in steps]
    values = {name: torch.stack([gates[name] for gates in each])[alive] for name in each[0]}
    keep = steps[0].forget_gate
    gates = [_gate(name, v, name == keep, name == "candidate") for name, v in values.items()]
    if steps[0].squashed:
        gates = [_gate("h", h, keeps=False, squashed=True)]
    constants = None if keep is None else time_constants(values[keep])
    constant = (spread < CONSTANT) & ~dead
    return Activity(tuple(gates), dead, constant, constants, _new(steps, values, alive))


def time_constants(keep: Tensor) -> Tensor:
    """Steps until 1/e of a unit's state is left, from the gate that scales it: (…, H) -> (H,).

    After k steps the product of k values of the gate is left, hence tau = -1 / mean(ln keep), the
    mean over all steps and rows.
    """
    kept = keep.double().clamp_min(torch.finfo(torch.float64).tiny)
    return -1 / kept.log().flatten(0, -2).mean(0).clamp_max(-1e-12)


def _alive(steps: Sequence[Step]) -> Tensor:
    """(T, B): whether a step is within the length of its row."""
    everyone = torch.ones(len(steps[0].x), dtype=torch.bool)
    return torch.stack([everyone if s.alive is None else s.alive.cpu() for s in steps])


def _gate(name: str, values: Tensor, keeps: bool, squashed: bool) -> Gate:
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

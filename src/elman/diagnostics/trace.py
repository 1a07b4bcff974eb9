"""States and gates of recurrent layers at every step of a sequence.

Legend: T time, B batch, H hidden, R output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from elman.diagnostics.saturation import time_constants
from elman.diagnostics.steps import record
from elman.layers.instrument import Step


@dataclass(frozen=True)
class Trace:
    """One layer in one direction, in the order of the sequence.

    Attributes:
        states: by name, (T, B, R) for h and (T, B, H) for c: after each step.
        gates: by full name ("forget", "update"), (T, B, H): in each step, the candidate included;
            empty for a cell without gates.
        keep: name of the gate that scales the old state, or None.
    """

    states: Mapping[str, Tensor]
    gates: Mapping[str, Tensor]
    keep: str | None = None

    def time_constants(self) -> Tensor | None:
        """(H,) steps until 1/e of a unit's state is left; None without a gate `keep`."""
        return None if self.keep is None else time_constants(self.gates[self.keep])


def trace(model: nn.Module, run: Callable[[], object]) -> dict[str, Trace]:
    """Trace the recurrent layers of `model` in a call of `run`; by layer and direction.

    `run` is any call of the model, such as ``lambda: model(x)``, which stays in its mode. All rows
    are traced up to T, whatever their ``lengths``.

    Raises:
        InputError: no recurrent layer, or none was called.
    """
    _, steps = record(model, run)
    return {
        place: _trace(taken[::-1] if taken[0].reverse else taken) for place, taken in steps.items()
    }


def _trace(steps: Sequence[Step]) -> Trace:
    states = {
        name: torch.stack([_rows(step.after[name], step.axes.get(name, 0)) for step in steps])
        for name in steps[0].after
    }
    gates = [step.gates() for step in steps]
    stacked = {name: torch.stack([each[name] for each in gates]) for name in gates[0]}
    return Trace(states, stacked, steps[0].forget_gate)


def _rows(tensor: Tensor, axis: int) -> Tensor:
    rows = tensor.movedim(axis, 0)
    return rows.reshape(len(rows), -1)

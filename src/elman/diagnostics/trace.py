"""What recurrent layers did at every step: their states and their gates along a sequence.

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
    """One layer in one direction along a sequence, in the order of the sequence.

    Attributes:
        states: by name, (T, B, R) for h and (T, B, H) for c: after each step.
        gates: by name in full ("forget", "update"), (T, B, H): what acted in each step, the
            candidate included. Empty where the cell tells of none.
        keep: which of the gates says how much of the old state stays, or None.
    """

    states: Mapping[str, Tensor]
    gates: Mapping[str, Tensor]
    keep: str | None = None

    def time_constants(self) -> Tensor | None:
        """How long each unit keeps what it holds: (H,) steps until 1/e of it is left.

        By the gate that keeps (`elman.diagnostics.saturation.time_constants`); None without one.
        """
        return None if self.keep is None else time_constants(self.gates[self.keep])


def trace(model: nn.Module, run: Callable[[], object]) -> dict[str, Trace]:
    """The recurrent layers of `model` while `run` calls it, by the place of each.

    `run` is any call of the model, such as ``lambda: model(x)``, in the mode that the caller has
    left it in. Rows are followed to T, whatever their ``lengths``.

    Raises:
        InputError: no recurrent layer, or none that was called.
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

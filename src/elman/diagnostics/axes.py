"""Which axes of a model's inputs and outputs are time, batch and width: seen from how it runs.

The recurrent layers tell how many steps of how many rows they took; the axes of those sizes are
time and batch. Legend: T time, B batch, K width of the output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from elman.diagnostics.steps import record
from elman.errors import InputError
from elman.layers.instrument import recurrent_layers

Call: TypeAlias = Callable[[Tensor], Any]
"""Inputs -> what the model returns."""


@dataclass(frozen=True)
class Axes:
    """Where time is.

    Attributes:
        steps: T.
        rows: B.
        time: the axis of time in the inputs, 0 or 1.
        batched: whether the inputs have an axis of rows; else B is 1.
        outputs: the axes of the outputs in their order: "TBK", "BTK", "TB" or "BT" for one number a
            step, "BK" for an answer at the end of each row; "TK", "T" or "K" unbatched.
    """

    steps: int
    rows: int
    time: int
    batched: bool
    outputs: str

    def time_first(self, outputs: Any) -> Tensor:
        """What the model returns as (T, B, K) or (B, K)."""
        found = tensor_of(outputs)
        if not self.batched:
            found = found.unsqueeze(int(self.outputs.startswith("T")))
        if self.outputs.startswith("BT"):
            found = found.transpose(0, 1)
        return found if "K" in self.outputs else found.unsqueeze(-1)

    def targets(self, targets: Tensor) -> Tensor:
        """Targets in the order of `time_first`, from the order of the outputs."""
        if not self.batched:
            targets = targets.unsqueeze(int(self.outputs.startswith("T")))
        if "T" in self.outputs and targets.dim() > 1 and self._is_turned(targets):
            targets = targets.transpose(0, 1)
        scalar = "K" not in self.outputs and targets.is_floating_point()
        return targets.unsqueeze(-1) if scalar and targets.dim() == 2 else targets

    def _is_turned(self, targets: Tensor) -> bool:
        expected = (self.rows, self.steps)
        return tuple(targets.shape[:2]) == expected and (
            self.rows != self.steps or self.outputs.startswith("BT")
        )


def tensor_of(outputs: Any) -> Tensor:
    """The tensor that a model returns; of several, the first."""
    found = outputs[0] if isinstance(outputs, tuple) else outputs
    if not isinstance(found, Tensor) or found.dim() not in (1, 2, 3):
        got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise InputError(
            f"the model returns {got}, expected a tensor of 3 axes (time, batch, width) or of 2 "
            "(batch, width); pass losses=, a function (model, batch) -> losses (T, B)"
        )
    return found


def find_axes(model: nn.Module, inputs: Tensor, call: Call) -> Axes:
    """The axes, from one call.

    Raises:
        InputError: no recurrent layer was called, or outputs that fit neither rows nor steps.
    """
    with torch.no_grad():
        outputs, taken = record(model, lambda: call(inputs))
    steps = max(len(each) for each in taken.values())
    rows = next(len(each[0].x) for each in taken.values() if len(each) == steps)
    layers = recurrent_layers(model)
    called = [layer for name, layer in layers.items() if any(_is_of(p, name) for p in taken)]
    first, last = (getattr(called[end], "batch_first", False) for end in (0, -1))
    shape = tuple(inputs.shape[:2])
    batched = shape in ((steps, rows), (rows, steps)) or rows > 1 or inputs.dim() < 2
    time = int(shape == (rows, steps) if rows != steps else first)
    if shape not in ((steps, rows), (rows, steps)):
        time = int(first and batched)
    found = tensor_of(outputs)
    if not batched:
        form = {1: "T" if len(found) == steps else "K", 2: "TK"}.get(found.dim(), "")
        return Axes(steps, rows, 0, batched, form)
    if found.dim() == 3:
        turned = found.shape[:2] == (rows, steps) if rows != steps else last
        return Axes(steps, rows, time, batched, "BTK" if turned else "TBK")
    # A network that reads from both ends has outputs of steps which depend on later ones too.
    from_both_ends = any(getattr(layer, "bidirectional", False) for layer in called)
    fitting = [
        name
        for name, size in {"TB": (steps, rows), "BT": (rows, steps)}.items()
        if found.shape == size
        and (from_both_ends or _is_causal(found, name.index("T"), inputs, time, call))
    ]
    preferred = "BT" if last else "TB"
    form = preferred if preferred in fitting else next(iter(fitting), "BK")
    return Axes(steps, rows, time, batched, form)


def _is_of(place: str, name: str) -> bool:
    return place == name or not name or place.startswith(f"{name}.")


def _is_causal(outputs: Tensor, axis: int, inputs: Tensor, time: int, call: Call) -> bool:
    """Whether outputs along `axis` depend on no later step of the inputs, as those of steps do.

    It tells (B, T) from (B, K) where K happens to be T.
    """
    steps = inputs.movedim(time, 0).clone()
    steps[-1] = steps[-1].roll(1, 0) if torch.equal(steps[-1], steps[0]) else steps[0]
    with torch.no_grad():
        other = tensor_of(call(steps.movedim(0, time)))
    before, after = (each.movedim(axis, 0) for each in (outputs, other))
    return torch.allclose(before[:-1], after[:-1], rtol=1e-4, atol=1e-6)  # other layouts round

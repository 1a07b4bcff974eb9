"""The `reference` backend: a plain loop over the equations of a cell.

It serves every dtype and device, is differentiable any number of times, and is what every other
backend is tested against. Legend: T time, B batch, I input, R output.
"""

from __future__ import annotations

import torch
from torch import Tensor

from elman.kernels.kind import CellKind, Regularization, States, Weights


def run(
    kind: CellKind,
    x: Tensor,
    states: States,
    weights: Weights,
    reverse: bool,
    regularization: Regularization,
    *,
    lengths: Tensor | None = None,
) -> tuple[Tensor, States]:
    """One layer in one direction: x (T, B, I) -> the outputs (T, B, R), each row's final state.

    A row's steps past its length, of `lengths` (B,) int64 from 0 to T, give zeros, leave its state
    unchanged and are not read. With `reverse`, from the last real step to the first.
    """
    alive = None
    if lengths is not None:
        alive = (torch.arange(len(x), device=x.device).unsqueeze(1) < lengths).unsqueeze(-1)
        # Also the inputs, since the gradient of a NaN in the padding would be 0 * NaN.
        x = x.masked_fill(~alive, 0)
    u = weights.input_part(x)
    outputs: list[Tensor] = [u] * len(x)
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        new = regularization.mix(
            kind.step(u[t], states, weights, regularization.recurrent), states, t
        )
        if alive is not None:
            new = tuple(
                torch.where(alive[t], after, before)
                for after, before in zip(new, states, strict=True)
            )
        outputs[t] = new[0]
        states = new
    y = torch.stack(outputs)
    return (y if alive is None else y.masked_fill(~alive, 0)), states


def step(
    kind: CellKind, x: Tensor, states: States, weights: Weights, regularization: Regularization
) -> States:
    """One step of one layer: x (B, I), states (B, R)."""
    new = kind.step(weights.input_part(x), states, weights, regularization.recurrent)
    return regularization.mix(new, states, 0)

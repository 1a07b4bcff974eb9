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
    *,
    lengths: Tensor | None = None,
    reverse: bool = False,
    regularization: Regularization,
) -> tuple[Tensor, States]:
    """One layer in one direction over a whole sequence.

    Args:
        kind: the cell.
        x: (T, B, I).
        states: the initial state.
        weights: of this layer and direction.
        lengths: (B,) int64, 0 to T, or None when every row has T steps. A row's steps past
            its length give zeros, leave its state unchanged and are not read.
        reverse: from the last real step to the first.
        regularization: of the state.

    Returns:
        The outputs (T, B, R) and each row's state after its last step.
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

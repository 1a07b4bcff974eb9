"""The seam between layers and backends: run a stack, or take one step, wherever `choose` says.

Legend: T time, B batch, I input, L layers, D directions, R output of a direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from elman.kernels import aten, reference
from elman.kernels.choose import Request, choose
from elman.kernels.kind import CellKind, Noise, States, Weights


@dataclass(frozen=True)
class Stack:
    """What a layer hands to the kernels at every call; nothing of it is kept between calls."""

    kind: CellKind
    weights: Sequence[Weights]  # L * D of them, the directions of a layer side by side
    num_layers: int
    bidirectional: bool
    dropout: float  # between layers, while training
    training: bool


def run(
    stack: Stack,
    request: Request,
    x: Tensor,
    states: States,
    *,
    lengths: Tensor | None,
    noise: Sequence[Noise],
) -> tuple[Tensor, States]:
    """All layers and directions: x (T, B, I), states (L * D, B, R) -> y (T, B, D * R), states."""
    if choose(request).backend == "torch":
        return aten.run(
            stack.kind,
            x,
            states,
            stack.weights,
            lengths=lengths,
            num_layers=stack.num_layers,
            bidirectional=stack.bidirectional,
            dropout=stack.dropout,
            training=stack.training,
        )
    directions = 2 if stack.bidirectional else 1
    finals: list[States] = []
    for layer in range(stack.num_layers):
        if layer and stack.dropout:
            x = functional.dropout(x, stack.dropout, stack.training)
        outputs = []
        for direction in range(directions):
            place = layer * directions + direction
            y, last = reference.run(
                stack.kind,
                x,
                tuple(state[place] for state in states),
                stack.weights[place],
                lengths=lengths,
                reverse=direction == 1,
                noise=noise[place],
            )
            outputs.append(y)
            finals.append(last)
        x = torch.cat(outputs, -1) if stack.bidirectional else outputs[0]
    return x, tuple(torch.stack(same) for same in zip(*finals, strict=True))


def step(
    stack: Stack, request: Request, x: Tensor, states: States, *, noise: Sequence[Noise]
) -> tuple[Tensor, States]:
    """One turn of the loop through all layers: x (B, I), states (L, B, R) -> y (B, R), states."""
    by_aten = choose(request).backend == "torch" and stack.weights[0].hr is None
    finals: list[States] = []
    for layer, weights in enumerate(stack.weights):
        old = tuple(state[layer] for state in states)
        if by_aten:
            new = aten.step(stack.kind, x, old, weights)
        else:
            new = stack.kind.step(weights.input_part(x), old, weights, None)
            new = noise[layer].mix(new, old, 0)
        finals.append(new)
        x = new[0]
    return x, tuple(torch.stack(same) for same in zip(*finals, strict=True))

"""The interface between layers and backends: runs a stack or one step on the chosen backend.

Legend: T time, B batch, I input, L layers, D directions, R output of a direction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from elman.kernels import aten, native, recompute, reference
from elman.kernels.choose import Request, choose
from elman.kernels.kind import CellKind, Regularization, Stack, States, Weights
from elman.kernels.packing import Packing

OneDirection: TypeAlias = Callable[
    [Tensor, States, Weights, bool, Regularization], tuple[Tensor, States]
]
"""(x, states, weights, reverse, regularization) -> outputs, final states"""


def run(
    stack: Stack,
    request: Request,
    x: Tensor,
    states: States,
    *,
    lengths: Tensor | None,
    regularization: Sequence[Regularization],
) -> tuple[Tensor, States]:
    """All layers and directions: x (T, B, I), states (L * D, B, R) -> y (T, B, D * R), states."""
    match choose(request).backend:
        case "torch":
            run: Callable[..., tuple[Tensor, States]] = aten.run
            if stack.recompute:
                run = partial(checkpoint, aten.run, use_reentrant=False)
            return run(stack, x, states, lengths)
        case "native":
            if x.dtype == torch.bfloat16:
                wide = _run_native(*_to_float32(stack, x, states, regularization), lengths)
                return _to_bfloat16(*wide)
            return _run_native(stack, x, states, regularization, lengths)
        case "reference":
            one = partial(reference.run, stack.kind, lengths=lengths)
            return layers(stack, one, x, states, regularization)


def _run_native(
    stack: Stack,
    x: Tensor,
    states: States,
    regularization: Sequence[Regularization],
    lengths: Tensor | None,
) -> tuple[Tensor, States]:
    """Pack once, run every layer on packed steps, pad once."""
    steps, batch_size = x.shape[:2]
    masked = stack.training and any(one.zoneout is not None for one in regularization)
    if steps == 1 and lengths is None and not (stack.bidirectional or masked or stack.dropout):
        y, final = _one_step(stack, native.step, x[0], states, regularization)
        return y.unsqueeze(0), final
    packing = None if lengths is None else Packing.of(lengths, steps)
    if packing is None:
        packed = x.flatten(0, 1)
    else:
        packed = packing.pack(x)
        states = tuple(state.index_select(1, packing.order) for state in states)
        regularization = [one.packed(packing.order, packing.pack) for one in regularization]
    sizes = None if packing is None else packing.sizes
    run = recompute.run if stack.recompute else native.run
    one = partial(run, stack.kind, sizes=sizes)
    y, final = layers(stack, one, packed, states, regularization)
    if packing is None:
        return y.view(steps, batch_size, y.shape[-1]), final
    return packing.pad(y, steps), tuple(state.index_select(1, packing.inverse) for state in final)


def _to_float32(
    stack: Stack, x: Tensor, states: States, regularization: Sequence[Regularization]
) -> tuple[Stack, Tensor, States, Sequence[Regularization]]:
    """bfloat16 arguments as float32: only the last layer's output is rounded.

    So the result is closer to the exact one than that of a loop in bfloat16.
    """
    weights = [Weights._make([w if w is None else w.float() for w in one]) for one in stack.weights]
    wide = [
        one if one.recurrent is None else replace(one, recurrent=one.recurrent.float())
        for one in regularization
    ]
    return stack._replace(weights=weights), x.float(), tuple(h.float() for h in states), wide


def _to_bfloat16(y: Tensor, states: States) -> tuple[Tensor, States]:
    return y.bfloat16(), tuple(state.bfloat16() for state in states)


def layers(
    stack: Stack,
    one: OneDirection,
    x: Tensor,
    states: States,
    regularization: Sequence[Regularization],
) -> tuple[Tensor, States]:
    """Layer by layer, each direction by `one`; the final states are stacked."""
    directions = 2 if stack.bidirectional else 1
    finals: list[States] = []
    for layer in range(stack.num_layers):
        if layer and stack.dropout:
            x = functional.dropout(x, stack.dropout, stack.training)
        outputs = []
        for direction in range(directions):
            place = layer * directions + direction
            begin = tuple(state[place] for state in states)
            y, last = one(x, begin, stack.weights[place], direction == 1, regularization[place])
            outputs.append(y)
            finals.append(last)
        x = torch.cat(outputs, -1) if stack.bidirectional else outputs[0]
    return x, _stack_states(finals)


def step(
    stack: Stack,
    request: Request,
    x: Tensor,
    states: States,
    *,
    regularization: Sequence[Regularization],
) -> tuple[Tensor, States]:
    """One step through all layers: x (B, I), states (L, B, R) -> y (B, R), states."""
    backend = choose(request).backend
    if backend == "native":
        if x.dtype == torch.bfloat16:
            stack, x, states, regularization = _to_float32(stack, x, states, regularization)
            return _to_bfloat16(*_one_step(stack, native.step, x, states, regularization))
        return _one_step(stack, native.step, x, states, regularization)
    if backend == "torch" and stack.weights[0].hr is None:
        return _one_step(stack, lambda *known: aten.step(*known[:-1]), x, states, regularization)
    return _one_step(stack, reference.step, x, states, regularization)


OneStep: TypeAlias = Callable[[CellKind, Tensor, States, Weights, Regularization], States]
"""(kind, x, states, weights, regularization) -> new states"""


def _one_step(
    stack: Stack, one: OneStep, x: Tensor, states: States, regularization: Sequence[Regularization]
) -> tuple[Tensor, States]:
    finals: list[States] = []
    for layer, weights in enumerate(stack.weights):
        old = tuple([state[layer] for state in states])
        finals.append(one(stack.kind, x, old, weights, regularization[layer]))
        x = finals[-1][0]
    return x, _stack_states(finals)


def _stack_states(finals: Sequence[States]) -> States:
    """The states of all layers and directions, (L * D, B, R) each."""
    if len(finals) == 1:
        return tuple([state.unsqueeze(0) for state in finals[0]])
    return tuple(torch.stack(same) for same in zip(*finals, strict=True))

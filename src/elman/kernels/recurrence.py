"""The seam between layers and backends: run a stack, or take one step, wherever `choose` says.

Legend: T time, B batch, I input, L layers, D directions, R output of a direction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from elman.kernels import aten, native, normed, recompute, reference
from elman.kernels.choose import Request, choose
from elman.kernels.kind import CellKind, Noise, States, Weights
from elman.kernels.packing import Packing


class Stack(NamedTuple):
    """What a layer hands to the kernels at every call; nothing of it is kept between calls."""

    kind: CellKind
    weights: Sequence[Weights]  # L * D of them, the directions of a layer side by side
    num_layers: int
    bidirectional: bool
    dropout: float  # between layers, while training
    training: bool
    recompute: bool = False  # keep less for the way back, and run again there


OneDirection: TypeAlias = Callable[[Tensor, States, Weights, bool, Noise], tuple[Tensor, States]]
"""(x, states, weights, reverse, noise) -> outputs, final states"""


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
    match choose(request).backend:
        case "torch":
            run = (
                partial(checkpoint, aten.run, use_reentrant=False) if stack.recompute else aten.run
            )
            return run(
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
        case "native":
            if x.dtype == torch.bfloat16:
                wide = _run_native(*_widened(stack, x, states, noise), lengths)
                return _narrowed(*wide)
            return _run_native(stack, x, states, noise, lengths)
        case "reference":
            return layers(
                stack,
                lambda x, states, weights, reverse, noise: reference.run(
                    stack.kind, x, states, weights, lengths=lengths, reverse=reverse, noise=noise
                ),
                x,
                states,
                noise,
            )


def _run_native(
    stack: Stack, x: Tensor, states: States, noise: Sequence[Noise], lengths: Tensor | None
) -> tuple[Tensor, States]:
    """Pack once, run every layer on packed steps, pad once."""
    steps, batch_size = x.shape[:2]
    masked = stack.training and any(one.zoneout is not None for one in noise)
    kernels = _kernels(stack)
    if steps == 1 and lengths is None and not (stack.bidirectional or masked or stack.dropout):
        y, final = _one_step(stack, kernels.step, x[0], states, noise)
        return y.unsqueeze(0), final
    packing = None if lengths is None else Packing.of(lengths, steps)
    if packing is None:
        packed = x.flatten(0, 1)
    else:
        packed = packing.pack(x)
        states = tuple(state.index_select(1, packing.order) for state in states)
        noise = [one.packed(packing.order, packing.pack) for one in noise]
    sizes = None if packing is None else packing.sizes
    run = recompute.run if stack.recompute else kernels.run
    y, final = layers(
        stack,
        lambda x, states, weights, reverse, noise: run(
            stack.kind, x, states, weights, sizes=sizes, reverse=reverse, noise=noise
        ),
        packed,
        states,
        noise,
    )
    if packing is None:
        return y.view(steps, batch_size, y.shape[-1]), final
    return packing.pad(y, steps), tuple(state.index_select(1, packing.back) for state in final)


def _widened(
    stack: Stack, x: Tensor, states: States, noise: Sequence[Noise]
) -> tuple[Stack, Tensor, States, Sequence[Noise]]:
    """What came in bfloat16 as float32, in which every sum is kept until the last layer's output.

    Between steps and layers nothing is rounded, so the result is nearer to the true one than that
    of a loop in bfloat16.
    """
    weights = [Weights._make([w if w is None else w.float() for w in one]) for one in stack.weights]
    wide = [
        one if one.recurrent is None else replace(one, recurrent=one.recurrent.float())
        for one in noise
    ]
    return stack._replace(weights=weights), x.float(), tuple(h.float() for h in states), wide


def _narrowed(y: Tensor, states: States) -> tuple[Tensor, States]:
    return y.bfloat16(), tuple(state.bfloat16() for state in states)


def _kernels(stack: Stack) -> ModuleType:
    return native if stack.weights[0].norm_hh is None else normed


def layers(
    stack: Stack, one: OneDirection, x: Tensor, states: States, noise: Sequence[Noise]
) -> tuple[Tensor, States]:
    """Layer by layer, each direction by `one`, the states laid side by side."""
    directions = 2 if stack.bidirectional else 1
    finals: list[States] = []
    for layer in range(stack.num_layers):
        if layer and stack.dropout:
            x = functional.dropout(x, stack.dropout, stack.training)
        outputs = []
        for direction in range(directions):
            place = layer * directions + direction
            begin = tuple(state[place] for state in states)
            y, last = one(x, begin, stack.weights[place], direction == 1, noise[place])
            outputs.append(y)
            finals.append(last)
        x = torch.cat(outputs, -1) if stack.bidirectional else outputs[0]
    return x, _side_by_side(finals)


def step(
    stack: Stack, request: Request, x: Tensor, states: States, *, noise: Sequence[Noise]
) -> tuple[Tensor, States]:
    """One turn of the loop through all layers: x (B, I), states (L, B, R) -> y (B, R), states."""
    backend = choose(request).backend
    if backend == "native":
        if x.dtype == torch.bfloat16:
            stack, x, states, noise = _widened(stack, x, states, noise)
            return _narrowed(*_one_step(stack, _kernels(stack).step, x, states, noise))
        return _one_step(stack, _kernels(stack).step, x, states, noise)
    if backend == "torch" and stack.weights[0].hr is None:
        return _one_step(stack, lambda *known: aten.step(*known[:-1]), x, states, noise)
    return _one_step(stack, reference.step, x, states, noise)


OneStep: TypeAlias = Callable[[CellKind, Tensor, States, Weights, Noise], States]
"""(kind, x, states, weights, noise) -> new states"""


def _one_step(
    stack: Stack, one: OneStep, x: Tensor, states: States, noise: Sequence[Noise]
) -> tuple[Tensor, States]:
    finals: list[States] = []
    for layer, weights in enumerate(stack.weights):
        old = tuple([state[layer] for state in states])
        finals.append(one(stack.kind, x, old, weights, noise[layer]))
        x = finals[-1][0]
    return x, _side_by_side(finals)


def _side_by_side(finals: Sequence[States]) -> States:
    """The states of all layers and directions, (L * D, B, R) each."""
    if len(finals) == 1:
        return tuple([state.unsqueeze(0) for state in finals[0]])
    return tuple(torch.stack(same) for same in zip(*finals, strict=True))

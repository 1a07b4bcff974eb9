"""The native backend in less memory: saves only outputs and a few states for the backward pass.

The sequence is cut into segments; the backward pass runs each again and saves its gates.
Source: Chen et al. 2016, arXiv:1604.06174. Legend: as in native.py.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from elman.kernels import layer_norm, native
from elman.kernels.kind import CellKind, Regularization, States, Weights

SEGMENTS = 8
"""Gates take about six times the memory of outputs, so an eighth of them takes less."""


def run(
    kind: CellKind,
    x: Tensor,
    states: States,
    weights: Weights,
    *,
    sizes: Tensor | None,
    reverse: bool,
    regularization: Regularization,
) -> tuple[Tensor, States]:
    """`native.run` or `layer_norm.run`, with the same outputs and gradients."""
    run_part = native.run if weights.norm_hh is None else layer_norm.run
    if kind.gates == 1 and run_part is native.run and regularization.zoneout is None:
        # Such a cell saves only its outputs anyway.
        return run_part(
            kind, x, states, weights, sizes=sizes, reverse=reverse, regularization=regularization
        )
    batch = len(states[0])
    if sizes is None:
        sizes = torch.full((len(x) // batch if batch else 0,), batch)
    ends = [0, *sizes.cumsum(0).tolist()]
    steps = len(sizes)
    cuts = sorted({steps * part // SEGMENTS for part in range(SEGMENTS + 1)})
    segments = list(pairwise(cuts))
    if not segments:
        return run_part(
            kind, x, states, weights, sizes=sizes, reverse=reverse, regularization=regularization
        )
    outputs: list[Tensor] = [x] * len(segments)
    order = range(len(segments))
    for place in reversed(order) if reverse else order:
        begin, end = segments[place]
        rows = slice(ends[begin], ends[end])
        outputs[place], states = checkpoint(
            run_part,
            kind,
            x[rows],
            states,
            weights,
            sizes=sizes[begin:end],
            reverse=reverse,
            regularization=regularization.over(rows),
            use_reentrant=False,
            preserve_rng_state=False,
        )
    return torch.cat(outputs), states

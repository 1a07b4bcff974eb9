"""The native backend in less memory: saves only outputs and a few states for the backward pass.

The sequence is cut into segments; the backward pass runs each again and saves its gates.
Source: Chen et al. 2016, arXiv:1604.06174. Legend: as in native.py.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from elman.kernels import native
from elman.kernels.kind import CellKind, Regularization, States, Weights

SEGMENTS = 8
"""Gates take about six times the memory of outputs, so an eighth of them takes less."""


def run(
    kind: CellKind,
    x: Tensor,
    states: States,
    weights: Weights,
    reverse: bool,
    regularization: Regularization,
    *,
    sizes: Tensor | None,
) -> tuple[Tensor, States]:
    """`native.run`, with the same outputs and gradients."""
    batch = len(states[0])
    steps = len(sizes) if sizes is not None else len(x) // batch if batch else 0
    # A cell without gates saves only its outputs anyway.
    plain = kind.gates == 1 and weights.norm_hh is None and regularization.zoneout is None
    if plain or not steps:
        return native.run(kind, x, states, weights, reverse, regularization, sizes=sizes)
    if sizes is None:
        sizes = torch.full((steps,), batch)
    ends = [0, *sizes.cumsum(0).tolist()]
    cuts = sorted({steps * part // SEGMENTS for part in range(SEGMENTS + 1)})
    segments = list(pairwise(cuts))
    outputs: list[Tensor] = [x] * len(segments)
    order = range(len(segments))
    for place in reversed(order) if reverse else order:
        begin, end = segments[place]
        rows = slice(ends[begin], ends[end])
        outputs[place], states = checkpoint(
            native.run,
            kind,
            x[rows],
            states,
            weights,
            reverse,
            regularization.over(rows),
            sizes=sizes[begin:end],
            use_reentrant=False,
            preserve_rng_state=False,
        )
    return torch.cat(outputs), states

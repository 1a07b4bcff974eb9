"""The native backend in less memory: only the outputs and a few states are kept for the way back.

The sequence is cut into segments; each is run again, its gates kept this time, when the way back
comes to it. Source: Chen et al. 2016, arXiv:1604.06174. Legend: as in native.py.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from elman.kernels import native, normed
from elman.kernels.kind import CellKind, Noise, States, Weights

SEGMENTS = 8
"""Gates fill about six times what outputs do, so an eighth of them is less than the outputs."""


def run(
    kind: CellKind,
    x: Tensor,
    states: States,
    weights: Weights,
    *,
    sizes: Tensor | None,
    reverse: bool,
    noise: Noise,
) -> tuple[Tensor, States]:
    """What `native.run`, or with layer normalization `normed.run`, gives; the same gradients."""
    run_part = native.run if weights.norm_hh is None else normed.run
    if kind.gates == 1 and run_part is native.run and noise.zoneout is None:
        # The outputs are all that such a cell keeps, so there is nothing to save.
        return run_part(kind, x, states, weights, sizes=sizes, reverse=reverse, noise=noise)
    batch = len(states[0])
    if sizes is None:
        sizes = torch.full((len(x) // batch if batch else 0,), batch)
    ends = [0, *sizes.cumsum(0).tolist()]
    steps = len(sizes)
    cuts = sorted({steps * part // SEGMENTS for part in range(SEGMENTS + 1)})
    segments = list(pairwise(cuts))
    if not segments:
        return run_part(kind, x, states, weights, sizes=sizes, reverse=reverse, noise=noise)
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
            noise=noise.over(rows),
            use_reentrant=False,
            preserve_rng_state=False,
        )
    return torch.cat(outputs), states

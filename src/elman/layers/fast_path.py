"""A layer in one operator's call: for streams and small networks, whose steps take microseconds.

Legend: T time, B batch, I input, H hidden, L layers, R output.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn

from elman.kernels import fused_stack as whole
from elman.kernels.choose import is_native
from elman.kernels.kind import CellKind, States
from elman.layers.state import HX, TORCHS, State, as_states


class Layer(Protocol):
    """The part of a stack that this depends on."""

    kind: CellKind
    num_layers: int
    bidirectional: bool
    layer_norm: bool
    learn_initial_state: bool
    dropout: float
    weight_dropout: float
    zoneout: tuple[float, ...]
    recompute: bool
    parameter_names: tuple[str, ...]
    training: bool
    _parameters: dict[str, nn.Parameter | None]

    @property
    def _noisy(self) -> bool: ...


def directly(layer: Layer, x: Tensor, hx: HX | State | None) -> tuple[Tensor, States] | None:
    """What `layer` makes of x (T, B, I), or one step (B, I), from `hx` on; None: go the long way.

    The outputs and the final states (L, B, …). The operator checks what it is given, and nothing is
    checked before: whatever it refuses goes the long way too, which says in torch's words what is
    wrong. So does all that is more than the kernels' plain layers, and weights that are not
    contiguous, which pay for the refusal at every call.
    """
    if (
        layer.bidirectional
        or layer.layer_norm
        or torch.compiler.is_compiling()
        or not is_native(x)
        or (layer.training and (layer._noisy or layer.dropout or layer.weight_dropout))
    ):
        return None
    parameters, kind = layer._parameters, layer.kind
    if tuple(parameters) != layer.parameter_names:  # parametrized, pruned, or put in another order
        return None
    weights: list[Any] = list(parameters.values())
    states: States = ()
    if hx is None:
        if layer.learn_initial_state:
            return None
    else:
        # Asked in this order since `isinstance` of a Mapping, as a State is, takes microseconds.
        if isinstance(hx, TORCHS) or not isinstance(hx, State):
            states = as_states(hx)
        else:
            states = hx.named(kind.state_names) if hx.batch_stands_on(1) else ()
        if len(states) != len(kind.state_names):
            return None
    if layer.learn_initial_state:
        del weights[-len(kind.state_names) :]
    given = (x, *states, *weights)
    keep = torch.is_grad_enabled() and any(getattr(t, "requires_grad", False) for t in given)
    if keep and (
        any(layer.zoneout)
        # A cell without gates keeps its outputs alone, of which this saves nothing.
        or (layer.recompute and kind.gates > 1)
        or not all(isinstance(state, Tensor) for state in states)
    ):
        return None
    try:
        if keep:
            return whole.train(kind, layer.num_layers, x, states, weights)
        return whole.run(kind, layer.num_layers, x, states, weights, layer.zoneout)
    except RuntimeError:
        return None

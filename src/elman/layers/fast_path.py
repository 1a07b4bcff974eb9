"""All layers in one call of an operator, for streams and small networks with steps of microseconds.

Legend: T time, B batch, I input, H hidden, L layers, R output.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor

from elman.kernels import fused_stack
from elman.kernels.choose import is_native
from elman.kernels.kind import States
from elman.layers.parameters import StackParameters
from elman.layers.state import HX, HX_TYPES, State, as_states

Call: TypeAlias = tuple[States, list[Any], bool]
"""States, weights, and whether gradients are needed."""


def call_of(layer: StackParameters, x: Tensor, hx: HX | State | None) -> Call | str:
    """The fused call that computes `layer` over x (T, B, I), or one step (B, I), from `hx`.

    A string says why there is none. Shapes are left to the operator, since each check here would
    take a few percent of a step.
    """
    if layer.bidirectional:
        return "the layer is bidirectional"
    if layer.layer_norm:
        return "layer normalization has a kernel of its own"
    if torch.compiler.is_compiling():
        return "torch.compile traces layer by layer"
    if not is_native(x):
        return "the native backend does not serve this input"
    if layer.training and (layer.regularized or layer.dropout or layer.weight_dropout):
        return "masks are drawn in training"
    parameters, kind = layer._parameters, layer.kind
    if tuple(parameters) != layer.parameter_names:
        return "the parameters are parametrized, pruned or in another order"
    weights: list[Any] = list(parameters.values())
    states: States = ()
    if hx is None:
        if layer.learn_initial_state:
            return "the initial state is learned"
    else:
        # In this order, since `isinstance` of a Mapping, such as State, takes microseconds.
        if isinstance(hx, HX_TYPES) or not isinstance(hx, State):
            states = as_states(hx)
        elif hx.has_batch_on(1):
            states = hx.tensors_of(kind.state_names)
        if len(states) != len(kind.state_names):
            return "the state is not one of this layer"
    if layer.learn_initial_state:
        del weights[-len(kind.state_names) :]
    for weight in weights:
        if weight is None or not weight.is_contiguous():
            return "the weights are not contiguous"
    given = (x, *states, *weights)
    differentiable = torch.is_grad_enabled() and any(
        isinstance(t, Tensor) and t.requires_grad for t in given
    )
    if differentiable and not all(isinstance(state, Tensor) for state in states):
        return "the state is not of tensors"
    if differentiable and any(layer.zoneout):
        return "zoneout is differentiated layer by layer"
    # A cell without gates saves only its outputs anyway.
    if differentiable and layer.recompute and kind.gates > 1:
        return "recompute saves less than the fused stack"
    return states, weights, differentiable


def run(
    layer: StackParameters,
    x: Tensor,
    hx: HX | State | None,
    check: Callable[[Tensor, Any], object],
) -> tuple[Tensor, States] | None:
    """The outputs and final states (L, B, …) of `call_of`, or None where there is no such call.

    `check` is called with `x` and `hx` where the operator refuses them, to raise torch's error for
    wrong shapes. What remains is an error of the operator.
    """
    call = call_of(layer, x, hx)
    if isinstance(call, str):
        return None
    states, weights, differentiable = call
    try:
        if differentiable:
            return fused_stack.run_differentiable(layer.kind, layer.num_layers, x, states, weights)
        return fused_stack.run(layer.kind, layer.num_layers, x, states, weights, layer.zoneout)
    except RuntimeError:
        check(x, hx)
        raise

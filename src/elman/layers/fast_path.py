"""All layers in one call of an operator, for streams and small networks with steps of microseconds.

Legend: T time, B batch, I input, H hidden, L layers, R output.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from elman.kernels import fused_stack
from elman.kernels.choose import is_native
from elman.kernels.kind import States
from elman.layers.parameters import StackParameters
from elman.layers.state import HX, HX_TYPES, State, as_states


class Call(NamedTuple):
    """The arguments of one call of the operator."""

    states: States
    weights: list[Any]
    differentiable: bool


def call_of(layer: StackParameters, x: Tensor, hx: HX | State | None) -> Call | str:
    """The fused call that computes `layer` over x (T, B, I), or one step (B, I), from `hx`.

    A string says why there is none. Input and states of a wrong shape are refused here, and the
    slow path raises torch's errors for them; what the operator itself raises is not caught.
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
    shape = x.shape
    if shape[-1] != layer.input_size or (not shape[0] and len(shape) == 3):
        return f"the input has shape {tuple(shape)}"
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
        if not _fit(states, layer, shape[-2]):
            return "the state does not have the layer's shapes"
    if layer.learn_initial_state:
        del weights[-len(kind.state_names) :]
    for weight in weights:
        if weight is None or not weight.is_contiguous():
            return "the weights are not contiguous"
    if weights[0].dtype is not torch.float32:
        return "the weights are not float32"
    given = (x, *states, *weights)
    differentiable = torch.is_grad_enabled() and any(t.requires_grad for t in given)
    if differentiable and any(layer.zoneout):
        return "zoneout is differentiated layer by layer"
    # A cell without gates saves only its outputs anyway.
    if differentiable and layer.recompute and kind.gates > 1:
        return "recompute saves less than the fused stack"
    return Call(states, weights, differentiable)


def _fit(states: States, layer: StackParameters, batch_size: int) -> bool:
    widths = layer.state_widths
    if len(states) != len(widths):
        return False
    given: tuple[object, ...] = states  # torch's form may hold anything
    for state, width in zip(given, widths, strict=True):
        if not isinstance(state, Tensor) or state.shape != (layer.num_layers, batch_size, width):
            return False
    return True


def run(layer: StackParameters, x: Tensor, hx: HX | State | None) -> tuple[Tensor, States] | None:
    """The outputs and final states (L, B, …) of `call_of`, or None where there is no such call."""
    call = call_of(layer, x, hx)
    if isinstance(call, str):
        return None
    states, weights, differentiable = call
    if differentiable:
        return fused_stack.run_differentiable(layer.kind, layer.num_layers, x, states, weights)
    return fused_stack.run(layer.kind, layer.num_layers, x, states, weights, layer.zoneout)

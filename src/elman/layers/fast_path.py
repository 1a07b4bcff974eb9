"""All layers in one call of an operator, for streams and small networks with steps of microseconds.

Legend: T time, B batch, I input, H hidden, L layers, R output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

_split_copy: Any = torch.split_copy  # whose type says that it returns nothing


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


def run_layers(
    layers: Sequence[Any], x: Tensor, states: Sequence[Sequence[Tensor]]
) -> tuple[Tensor, list[States]] | None:
    """Plain layers, each reading the outputs of the one below, in one call without gradients.

    None where they are no such layers: of several kinds or widths, regularized, watched, or hooked.

    Shapes are left to the operator; where it refuses them, torch's error is raised as in `run`.

    Args:
        layers: built-in ones, of one layer each.
        x: (T, B, I).
        states: of each layer, its tensors (1, B, …).

    Returns:
        The outputs, and the final states of each layer, which share no memory.
    """
    first = layers[0]
    if torch.is_grad_enabled() or not is_native(x) or torch.compiler.is_compiling():
        return None
    kind, hidden, names = first.kind, first.hidden_size, first.parameter_names
    weights: list[Any] = []
    for layer in layers:
        own, parameters = layer.__dict__, layer._parameters
        if (
            layer.kind is not kind
            or layer.hidden_size != hidden
            or layer.num_layers != 1
            or layer.proj_size
            or layer.bidirectional
            or layer.layer_norm
            or layer.learn_initial_state
            or any(layer.zoneout)
            or (layer.training and (layer.regularized or layer.weight_dropout))
            or "_fast_path" in own
            or "forward" in own
            or "step" in own
            or layer._forward_hooks
            or layer._forward_pre_hooks
            or (layer is not first and layer.input_size != hidden)
            or tuple(parameters) != names
            or layer.parameter_names != names
        ):
            return None
        weights += parameters.values()
    for weight in weights:
        if weight is None or not weight.is_contiguous():
            return None
    try:
        entering = tuple([torch.cat(each) for each in zip(*states, strict=True)])
        y, after = fused_stack.run(kind, len(layers), x, entering, weights, first.zoneout)
    except RuntimeError:
        read = x
        for layer, state in zip(layers, states, strict=True):
            layer._check(read, tuple(state))
            read = x.new_empty(*x.shape[:-1], hidden)
        raise
    # Copies, since views of one tensor could not be saved side by side.
    separate = [_split_copy(each, 1) for each in after]
    return y, list(zip(*separate, strict=True))

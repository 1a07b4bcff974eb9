"""The parameters of a stack: their names, which are torch's, their shapes and where they start.

Legend: I input, H hidden, G gates, L layers, D directions, R output of a direction.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import nn

from elman.kernels.kind import CellKind, Weights
from elman.layers import initialize
from elman.layers.initialize import Start


class HasParameters(Protocol):
    """The part of a stack that its parameters depend on."""

    kind: CellKind
    keep_gate: int | None
    input_size: int
    hidden_size: int
    proj_size: int
    bias: bool
    layer_norm: bool
    learn_initial_state: bool
    init: Start
    forget_bias: float | None
    chrono: float | None
    parameter_names: tuple[str, ...]
    _parameters: dict[str, nn.Parameter | None]

    @property
    def suffixes(self) -> list[str]: ...

    @property
    def num_directions(self) -> int: ...

    @property
    def output_size(self) -> int: ...

    @property
    def state_widths(self) -> tuple[int, ...]: ...

    def register_parameter(self, name: str, param: nn.Parameter | None) -> None: ...


def register(
    layer: HasParameters, device: torch.device | str | None, dtype: torch.dtype | None
) -> None:
    """Give `layer` its parameters, torch's first and in torch's order, so seeds agree too."""
    gates = layer.kind.gates * layer.hidden_size

    def add(name: str, *shape: int) -> None:
        empty = torch.empty(shape, device=device, dtype=dtype)
        layer.register_parameter(name, nn.Parameter(empty))

    for place, suffix in enumerate(layer.suffixes):
        below = layer.output_size * layer.num_directions
        add(
            f"weight_ih{suffix}", gates, layer.input_size if place < layer.num_directions else below
        )
        add(f"weight_hh{suffix}", gates, layer.output_size)
        if layer.bias:
            add(f"bias_ih{suffix}", gates)
            add(f"bias_hh{suffix}", gates)
        if layer.proj_size:
            add(f"weight_hr{suffix}", layer.proj_size, layer.hidden_size)
    for suffix in layer.suffixes if layer.layer_norm else ():
        add(f"norm_ih{suffix}", gates)
        add(f"norm_hh{suffix}", gates)
        if "c" in layer.kind.state_names:
            add(f"norm_c{suffix}", layer.hidden_size)
            add(f"norm_c_bias{suffix}", layer.hidden_size)
    if layer.learn_initial_state:
        for name, width in zip(layer.kind.state_names, layer.state_widths, strict=True):
            add(f"initial_{name}", len(layer.suffixes), width)
    layer.parameter_names = tuple(layer._parameters)


def weights(layer: HasParameters, suffix: str) -> Weights:
    """The weights of one layer and direction as the kernels take them.

    Looked up at every call, since anybody may have put others in their place.
    """
    bias_ih = bias_hh = None
    if layer.bias:
        bias_ih, bias_hh = getattr(layer, "bias_ih" + suffix), getattr(layer, "bias_hh" + suffix)
    found = Weights(
        getattr(layer, "weight_ih" + suffix), getattr(layer, "weight_hh" + suffix), bias_ih, bias_hh
    )
    if layer.proj_size:
        found = found._replace(hr=getattr(layer, "weight_hr" + suffix))
    if layer.layer_norm:
        names = ("norm_ih", "norm_hh", "norm_c", "norm_c_bias")
        count = 4 if "c" in layer.kind.state_names else 2
        found = found._replace(**{name: getattr(layer, name + suffix) for name in names[:count]})
    return found


def reset(layer: HasParameters) -> None:
    """Draw the weights anew; gains start at 1, shifts and learned initial states at 0."""
    stack = [weights(layer, suffix) for suffix in layer.suffixes]
    for one in stack:
        drawn = (one.ih, one.hh, one.bias_ih, one.bias_hh, one.hr)
        initialize.uniform((tensor for tensor in drawn if tensor is not None), layer.hidden_size)
    for one in stack:
        for gain in (one.norm_ih, one.norm_hh, one.norm_c):
            if gain is not None:
                nn.init.ones_(gain)
        if one.norm_c_bias is not None:
            nn.init.zeros_(one.norm_c_bias)
        if layer.init == "orthogonal":
            initialize.orthogonal(one.hh, layer.kind.gates)
        elif layer.init == "identity":
            initialize.identity(one.ih, one.hh, (one.bias_ih, one.bias_hh))
        if layer.forget_bias is None and layer.chrono is None:
            continue
        gates, keep = layer.kind.gates, layer.keep_gate
        assert keep is not None
        assert one.bias_ih is not None
        assert one.bias_hh is not None
        if layer.forget_bias is not None:
            initialize.gate_bias(one.bias_ih, one.bias_hh, keep, gates, layer.forget_bias)
        if layer.chrono is not None:
            # An LSTM lets in by its first gate, i; a GRU by what z leaves.
            write = 0 if "c" in layer.kind.state_names else None
            initialize.chrono(one.bias_ih, one.bias_hh, gates, keep, write, layer.chrono)
    if layer.learn_initial_state:
        for name in layer.kind.state_names:
            nn.init.zeros_(getattr(layer, f"initial_{name}"))

"""A recurrent layer of torch.nn as one of ours, or the reverse, with the same parameters."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

_SHARED = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "bidirectional")
_TORCH_LACKS = (
    *("layer_norm", "zoneout", "recurrent_dropout", "weight_dropout", "learn_initial_state"),
)
_REGISTRIES = set(vars(nn.Module())) - {"_parameters", "training"}
"""What every module keeps: buffers, submodules and hooks."""


def as_torch(layer: nn.Module, name: str = "") -> nn.Module:
    """The layer of torch.nn that computes the same; `name` is for the error.

    Raises:
        ValueError: options that torch does not have.
    """
    lacking = lacks(layer)
    if lacking:
        raise ValueError(f"{name or 'the layer'}: torch.nn has no {', no '.join(lacking)}")
    kind: type[nn.Module] = getattr(nn, str(layer.mode).partition("_")[0])
    return rebuilt(layer, kind)


def lacks(layer: nn.Module) -> list[str]:
    """The options in use that torch.nn's layers don't have."""
    used = {name: getattr(layer, name) for name in _TORCH_LACKS}
    used["zoneout"] = any(layer.zoneout)  # type: ignore[arg-type]
    return [option for option in _TORCH_LACKS if used[option]]


def rebuilt(layer: nn.Module, kind: type[nn.Module]) -> nn.Module:
    """A layer of class `kind` with the parameters, buffers, submodules and hooks of `layer`."""
    new, plain = same_shape(layer, kind), same_shape(layer, type(layer))
    for name, parameter in layer.named_parameters(recurse=False):
        setattr(new, name, parameter)
    for name, value in vars(layer).items():
        # What people have added, and the very dictionaries of hooks, so that the handles that they
        # hold work on the new layer.
        if name not in vars(plain) or name in _REGISTRIES:
            object.__setattr__(new, name, value)
    return new


def same_shape(layer: nn.Module, kind: type[nn.Module]) -> nn.Module:
    """A layer of class `kind` with the options of `layer`, and parameters that hold nothing yet."""
    options: dict[str, Any] = {name: getattr(layer, name) for name in _SHARED}
    mode = str(layer.mode)
    if mode.startswith("RNN"):
        options["nonlinearity"] = layer.nonlinearity
    if mode == "LSTM":
        options["proj_size"] = layer.proj_size
    # On the meta device nothing is allocated or drawn.
    new = kind(**options, device=torch.device("meta"))
    # After construction, since torch warns of a dropout that has no layer to act on.
    new.dropout = layer.dropout
    return new.train(layer.training)

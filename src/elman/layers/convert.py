"""torch's recurrent layers inside any model swapped for ours, and back, weights shared."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import torch
from torch import nn

from elman.layers.gru import GRU
from elman.layers.lstm import LSTM
from elman.layers.rnn import RNN
from elman.layers.stack import RecurrentStack

_PAIRS: dict[type[Any], type[Any]] = {nn.RNN: RNN, nn.GRU: GRU, nn.LSTM: LSTM}
_HOOKS = (
    *("_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called"),
    *("_forward_pre_hooks", "_forward_pre_hooks_with_kwargs"),
    *("_backward_hooks", "_backward_pre_hooks", "_is_full_backward_hook"),
)


def convert(module: nn.Module, to: Literal["elman", "torch"] = "elman") -> nn.Module:
    """Swap every recurrent layer inside `module`, in place; the parameters stay the same objects.

    Layers are matched by exact type. Subclasses, which may compute something else, and layers with
    other parameters than torch gave them (pruned, weight-normed) are left as they are and listed in
    a warning.

    Args:
        module: any model. If it is itself a recurrent layer, its replacement is returned.
        to: "elman" to convert layers of torch.nn to ours, "torch" for the reverse.

    Returns:
        `module`, or its replacement.

    Raises:
        ValueError: converting to torch, a layer with options that torch does not have; nothing is
            swapped then.
    """
    if to not in ("elman", "torch"):
        raise ValueError(f'to should be "elman" or "torch", got {to!r}')
    table = _PAIRS if to == "elman" else {ours: theirs for theirs, ours in _PAIRS.items()}
    found = dict(module.named_modules(remove_duplicate=True))
    if to == "torch":
        for name, layer in found.items():
            if isinstance(layer, RecurrentStack):
                _refuse_what_torch_lacks(name, layer)
    left = [
        f"{name or 'the module itself'} ({type(layer).__name__})"
        for name, layer in found.items()
        if isinstance(layer, tuple(table)) and not _fits(layer, table)
    ]
    swapped = {
        layer: _rebuilt(layer, table[type(layer)])
        for layer in found.values()
        if _fits(layer, table)
    }
    for parent in found.values():
        # Not named_children, which tells of a layer once though it may hang under two names.
        for name, child in list(parent._modules.items()):
            if child in swapped:
                setattr(parent, name, swapped[child])
    if left:
        warnings.warn(
            f"left as they are, for their class or their parameters: {', '.join(left)}",
            stacklevel=2,
        )
    return swapped.get(module, module)


def _fits(layer: object, table: dict[type[Any], type[Any]]) -> bool:
    """Whether it is of a type to swap, with just the parameters of that type."""
    if type(layer) not in table:
        return False
    if isinstance(layer, RecurrentStack):
        names = layer.parameter_names
    else:
        assert isinstance(layer, nn.RNNBase)
        names = tuple(layer._flat_weights_names)
    return {name for name, p in layer._parameters.items() if p is not None} == set(names)


def _refuse_what_torch_lacks(name: str, layer: RecurrentStack) -> None:
    has = {
        "layer_norm": layer.layer_norm,
        "zoneout": any(layer.zoneout),
        "recurrent_dropout": layer.recurrent_dropout > 0,
        "weight_dropout": layer.weight_dropout > 0,
        "learn_initial_state": layer.learn_initial_state,
    }
    lacking = [option for option, used in has.items() if used]
    if lacking:
        raise ValueError(f"{name or 'the layer'}: torch.nn has no {', no '.join(lacking)}")


def _rebuilt(layer: nn.Module, kind: type[nn.Module]) -> nn.Module:
    options = {
        name: getattr(layer, name)
        for name in ("input_size", "hidden_size", "num_layers", "bias", "batch_first")
    }
    options["bidirectional"] = layer.bidirectional
    if isinstance(layer, nn.RNN | RNN):
        options["nonlinearity"] = layer.nonlinearity
    if isinstance(layer, nn.LSTM | LSTM):
        options["proj_size"] = layer.proj_size
    # On the meta device nothing is allocated or drawn: the parameters are the old ones.
    new = kind(**options, device=torch.device("meta"))
    # After construction, since torch warns of a dropout that has no layer to act on.
    new.dropout = layer.dropout
    for name, parameter in layer.named_parameters(recurse=False):
        setattr(new, name, parameter)
    new.train(layer.training)
    # The very dictionaries, so that the handles that people hold work on the new layer.
    for hooks in _HOOKS:
        setattr(new, hooks, getattr(layer, hooks))
    return new

"""torch's recurrent layers inside any model swapped for ours, and back, weights shared."""

from __future__ import annotations

import warnings
from typing import Any, Literal

from torch import nn
from torch.nn.utils import parametrize

from elman.layers.gru import GRU
from elman.layers.lstm import LSTM
from elman.layers.rebuild import lacks, rebuilt, same_shape
from elman.layers.rnn import RNN
from elman.layers.stack import RecurrentStack

_PAIRS: dict[type[Any], type[Any]] = {nn.RNN: RNN, nn.GRU: GRU, nn.LSTM: LSTM}


def convert(module: nn.Module, to: Literal["elman", "torch"] = "elman") -> nn.Module:
    """Swap every recurrent layer inside `module`, in place; the parameters stay the same objects.

    Layers are matched by exact type. Subclasses, which may compute something else, layers with
    other parameters than torch gave them (pruned, weight-normed) and those whose ``forward`` has
    been replaced are left as they are and listed in a warning. Buffers, submodules, hooks and
    attributes that a layer has been given go along.

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
            if isinstance(layer, RecurrentStack) and (lacking := lacks(layer)):
                raise ValueError(f"{name or 'the layer'}: torch.nn has no {', no '.join(lacking)}")
    left = [
        f"{name or 'the module itself'} ({type(layer).__name__})"
        for name, layer in found.items()
        if isinstance(layer, tuple(table)) and not _fits(layer, table)
    ]
    swapped = {
        layer: rebuilt(layer, table[type(layer)]) for layer in found.values() if _fits(layer, table)
    }
    for parent in found.values():
        # Not named_children, which tells of a layer once though it may hang under two names.
        for name, child in list(parent._modules.items()):
            if child in swapped:
                setattr(parent, name, swapped[child])
    if left:
        warnings.warn(
            f"left as they are, for their class, parameters or replaced forward: {', '.join(left)}",
            stacklevel=2,
        )
    return swapped.get(module, module)


def as_ours(layer: nn.Module) -> RecurrentStack:
    """Our layer of the shape of one of torch.nn's, parametrized or not, without its weights."""
    found = same_shape(layer, _PAIRS[parametrize.type_before_parametrizations(layer)])
    assert isinstance(found, RecurrentStack)
    return found


def _fits(layer: object, table: dict[type[Any], type[Any]]) -> bool:
    """Whether it is of a type to swap, with the parameters and the ``forward`` of that type."""
    if type(layer) not in table or "forward" in vars(layer):
        return False
    if isinstance(layer, RecurrentStack):
        names = layer.parameter_names
    else:
        assert isinstance(layer, nn.RNNBase)
        names = tuple(layer._flat_weights_names)
    return {name for name, p in layer._parameters.items() if p is not None} == set(names)

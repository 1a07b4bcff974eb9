"""Trees of plain values and tensors as one safetensors file.

Nothing is pickled: the tensors are safetensors' own, and the shape of the tree is JSON in the
file's metadata, behind the file's seal (see `elman.checksums`). A tensor that occurs more than once
(a tied weight) is stored once and is one tensor again after loading. Files are replaced atomically.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from elman.checksums import RESTORE, SEAL, damaged, is_file_intact, seal_file
from elman.errors import InputError
from elman.files import safetensors_path
from elman.parse import parse_json

Tree: TypeAlias = Any
"""Any nest of dict (keys str or int), list, tuple, str, int, float, bool, None and Tensor."""

_KEY = "elman.tree"


def save_tree(path: Path, tree: Tree) -> None:
    """Write `tree` to `path`, atomically.

    A tensor is named after its place in the tree, so a flat dict of tensors, such as a
    `state_dict`, is a file that any reader of safetensors understands.
    """
    tensors: dict[str, Tensor] = {}
    skeleton = _describe(tree, "", tensors, {})
    header = {_KEY: json.dumps([SEAL, skeleton], allow_nan=False, separators=(",", ":"))}
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    with safetensors_path(path, size) as temporary:
        save_file(tensors, temporary, header)
        seal_file(temporary)


def load_tree(path: Path, remedy: str = RESTORE) -> Tree:
    """Read what `save_tree` wrote, on the CPU.

    Raises:
        InputError: there is no such file, it is damaged or something else.
    """
    try:
        if not is_file_intact(path):
            raise damaged(path, remedy)
        with safe_open(path, "pt") as file:
            _, skeleton = parse_json((file.metadata() or {})[_KEY])
            # Cloned because safetensors maps the file, which later checkpoints will delete.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        return _build(skeleton, tensors)
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file") from error
    except KeyError as error:
        raise InputError(f"{path}: not a checkpoint of elman, {error} is missing") from error
    except InputError:
        raise
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be read ({error}); it is damaged or no checkpoint, use another"
        ) from error


def save_model(path: Path, model: nn.Module) -> None:
    """Write the weights of `model`, atomically; tied weights once."""
    save_tree(path, model.state_dict())


def load_model(path: Path, model: nn.Module) -> None:
    """Put the weights that `save_model` wrote into `model`."""
    load_weights(model, load_tree(path), path)


def load_weights(model: nn.Module, weights: Any, path: Path) -> None:
    """Put a state dict that was read from `path` into `model`.

    Raises:
        InputError: names the first tensor that is not the model's or holds what is no number.
    """
    if (reason := _unlike(model.state_dict(), weights)) is not None:
        raise InputError(f"{path}: {reason}; {RESTORE}")
    try:
        model.load_state_dict(weights)
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"{path}: the weights of another model ({reason})") from error


def _unlike(own: Mapping[str, Tensor], weights: Any) -> str | None:
    """Why `weights` are none of a model whose state dict is `own`; None where they are."""
    if not isinstance(weights, Mapping):
        return f"the weights of another model (expected tensors, got {type(weights).__name__})"
    for name, tensor in own.items():
        given = weights.get(name)
        if not isinstance(given, Tensor):
            what = "is missing" if given is None else f"is {type(given).__name__}, no tensor"
            return f"the weights of another model ({name} {what})"
        if given.shape != tensor.shape:
            shapes = f"has the shape {tuple(given.shape)}, expected {tuple(tensor.shape)}"
            return f"the weights of another model ({name} {shapes})"
        if given.dtype != tensor.dtype:
            return f"the tensor {name} is of {given.dtype}, expected {tensor.dtype}"
        if tensor.is_floating_point() and not bool(given.isfinite().all()):
            return f"the tensor {name} holds NaN or infinity, which no trained weight is"
    for name in weights:
        if name not in own:
            return f"the weights of another model ({name} is too much)"
    first: dict[tuple[int, torch.Size], str] = {}
    for name, tensor in own.items():
        place = (tensor.data_ptr(), tensor.shape)
        other = first.setdefault(place, name) if tensor.numel() else name
        if other != name and not torch.equal(weights[name], weights[other]):
            return f"the weights of another model ({name} differs from {other}, tied to it)"
    return None


def _describe(tree: Tree, name: str, tensors: dict[str, Tensor], names: dict[Any, str]) -> Any:
    """The JSON of `tree`; its tensors go to `tensors`. `names` knows those already met."""
    if tree is None or isinstance(tree, bool | int | str):
        return tree
    if isinstance(tree, float):
        return tree if math.isfinite(tree) else {"float": str(tree)}
    if isinstance(tree, Tensor):
        return {"tensor": _register(tree, name, tensors, names)}
    if isinstance(tree, dict):
        pairs = []
        for key, value in tree.items():
            if type(key) not in (str, int):
                raise TypeError(f"{name or 'the tree'}: a key must be str or int, got {key!r}")
            pairs.append([key, _describe(value, _join(name, key), tensors, names)])
        return {"dict": pairs}
    if isinstance(tree, list | tuple):
        kind = "list" if isinstance(tree, list) else "tuple"
        return {kind: [_describe(v, _join(name, i), tensors, names) for i, v in enumerate(tree)]}
    raise TypeError(f"{name or 'the tree'}: cannot save a {type(tree).__name__}")


def _join(name: str, key: str | int) -> str:
    return f"{name}.{key}" if name else str(key)


def _register(tensor: Tensor, name: str, tensors: dict[str, Tensor], names: dict[Any, str]) -> str:
    """The name that `tensor` is stored under, which an equal view of the same memory shares."""
    tensor = tensor.detach()
    place = (tensor.device, tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
    if tensor.numel() and place in names:
        return names[place]
    name = name or "tensor"
    while name in tensors:  # {"a.b": x, "a": {"b": y}}
        name += "_"
    stored = tensor.cpu().contiguous()
    if stored.untyped_storage().nbytes() != stored.numel() * stored.element_size():
        stored = stored.clone()  # safetensors refuses views that overlap
    names[place], tensors[name] = name, stored
    return name


def _build(skeleton: Any, tensors: Mapping[str, Tensor]) -> Tree:
    if not isinstance(skeleton, dict):
        if isinstance(skeleton, list):
            raise ValueError("its tree is malformed")
        return skeleton
    ((kind, content),) = skeleton.items()
    match kind:
        case "tensor":
            return tensors[content]
        case "float":
            return float(content)
        case "list":
            return [_build(value, tensors) for value in content]
        case "tuple":
            return tuple(_build(value, tensors) for value in content)
        case "dict":
            return {key: _build(value, tensors) for key, value in content}
        case _:
            raise ValueError(f"its tree has an unknown part {kind!r}")

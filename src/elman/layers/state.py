"""The state of a recurrent network as a value.

A `State` is a set of named tensors, each with a known batch axis. It is never hidden in a module:
it is passed in and returned, and the same object serves training, truncated backpropagation,
generation, streaming, checkpoints and export.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.utils import _pytree as pytree

from elman.errors import InputError
from elman.files import safetensors_path
from elman.parse import parse_json

HX: TypeAlias = Tensor | tuple[Tensor, Tensor]
"""A hidden state in torch's form: a tensor, or (h, c) for an LSTM."""
HX_TYPES = (Tensor, tuple)
Active: TypeAlias = Tensor | Sequence[bool]
"""A mask (B,) of the rows that take part in a step."""


def as_states(hx: HX) -> tuple[Tensor, ...]:
    """The tensors of torch's form of a hidden state."""
    return (hx,) if isinstance(hx, Tensor) else tuple(hx)


class HasStateNames(Protocol):
    """A layer or cell whose state has torch's form."""

    @property
    def state_names(self) -> tuple[str, ...]: ...
    @property
    def state_axis(self) -> int: ...


class State(Mapping[str, Tensor]):
    """An immutable set of named tensors over one batch.

    ``State(h=h, c=c)`` has its batch on axis 0 of each tensor; `State.with_axes` names other
    axes (torch's layers keep theirs on axis 1, in (D * L, B, H)). Every operation returns a new
    `State`; autograd flows through all of them except `detach`, `save` and `load`. It is a
    pytree, so functions passed to ``torch.compile`` may take and return it.

    Raises:
        ValueError: no tensors, a missing batch axis, or batch sizes that differ.
    """

    __slots__ = ("_axes", "_tensors")
    _tensors: dict[str, Tensor]
    _axes: dict[str, int]

    def __init__(self, **tensors: Tensor) -> None:
        self._fill(tensors, dict.fromkeys(tensors, 0))

    @classmethod
    def with_axes(cls, tensors: Mapping[str, Tensor], axes: Mapping[str, int]) -> State:
        """A state of `tensors` with the batch on axis ``axes[name]`` of each."""
        state = cls.__new__(cls)
        state._fill(dict(tensors), {name: axes[name] for name in tensors})
        return state

    def _fill(self, tensors: dict[str, Tensor], axes: dict[str, int]) -> None:
        if not tensors:
            raise ValueError("a State needs at least one tensor")
        sizes = {}
        for name, tensor in tensors.items():
            if tensor.dim() <= axes[name]:
                raise ValueError(
                    f"state {name!r} has shape {tuple(tensor.shape)}, so no batch axis {axes[name]}"
                )
            sizes[name] = tensor.shape[axes[name]]
        if len(set(sizes.values())) > 1:
            raise ValueError(f"the tensors of a State must share one batch size, got {sizes}")
        self._tensors, self._axes = tensors, axes

    def with_tensors(self, tensors: Iterable[Tensor]) -> State:
        """The same names and axes with other tensors, in order; for the state after a step.

        Shapes are not checked, since this runs at every step of a stream.
        """
        return State._unchecked(dict(zip(self._tensors, tensors, strict=True)), self._axes)

    def with_parts(self, parts: Mapping[str, State]) -> State:
        """The same names and axes with other tensors in the given parts; unchecked, as above."""
        tensors = dict(self._tensors)
        for part, state in parts.items():
            for name, tensor in state._tensors.items():
                tensors[f"{part}.{name}"] = tensor
        return State._unchecked(tensors, self._axes)

    @staticmethod
    def _unchecked(tensors: dict[str, Tensor], axes: dict[str, int]) -> State:
        state = State.__new__(State)
        state._tensors, state._axes = tensors, axes
        return state

    def tensors_of(self, names: tuple[str, ...]) -> tuple[Tensor, ...]:
        """The tensors, if they have exactly these names in this order; otherwise ()."""
        return tuple(self._tensors.values()) if tuple(self._tensors) == names else ()

    def has_batch_on(self, axis: int, names: Iterable[str] | None = None) -> bool:
        """Whether every tensor, or each of `names`, has its batch on this axis."""
        if names is None:
            return set(self._axes.values()) == {axis}
        return all(self._axes[name] == axis for name in names)

    @classmethod
    def of(cls, layer: HasStateNames, hx: HX) -> State:
        """The state with torch's form `hx` for `layer`: a tensor, or (h, c) for an LSTM.

        An unbatched `hx` gains a batch axis of size 1.
        """
        parts = as_states(hx)
        names, axis = layer.state_names, layer.state_axis
        if len(parts) != len(names):
            raise ValueError(
                f"expected a hidden state of {len(names)} ({', '.join(names)}), got {len(parts)}"
            )
        tensors = {
            name: part.unsqueeze(axis) if part.dim() == axis + 1 else part
            for name, part in zip(names, parts, strict=True)
        }
        return cls.with_axes(tensors, dict.fromkeys(names, axis))

    def hx(self) -> HX:
        """Torch's form of this state: ``h``, or ``(h, c)`` where there is a cell state."""
        match tuple(self._tensors):
            case ("h",):
                return self._tensors["h"]
            case ("h", "c"):
                return self._tensors["h"], self._tensors["c"]
            case names:
                raise ValueError(f"torch has no form for a state of {', '.join(names)}")

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name}: {tuple(t.shape)}" for name, t in self._tensors.items())
        return f"State({shapes}; batch {self.batch_size})"

    __hash__ = None  # type: ignore[assignment]  # no equality over tensors, so no hash

    @property
    def axes(self) -> Mapping[str, int]:
        """The batch axis of each tensor, by name."""
        return dict(self._axes)

    @property
    def batch_size(self) -> int:
        """The number of rows, B."""
        name = next(iter(self._tensors))
        return self._tensors[name].shape[self._axes[name]]

    def _map(self, change: Any) -> State:
        changed = {name: change(name, tensor) for name, tensor in self._tensors.items()}
        return State.with_axes(changed, self._axes)

    def detach(self) -> State:
        """The same values without gradient history, to truncate backpropagation through time."""
        return self._map(lambda _, tensor: tensor.detach())

    def clone(self) -> State:
        """A copy that shares no memory."""
        return self._map(lambda _, tensor: tensor.clone())

    def to(self, target: torch.device | torch.dtype | str) -> State:
        """On another device, or with its floating-point tensors in another dtype."""
        if isinstance(target, torch.dtype):
            return self._map(lambda _, t: t.to(target) if t.is_floating_point() else t)
        return self._map(lambda _, tensor: tensor.to(target))

    def reset(self, mask: Tensor, to: State | None = None) -> State:
        """The rows where `mask` (B,) is true replaced by those of `to`, or by zeros."""
        if mask.shape != (self.batch_size,):
            raise ValueError(f"expected a mask of ({self.batch_size},), got {tuple(mask.shape)}")
        if to is not None:
            to.require_like(self, "the state to reset to")

        def replace(name: str, tensor: Tensor) -> Tensor:
            shape = [1] * tensor.dim()
            shape[self._axes[name]] = -1
            fresh = torch.zeros_like(tensor) if to is None else to[name]
            return torch.where(mask.to(tensor.device).view(shape), fresh, tensor)

        return self._map(replace)

    def select(self, rows: Tensor | Sequence[int]) -> State:
        """The rows of the given indices, in that order; an index may be repeated."""
        index = torch.as_tensor(rows, dtype=torch.long)
        return self._map(lambda name, t: t.index_select(self._axes[name], index.to(t.device)))

    def with_rows(self, rows: Tensor, other: State) -> State:
        """A copy whose rows of the given indices are those of `other`, in that order."""

        def replace(name: str, tensor: Tensor) -> Tensor:
            return tensor.index_copy(self._axes[name], rows, other[name].to(tensor.dtype))

        return self._map(replace)

    def split(self) -> list[State]:
        """One state of batch 1 for each row."""
        return [self.select([row]) for row in range(self.batch_size)]

    @staticmethod
    def stack(states: Sequence[State]) -> State:
        """Many states as one batch, in order; the inverse of `split`."""
        if not states:
            raise ValueError("nothing to stack")
        first = states[0]
        for other in states[1:]:
            other.require_like(first, "a state to stack", batch=False)
        return first._map(lambda name, _: torch.cat([s[name] for s in states], first._axes[name]))

    @staticmethod
    def join(parts: Mapping[str, State]) -> State:
        """The states of several parts as one, with names such as ``encoder.h``."""
        tensors, axes = {}, {}
        for part, state in parts.items():
            for name in state:
                tensors[f"{part}.{name}"] = state[name]
                axes[f"{part}.{name}"] = state._axes[name]
        return State.with_axes(tensors, axes)

    def beside(self, other: State) -> State:
        """This state and the tensors of `other`, under the names that they have."""
        return State.with_axes({**self, **other}, {**self._axes, **other._axes})

    def part(self, name: str) -> State:
        """The state that was joined under `name`."""
        prefix, skip = f"{name}.", len(name) + 1
        found = {k[skip:]: tensor for k, tensor in self._tensors.items() if k.startswith(prefix)}
        if not found:
            raise KeyError(name)
        axes = {k[skip:]: axis for k, axis in self._axes.items() if k.startswith(prefix)}
        return State._unchecked(found, axes)

    def require_like(self, template: State, where: str, *, batch: bool = True) -> None:
        """Raise `InputError` unless this state has the template's names and shapes.

        `where` names the state in the message. With ``batch=False`` batch sizes may differ.
        """
        if set(self) != set(template):
            raise InputError(
                f"{where}: expected a state of {', '.join(template)}, got one of "
                f"{', '.join(self)}; it belongs to another model"
            )
        for name, tensor in self._tensors.items():
            expected, got = list(template[name].shape), list(tensor.shape)
            axis = template._axes[name]
            if axis != self._axes[name] or len(expected) != len(got):
                raise InputError(f"{where}: {name} has shape {got}, expected {expected}")
            if expected[axis] != got[axis]:
                if batch:
                    raise InputError(
                        f"{where}: {name} has a batch of {got[axis]}, expected {expected[axis]}"
                    )
                expected[axis] = got[axis]
            if expected != got:
                raise InputError(
                    f"{where}: {name} has shape {got}, expected {expected}; "
                    "it belongs to another model"
                )

    def like(self, template: State, where: str) -> State:
        """A copy in the dtypes and on the devices of `template`, once `require_like` is content."""
        self.require_like(template, where)
        tensors = {name: self[name].detach().to(t, copy=True) for name, t in template.items()}
        return State.with_axes(tensors, template.axes)

    def save(self, path: str | Path, metadata: Mapping[str, str] | None = None) -> None:
        """Write a safetensors file atomically, with `metadata` in its header.

        Raises:
            OSError: it cannot be written; a file that was at `path` is untouched.
        """
        header = {"elman": "state", "axes": json.dumps(self._axes), **(metadata or {})}
        tensors = {name: tensor.detach().contiguous() for name, tensor in self._tensors.items()}
        with safetensors_path(path) as temporary:
            safetensors.torch.save_file(tensors, temporary, header)

    @staticmethod
    def load(path: str | Path) -> State:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing, truncated or not a state.
        """
        try:
            with safe_open(path, "pt") as file:
                header = file.metadata() or {}
                if header.get("elman") != "state":
                    raise InputError(f"{path}: not a saved state; write one with State.save")
                axes = parse_json(header["axes"])
                return State.with_axes({name: file.get_tensor(name) for name in axes}, axes)
        except InputError:
            raise
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: cannot be read as a state ({error})") from error


def only_active(
    run: Callable[[Tensor, State], tuple[Tensor, State]],
    x: Tensor,
    state: State,
    active: Active,
    axis: int = 0,
) -> tuple[Tensor, State]:
    """`run`, a step or a scan, on the rows of `x` (batch on `axis`) where `active` (B,) is true.

    The other rows are not read: they keep their state to the bit, and their outputs are zero.

    Raises:
        TypeError: a mask that is not boolean.
        ValueError: a mask of another length than the batch.
    """
    mask = torch.as_tensor(active)
    if mask.dtype is not torch.bool and mask.numel():
        raise TypeError(f"active should be booleans, got {mask.dtype}")
    if mask.shape != (x.shape[axis],) or len(mask) != state.batch_size:
        raise ValueError(
            f"active should have one entry for each row, got shape {tuple(mask.shape)} for an "
            f"input of {x.shape[axis]} rows and a state of {state.batch_size}"
        )
    rows = mask.to(x.device).nonzero().squeeze(1)
    if len(rows) == len(mask):
        return run(x, state)
    if not len(rows):  # one run over zeros for the shape of the outputs
        y, _ = run(torch.zeros_like(x), state)
        return torch.zeros_like(y), state
    y, after = run(x.index_select(axis, rows), state.select(rows))
    shape = list(y.shape)
    shape[axis] = len(mask)
    return y.new_zeros(shape).index_copy(axis, rows, y), state.with_rows(rows, after)


def _flatten(state: State) -> tuple[list[Any], tuple[tuple[str, ...], tuple[int, ...]]]:
    return list(state._tensors.values()), (tuple(state._tensors), tuple(state._axes.values()))


def _unflatten(leaves: Any, context: tuple[tuple[str, ...], tuple[int, ...]]) -> State:
    # Unchecked, since tracers pass placeholders in place of tensors.
    names, axes = context
    return State._unchecked(
        dict(zip(names, leaves, strict=True)), dict(zip(names, axes, strict=True))
    )


pytree.register_pytree_node(State, _flatten, _unflatten, serialized_type_name="elman.State")

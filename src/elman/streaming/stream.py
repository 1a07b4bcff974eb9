"""A network run step by step on an endless sequence, in constant memory.

Legend: T time, B batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias, TypeVar, cast, final, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from elman.errors import InputError
from elman.layers.state import Active, State, only_active

Item: TypeAlias = Tensor | Sequence[Any] | np.ndarray | int | float
"""What can be pushed: numbers, or nested lists, arrays or tensors of them."""

Made = TypeVar("Made")


@runtime_checkable
class Steppable(Protocol):
    """A model that can be streamed: every layer, cell and model here implements it.

    Two attributes are looked for and may be missing: ``item_axes``, the number of axes of one
    item of one stream (1, a vector, when missing; 0 for token ids), and
    ``scan(chunk (T, B, …), state) -> (outputs (T, B, …), state)``, which must equal `step` in a
    loop and is taken for chunks because it is faster.
    """

    def initial_state(self, batch_size: int) -> State:
        """The state before the first step."""

    def step(self, x_t: Tensor, state: State) -> tuple[Tensor, State]:
        """One item for each row, (B, …): the outputs (B, …) and the state after it."""


@final
class Stream:
    """A model and its state: push items or chunks, get the outputs of each step.

    The state is a value that can be taken out, saved and put back in; a stream that goes on from
    it gives the outputs of one never stopped. The model runs in eval mode, whatever mode it is
    left in, and without gradients. A push that raises leaves the state as it was.

    Args:
        model: see `Steppable`.
        batch_size: B streams side by side, which share nothing; None for one without batch axis.
        state: where to go on from; None for the model's initial state.

    Raises:
        InputError: a batch size below 1, or a state of another model or batch size.
    """

    def __init__(
        self, model: Steppable, batch_size: int | None = None, state: State | None = None
    ) -> None:
        if batch_size is not None and batch_size < 1:
            raise InputError(f"batch_size must be at least 1, or None, got {batch_size}")
        self.model = model
        self.batch_size = batch_size
        self._item_axes = cast("int", getattr(model, "item_axes", 1))
        self._dtype, self._device = _floats_of(model)
        self._state = self._initial()
        if state is not None:
            self.state = state

    def push(self, items: Item, *, active: Active | None = None) -> Tensor:
        """Advance by one item or by a chunk of them, told apart by the number of axes.

        Args:
            items: for a language model an id () or ids (T,); for a layer a vector (I,) or vectors
                (T, I). With a `batch_size`, (B,), (T, B), (B, I) and (T, B, I).
            active: with a `batch_size`, (B,) booleans: the rows that take part. What `items`
                holds for the other rows is not read; they keep their state to the bit and get
                zero outputs. None: all rows.

        Returns:
            The outputs of each step, with the leading axes of `items`. They were made in
            inference mode: ``clone()`` them for use in something that trains.

        Raises:
            InputError: a wrong number of axes or rows, ids outside of the vocabulary, or a mask
                that is not one boolean for each row.
        """
        x = self._as_tensor(items)
        batched = self.batch_size is not None
        chunk = x.dim() - self._item_axes - batched
        if chunk not in (0, 1):
            axes = self._item_axes + batched
            raise InputError(
                f"this stream takes an item of {axes} axes or a chunk of {axes + 1}, "
                f"got {x.dim()} axes {tuple(x.shape)}"
            )
        if not batched:
            x = x.unsqueeze(chunk)
        if x.shape[chunk] != self._state.batch_size:
            raise InputError(
                f"this stream has {self._state.batch_size} rows, got {x.shape[chunk]} "
                f"in a shape of {tuple(x.shape)}"
            )
        if chunk and not len(x):
            raise InputError("a chunk needs at least one item, got none")
        run = self._scan if chunk else self.model.step
        if active is None:
            outputs, self._state = self._call(lambda: run(x, self._state))
        elif not batched:
            raise InputError("active goes with a batch_size: this stream has one row")
        else:
            mask = _as_mask(active, self._state.batch_size)
            outputs, self._state = self._call(lambda: only_active(run, x, self._state, mask, chunk))
        return outputs if batched else outputs.squeeze(chunk)

    @property
    def state(self) -> State:
        """A copy of the state after all that was pushed; set it to continue from another."""
        return self._state.clone()

    @state.setter
    def state(self, state: State) -> None:
        self._state = state.like(self._initial(), "the state of this stream")

    def reset(self, rows: Sequence[int] | Tensor | None = None) -> None:
        """Begin anew: all streams, or only those whose indices (or bool mask (B,)) are given."""
        if rows is None:
            self._state = self._initial()
            return
        index = torch.as_tensor(rows)
        mask = torch.zeros(self._state.batch_size, dtype=torch.bool)
        try:
            mask[index if index.dtype is torch.bool else index.long()] = True
        except IndexError as error:
            raise InputError(f"rows must be from 0 to {len(mask) - 1}, got {rows}") from error
        self._state = self._call(lambda: self._state.reset(mask, to=self._initial()))

    def fork(self) -> Stream:
        """Another stream at the same place; from here on neither knows of the other."""
        return Stream(self.model, self.batch_size, self._state)

    def __repr__(self) -> str:
        return f"<Stream of {type(self.model).__name__}: {self._state!r}>"

    def _initial(self) -> State:
        return self._call(lambda: self.model.initial_state(self.batch_size or 1))

    def _scan(self, chunk: Tensor, state: State) -> tuple[Tensor, State]:
        scan = getattr(self.model, "scan", None)
        if scan is not None:
            return cast("tuple[Tensor, State]", scan(chunk, state))
        outputs = []
        for x_t in chunk:
            y_t, state = self.model.step(x_t, state)
            outputs.append(y_t)
        return torch.stack(outputs), state

    def _call(self, compute: Callable[[], Made]) -> Made:
        with evaluating(self.model), torch.inference_mode():
            return compute()

    def _as_tensor(self, items: Item) -> Tensor:
        try:
            # Said at once, since lists of Python's doubles would first become single precision.
            dtype = self._dtype if self._item_axes else None
            x = torch.as_tensor(items, dtype=dtype, device=self._device)
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"items must be numbers of one shape ({error})") from error
        if self._item_axes:
            return x
        if x.numel() and (x.is_floating_point() or x.is_complex() or x.dtype is torch.bool):
            raise InputError(f"token ids must be integers, got {x.dtype}")
        return x.long()


@contextmanager
def evaluating(model: object) -> Iterator[None]:
    """Eval mode inside; outside, each module is in the mode it was in before."""
    training = []
    if isinstance(model, nn.Module) and model.training:
        training = [module for module in model.modules() if module.training]
        model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _as_mask(active: Active, rows: int) -> Tensor:
    try:
        mask = torch.as_tensor(active)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"active should be one boolean for each row ({error})") from error
    if mask.dtype is not torch.bool or mask.shape != (rows,):
        raise InputError(
            f"active should be {rows} booleans, one for each row, got shape {tuple(mask.shape)} of"
            f" {mask.dtype}"
        )
    return mask


def _floats_of(model: object) -> tuple[torch.dtype, torch.device]:
    """Where the model computes and in what, by its first floating-point parameter."""
    parameters = model.parameters() if isinstance(model, nn.Module) else ()
    for parameter in parameters:
        if parameter.is_floating_point():
            return parameter.dtype, parameter.device
    return torch.get_default_dtype(), torch.device("cpu")

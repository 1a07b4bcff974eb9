"""How a long row of tokens becomes batches for truncated backpropagation through time.

Legend: T time, B batch, N tokens.

A text is cut into B contiguous streams that are read side by side, a chunk at a time, so that the
state a row ends a chunk with is the state the same row begins the next chunk with.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from elman.errors import InputError

IGNORE = -100
"""The target that is not scored (torch's own `ignore_index`)."""

TokenArray = npt.NDArray[Any]
BatchT = TypeVar("BatchT")


@dataclass(frozen=True, eq=False)
class RowBatch(ABC):
    """Tensors whose rows belong together, (B,) or (T, B, ...) each, and what is not a tensor."""

    @property
    @abstractmethod
    def batch_size(self) -> int: ...

    def to(self, device: torch.device | str) -> Self:
        """The same batch on another device."""
        return self._each(lambda _, tensor: tensor.to(device))

    def _cut(self, parts: int, rows_first: Collection[str] = ()) -> list[Self]:
        """`split`, where the tensors `rows_first` are (B, ...)."""
        if not 1 <= parts <= self.batch_size:
            raise InputError(
                f"cannot split a batch of {self.batch_size} rows into {parts} parts; "
                "accumulate at least 1 and at most as many parts as the batch size"
            )

        def piece(part: int, name: str, tensor: Tensor) -> Tensor:
            axis = 0 if name in rows_first else min(1, tensor.dim() - 1)
            return tensor.tensor_split(parts, axis)[part]

        return [self._each(partial(piece, part)) for part in range(parts)]

    def _each(self, change: Callable[[str, Tensor], Tensor]) -> Self:
        held = {field.name: getattr(self, field.name) for field in fields(self)}
        tensors = {name: each for name, each in held.items() if isinstance(each, Tensor)}
        return replace(self, **{name: change(name, each) for name, each in tensors.items()})


@dataclass(frozen=True, eq=False)
class Batch(RowBatch):
    """Inputs and targets of one step of training or evaluation.

    Attributes:
        inputs: (T, B, ...).
        targets: (T, B, ...); a target equal to `IGNORE` is not scored.
        reset: (B,) bool, the rows that begin a new sequence, whose state is the initial one; None
            when no state is carried from one batch to the next.
        lengths: (B,) int64, the real steps of each row; None when all T are real.
    """

    inputs: Tensor
    targets: Tensor
    reset: Tensor | None = None
    lengths: Tensor | None = None

    @property
    def batch_size(self) -> int:
        return self.inputs.shape[1]

    @property
    def steps(self) -> int:
        return len(self.inputs)

    @property
    def units(self) -> int:
        return int((self.targets != IGNORE).sum())

    def split(self, parts: int) -> list[Batch]:
        """Cut by rows into `parts` batches whose sizes differ by at most one row.

        Raises:
            InputError: `parts` is less than 1 or more than the rows there are.
        """
        return self._cut(parts)


class EpochBatches(ABC, Generic[BatchT]):
    """An endless, resumable source of batches of rows.

    Each epoch takes every row once, in an order that depends on (seed, epoch) alone, so a place in
    the data is two integers.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._epoch = self._index = 0
        self._order = self._draw(np.random.default_rng((seed, 0)))

    @abstractmethod
    def _draw(self, generator: np.random.Generator) -> list[npt.NDArray[np.int64]]:
        """The rows of each batch of an epoch; as many batches in every epoch."""

    @abstractmethod
    def _batch(self, rows: npt.NDArray[np.int64], number: int) -> BatchT:
        """Some rows as the batch that comes after `number` others."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the rows."""
        return len(self._order)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> BatchT:
        number = self._epoch * len(self._order) + self._index
        batch = self._batch(self._order[self._index], number)
        self._index += 1
        if self._index == len(self._order):
            self._go_to(self._epoch + 1, 0)
        return batch

    def state_dict(self) -> dict[str, int]:
        """The place in the data, as plain integers."""
        return {"epoch": self._epoch, "index": self._index}

    def load_state_dict(self, state: Mapping[str, Any], /) -> None:
        """Go to a place that `state_dict` gave.

        Raises:
            InputError: the place does not exist in these data.
        """
        epoch, index = state.get("epoch", -1), state.get("index", -1)
        whole = type(epoch) is int and type(index) is int and epoch >= 0
        if not whole or not 0 <= index < len(self._order):
            raise InputError(
                f"the place in the data {dict(state)} is not one of these rows, which make"
                f" {len(self._order)} batches; resume with the data the run began with"
            )
        self._go_to(epoch, index)

    def _go_to(self, epoch: int, index: int) -> None:
        self._epoch, self._index = epoch, index
        self._order = self._draw(np.random.default_rng((self._seed, epoch)))


class TokenChunks:
    """An endless, resumable source of training chunks over one row of tokens.

    The first N // B * B of the `tokens` (N,) form B parallel streams; row b of every batch
    continues row b of the batch before it. A batch has T = `length` steps, the last one of an epoch
    perhaps fewer. The input at a position is the token before it: `start_id` before the first token
    of the text, and the text's own preceding token everywhere else. Only the slices that are asked
    for are read, so `tokens` may be a memory map of any size.

    With `random_length`, the length of a chunk is drawn as in AWD-LSTM (Merity et al. 2017,
    section 5): the base is `length` with probability 0.95 and half of it otherwise, and the length
    is a draw from a normal distribution about the base with standard deviation 5, at least 5 (or
    `length`, where that is less). The draw depends on (seed, epoch, index of the chunk) alone,
    which keeps a place in the data a matter of three integers.

    Raises:
        InputError: too few tokens for the batch size, or a size below 1.
    """

    def __init__(
        self,
        tokens: TokenArray,
        batch_size: int,
        length: int,
        start_id: int,
        *,
        random_length: bool = False,
        seed: int = 0,
    ) -> None:
        _check_sizes(batch_size, length)
        if len(tokens) < 2 * batch_size:
            raise InputError(
                f"the training text has {len(tokens)} tokens, but batch size {batch_size} needs "
                f"at least {2 * batch_size} (two a row); use a longer text or a smaller batch size"
            )
        self._tokens = tokens
        self._stream_length = len(tokens) // batch_size
        self._starts = np.arange(batch_size, dtype=np.int64) * self._stream_length
        self._length = length
        self._start_id = start_id
        self._random_length = random_length
        self._seed = seed
        self._epoch = 0
        self._position = 0
        self._index = 0

    @property
    def steps_per_epoch(self) -> int:
        """Chunks in one pass over the text; with random lengths, what is expected on average."""
        mean = (0.95 + 0.05 / 2 if self._random_length else 1.0) * self._length
        return int(np.ceil(self._stream_length / max(mean, 1.0)))

    def __iter__(self) -> TokenChunks:
        return self

    def __next__(self) -> Batch:
        length = min(self._next_length(), self._stream_length - self._position)
        begins = self._position == 0
        rows = _read_rows(self._tokens, self._starts + self._position, length, self._start_id)
        self._position += length
        self._index += 1
        if self._position == self._stream_length:
            self._epoch, self._position, self._index = self._epoch + 1, 0, 0
        reset = torch.full((len(self._starts),), begins)
        return Batch(inputs=rows[:-1], targets=rows[1:], reset=reset)

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self._epoch, "position": self._position, "index": self._index}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go to a place that `state_dict` gave.

        Raises:
            InputError: the place does not exist in this text.
        """
        epoch, position, index = (state.get(key) for key in ("epoch", "position", "index"))
        whole = all(type(value) is int and value >= 0 for value in (epoch, position, index))
        if not whole or position >= self._stream_length:  # type: ignore[operator]
            raise InputError(
                f"the place in the data {dict(state)} is not one of this text, whose streams are "
                f"{self._stream_length} tokens long; resume with the data the run began with"
            )
        self._epoch, self._position, self._index = epoch, position, index  # type: ignore[assignment]

    def _next_length(self) -> int:
        if not self._random_length:
            return self._length
        draw = np.random.default_rng((self._seed, self._epoch, self._index))
        base = self._length if draw.random() < 0.95 else self._length / 2
        return max(min(5, self._length), round(draw.normal(base, 5.0)))


def evaluation_chunks(
    tokens: TokenArray, batch_size: int, length: int, start_id: int
) -> Iterator[Batch]:
    """One pass over a text in which every token is a scored target exactly once.

    The tokens (N,) are cut into B streams whose lengths differ by at most one, or fewer streams
    where there are fewer tokens; `start_id` stands before the first token. The state is reset at
    the first chunk only; where the streams end unevenly, the last chunk has `lengths`, and its
    padding is token 0 with the target `IGNORE`.

    Raises:
        InputError: no tokens, or a size below 1.
    """
    _check_sizes(batch_size, length)
    if len(tokens) == 0:
        raise InputError("there are no tokens to evaluate; give a text with at least one token")
    batch_size = min(batch_size, len(tokens))
    shorter, longer_streams = divmod(len(tokens), batch_size)
    sizes = np.full(batch_size, shorter, dtype=np.int64)
    sizes[:longer_streams] += 1
    starts = np.cumsum(sizes) - sizes
    longest = int(sizes[0])
    for position in range(0, longest, length):
        steps = min(length, longest - position)
        rows = _read_rows(tokens, starts + position, steps, start_id)
        inputs, targets, lengths = rows[:-1], rows[1:], None
        if position + steps > shorter:
            lengths = torch.from_numpy(np.minimum(sizes - position, steps))
            padding = torch.arange(steps).unsqueeze(1) >= lengths  # (T, B)
            inputs, targets = inputs.masked_fill(padding, 0), targets.masked_fill(padding, IGNORE)
        yield Batch(inputs, targets, torch.full((batch_size,), position == 0), lengths)


def _read_rows(tokens: TokenArray, starts: TokenArray, length: int, start_id: int) -> Tensor:
    """(length + 1, B): for each row the token before its start, and `length` tokens from there."""
    places = np.arange(-1, length)[:, None] + starts  # (T + 1, B)
    # The first row has nothing before it, and a short last row is read past its end (then masked).
    rows = np.asarray(tokens[places.clip(0, len(tokens) - 1)], dtype=np.int64)
    rows[places < 0] = start_id
    return torch.from_numpy(rows)


def padded(
    flat: TokenArray, begins: TokenArray, lengths: TokenArray, padding: int
) -> tuple[Tensor, Tensor]:
    """The rows flat[begin:begin + length] as (T, B, ...), T at least 1, and their lengths (B,).

    Integers of any size become int64, but the bytes of frames stay bytes.
    """
    ends = np.cumsum(lengths)
    step = np.arange(lengths.sum()) - np.repeat(ends - lengths, lengths)
    shape = (max(int(lengths.max(initial=0)), 1), len(lengths), *flat.shape[1:])
    frames = flat.ndim > 1 and flat.dtype == np.uint8
    kept = np.float32 if flat.dtype.kind == "f" else np.uint8 if frames else np.int64
    rows = np.full(shape, padding, kept)
    rows[step, np.repeat(np.arange(len(lengths)), lengths)] = flat[
        step + np.repeat(begins, lengths)
    ]
    return torch.from_numpy(rows), torch.from_numpy(lengths)


def _check_sizes(batch_size: int, length: int) -> None:
    if batch_size < 1:
        raise InputError(f"batch size must be at least 1, got {batch_size}")
    if length < 1:
        raise InputError(f"the length of a chunk must be at least 1 token, got {length}")

"""Labeled rows as arrays on disk, and the batches that training and evaluation make of them.

Legend: N rows, S steps of all rows together, T time, B batch, C channels, K classes, W frames of
audio that are one step. Of video an item of C channels is a frame (H, W, C).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from elman.data.arrays import Array, open_array
from elman.data.batching import IGNORE, EpochBatches, RowBatch, padded
from elman.data.labeled.rows import Flat, LabelKind
from elman.data.origin import Integers
from elman.data.video.differences import with_differences
from elman.errors import InputError
from elman.files import atomic_path

_AGAIN = "prepare the data again"

Change = Callable[[Array, Integers], None]
"""Changes frames (T, B, C), of which the lengths (B,) are given, in place."""


class Vary(Protocol):
    """Changes frames (T, B, C), of which the lengths (B,) are given, in place, by chance."""

    def __call__(
        self, frames: Array, lengths: Integers, *, generator: np.random.Generator
    ) -> None: ...


_POOL = 50
"""Rows are drawn by so many batches at a time, and those of like length go side by side."""

_STEPS_AT_ONCE = 1 << 16
"""The most steps, padding included, that a batch of an evaluation reads."""

_FRAMES_AT_ONCE = 1 << 13
"""The same of video."""

_BYTES_AT_ONCE = 1 << 25
"""The most bytes of frames of video that are read at a time in an evaluation."""


@dataclass(frozen=True, eq=False)
class Encoded(Flat):
    """Rows ready for a network, kept flat one after the other.

    Attributes:
        steps: (S,) token ids, or (S, C) numbers; of audio, its frames; of video, its frames
            (S, H, W, C) uint8.
        offsets: (N + 1,) where each row begins.
        labels: one label a row: (N,); one for each step: (S,), `IGNORE` where there is none;
            many labels a row: (N, K) bool; None where they are not known.
        kind: which of the three.
        window: W, the frames of audio that the network reads in one step; None for all else.
        differences: a step is a frame of video and its difference from the one before.
    """

    steps: Array
    offsets: Integers
    labels: Array | None
    kind: LabelKind
    window: int | None = None
    differences: bool = False

    @property
    def has_frames(self) -> bool:
        """Whether its steps are frames of video."""
        return self.steps.ndim == 4

    @property
    def lengths(self) -> Integers:
        """(N,) steps a row, as the network counts them."""
        return -(-np.diff(self.offsets) // (self.window or 1))

    def row(self, place: int) -> Array:
        """The steps of one row: (T,), (T, C), (T, W, C) of audio, or (T, H, W, C) of video."""
        found: Array = np.array(self.steps[self.offsets[place] : self.offsets[place + 1]])
        if self.differences:
            return with_differences(found, None)
        return found if self.window is None else windows(found, self.window)

    def rows(self, chosen: Integers, change: Change | None = None) -> LabeledBatch:
        """Some of the rows as a padded batch, in the order given.

        `change` is done to the frames of audio before they are put together to steps.
        """
        begins = self.offsets[chosen]
        sizes = self.offsets[chosen + 1] - begins
        inputs, lengths = padded(self.steps, begins, sizes, 0)
        if change is not None:
            change(inputs.numpy(), sizes)
        if self.differences:
            inputs = torch.from_numpy(with_differences(inputs.numpy(), None))
        if self.window is not None:
            inputs = torch.from_numpy(windows(inputs.numpy(), self.window))
            lengths = torch.from_numpy(self.lengths[chosen])
        targets = None
        if self.labels is not None and self.kind == "step":
            targets, _ = padded(self.labels, begins, sizes, IGNORE)
        elif self.labels is not None:
            targets = torch.from_numpy(self.labels[chosen])
        return LabeledBatch(inputs, lengths, targets, self.kind)

    def parts(self, chosen: Integers) -> Iterator[Tensor]:
        """The inputs (T, B, …) of some rows of video, so many steps at a time that few bytes are
        in memory.
        """
        lengths = self.lengths[chosen]
        size = int(np.prod(self.steps.shape[1:])) * len(chosen)
        steps = max(_BYTES_AT_ONCE // max(size, 1), 1)
        for first in range(0, max(int(lengths.max(initial=0)), 1), steps):
            begins = self.offsets[chosen] + np.minimum(first, lengths)
            inputs, _ = padded(self.steps, begins, np.clip(lengths - first, 0, steps), 0)
            if self.differences:
                before = self.steps[begins - 1] if first else None
                inputs = torch.from_numpy(with_differences(inputs.numpy(), before))
            yield inputs

    def batches(self, most_rows: int = 256) -> Iterator[tuple[Integers, LabeledBatch]]:
        """All rows once, those of like length together; each batch with the rows it holds."""
        for chosen in self.groups(most_rows):
            yield chosen, self.rows(chosen)

    def groups(self, most_rows: int = 256) -> Iterator[Integers]:
        """All rows once, those of like length together, as many as a batch may have steps."""
        order = np.argsort(self.lengths, kind="stable")
        lengths = self.lengths[order]
        most = _FRAMES_AT_ONCE if self.has_frames else _STEPS_AT_ONCE
        begin = 0
        while begin < len(order):
            end = begin + 1
            while (
                end < min(len(order), begin + most_rows)
                and (end + 1 - begin) * lengths[end] * (self.window or 1) <= most
            ):
                end += 1
            yield order[begin:end]
            begin = end

    def save(self, folder: Path, *, steps: bool = True) -> None:
        """Write the arrays to a folder; all but `steps` where these are there already."""
        folder.mkdir(parents=True, exist_ok=True)
        assert self.labels is not None
        for name in ("steps", "offsets", "labels")[not steps :]:
            with atomic_path(folder / f"{name}.npy") as partial, partial.open("wb") as file:
                np.save(file, getattr(self, name), allow_pickle=False)

    @classmethod
    def open(
        cls,
        folder: Path,
        kind: LabelKind,
        window: int | None = None,
        differences: bool = False,
    ) -> Encoded:
        """What `save` wrote, memory-mapped."""
        steps, offsets, labels = (
            open_array(folder / f"{n}.npy", "an array", _AGAIN)
            for n in ("steps", "offsets", "labels")
        )
        fits = offsets.ndim == 1 and steps.ndim > 0 and labels.ndim > 0
        fits = fits and offsets.dtype.kind == "i" and len(offsets) > 0 and offsets[0] == 0
        rows = len(offsets) - 1 if fits else 0
        fits = fits and offsets[-1] == len(steps) and bool((np.diff(offsets) >= 0).all())
        if not fits or len(labels) != (len(steps) if kind == "step" else rows):
            raise InputError(f"{folder}: its arrays do not fit together; {_AGAIN}")
        return cls(steps, np.asarray(offsets), labels, kind, window, differences)


def windows(frames: Array, width: int) -> Array:
    """Frames (T, …, C) as steps (ceil(T / W), …, W, C); zeros past the last frame."""
    steps = -(-len(frames) // width)
    whole = np.zeros((steps * width, *frames.shape[1:]), frames.dtype)
    whole[: len(frames)] = frames
    cut = whole.reshape(steps, width, *frames.shape[1:])
    return np.ascontiguousarray(np.moveaxis(cut, 1, -2))


@dataclass(frozen=True, eq=False)
class LabeledBatch(RowBatch):
    """Rows of different lengths, padded at the end.

    Attributes:
        inputs: (T, B) ids, (T, B, C) numbers, (T, B, W, C) of audio, or (T, B, H, W, C) uint8 of
            video.
        lengths: (B,) the real steps of each row.
        targets: (B,), (T, B) or (B, K) as the kind of label has it; None where not known.
        kind: one label a row, one for each step, or many a row.
    """

    inputs: Tensor
    lengths: Tensor
    targets: Tensor | None
    kind: LabelKind
    reset: None = None

    @property
    def batch_size(self) -> int:
        return len(self.lengths)

    @property
    def steps(self) -> int:
        return len(self.inputs)

    @property
    def units(self) -> int:
        if self.kind == "step" and self.targets is not None:
            return int((self.targets != IGNORE).sum())
        return self.batch_size

    def select(self, rows: Tensor) -> LabeledBatch:
        lengths = self.lengths[rows]
        steps, targets = int(lengths.max()), self.targets
        if targets is not None:
            targets = targets[:steps, rows] if self.kind == "step" else targets[rows]
        return LabeledBatch(self.inputs[:steps, rows], lengths, targets, self.kind)

    def split(self, parts: int) -> list[LabeledBatch]:
        return self._cut(parts, () if self.kind == "step" else ("targets",))


Read = Callable[[Integers, np.random.Generator], LabeledBatch]
"""Makes a batch of some rows, by chance."""


class Bucketed(EpochBatches[LabeledBatch]):
    """An endless, resumable source of batches of rows of like length.

    Rows are drawn `_POOL` batches at a time, laid side by side by length, and the batches mixed
    again; the last batch of an epoch may be smaller.

    Args:
        rows: what is drawn from; with several copies of each row, all rows of one after those of
            the other.
        batch_size: B.
        seed: of the order and of chance.
        shares: how often each copy of a row is drawn.
        vary: what is done to the frames of each batch of audio.
        read: makes the batch of some rows, varied by chance; of video.
    """

    def __init__(
        self,
        rows: Encoded,
        batch_size: int,
        seed: int,
        *,
        shares: Sequence[float] = (1.0,),
        vary: Vary | None = None,
        read: Read | None = None,
    ) -> None:
        self._rows, self._batch_size, self._read = rows, batch_size, read
        self._shares, self._vary = shares, vary
        self._lengths = rows.lengths[: len(rows) // len(shares)]
        super().__init__(seed)

    def _batch(self, rows: Integers, number: int) -> LabeledBatch:
        if self._read is not None:
            return self._read(rows, np.random.default_rng((self._seed, number, 1)))
        if len(self._shares) == 1 and self._vary is None:
            return self._rows.rows(rows)
        generator = np.random.default_rng((self._seed, number, 1))
        copies = generator.choice(len(self._shares), len(rows), p=self._shares)
        change = None
        if self._vary is not None:
            change = partial(self._vary, generator=generator)
        return self._rows.rows(rows + copies * len(self._lengths), change)

    def _draw(self, generator: np.random.Generator) -> list[Integers]:
        order, size = generator.permutation(len(self._lengths)), self._batch_size
        batches: list[Integers] = []
        for begin in range(0, len(order), _POOL * size):
            pool = order[begin : begin + _POOL * size]
            pool = pool[np.argsort(self._lengths[pool], kind="stable")]
            batches += [pool[first : first + size] for first in range(0, len(pool), size)]
        return [batches[place] for place in generator.permutation(len(batches))]

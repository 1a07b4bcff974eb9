"""Utterances ready for a network: signals and token ids on disk, and batches of them.

Legend: N rows, T frames, B batch, F bins, L tokens of the longest text of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from torch import Tensor

from elman.data.arrays import Array, open_array
from elman.data.audio.augment import Channel, SpecAugment, add_noise, change_speed
from elman.data.audio.signals import Signals
from elman.data.batching import EpochBatches, RowBatch, padded
from elman.data.labeled.rows import Flat, Floats
from elman.data.origin import Integers
from elman.errors import InputError

_AGAIN = "prepare the data again"

_POOL = 50
"""Rows are drawn by so many batches at a time, and those of like length go side by side."""

FRAMES_AT_ONCE = 1 << 16
"""The most frames, padding included, of a batch of an evaluation."""

_PCM = 32768.0

ToFrames: TypeAlias = Callable[[Array], Floats]
"""Normalized frames (T, F) of float32 samples, or of raw frames where those are kept."""


@dataclass(frozen=True, eq=False)
class Tokens(Flat):
    """The token ids of all texts, flat."""

    ids: Array
    offsets: Integers

    @classmethod
    def of(cls, texts: Sequence[Array]) -> Tokens:
        ids = np.concatenate([np.empty(0, np.int64), *texts])
        return cls(ids, np.cumsum([0, *map(len, texts)], dtype=np.int64))

    def row(self, place: int) -> Array:
        found: Array = np.array(self.ids[self.offsets[place] : self.offsets[place + 1]])
        return found

    def save(self, folder: Path) -> None:
        np.save(folder / "tokens.npy", self.ids)
        np.save(folder / "tokens-offsets.npy", self.offsets)

    @classmethod
    def open(cls, folder: Path) -> Tokens:
        ids, offsets = (
            np.array(open_array(folder / f"{name}.npy", "an array", _AGAIN))
            for name in ("tokens", "tokens-offsets")
        )
        fits = ids.ndim == offsets.ndim == 1 and len(offsets) > 0
        if not fits or offsets[0] != 0 or offsets[-1] != len(ids) or (np.diff(offsets) < 0).any():
            raise InputError(f"{folder}: its tokens do not fit together; {_AGAIN}")
        return cls(ids, offsets)


def steps_needed(ids: Array) -> int:
    """The fewest network steps that spell `ids`: one each, and a blank between equal neighbors."""
    return len(ids) + int((ids[1:] == ids[:-1]).sum())


@dataclass(frozen=True, eq=False)
class UtteranceBatch(RowBatch):
    """Utterances of different lengths, padded at the end.

    Attributes:
        frames: (T, B, F), normalized.
        lengths: (B,) the real frames of each row.
        tokens: (B, L) what is said, padded with 0.
        token_lengths: (B,).
    """

    frames: Tensor
    lengths: Tensor
    tokens: Tensor
    token_lengths: Tensor
    reset: None = None

    @property
    def batch_size(self) -> int:
        return len(self.lengths)

    @property
    def steps(self) -> int:
        return len(self.frames)

    @property
    def units(self) -> int:
        """Tokens; a row of silence counts as one."""
        return int(self.token_lengths.clamp(min=1).sum())

    def select(self, rows: Tensor) -> UtteranceBatch:
        lengths, token_lengths = self.lengths[rows], self.token_lengths[rows]
        frames = self.frames[: int(lengths.max()), rows]
        tokens = self.tokens[rows, : int(token_lengths.max())]
        return UtteranceBatch(frames, lengths, tokens, token_lengths)

    def split(self, parts: int) -> list[UtteranceBatch]:
        return self._cut(parts, ("tokens",))


@dataclass(frozen=True)
class Augmentation:
    """What is changed in a training row, drawn anew in each epoch.

    Attributes:
        speeds: factors of the speed, one of which is drawn (Ko 2015).
        noise: the share of rows that noise is added to.
        snr: the range of the signal-to-noise ratio of those, in dB.
        channel: another microphone or room; None for none.
        masks: bands of time and of frequency that are hidden (Park 2019); None for none.
    """

    speeds: tuple[float, ...] = (1.0,)
    noise: float = 0.0
    snr: tuple[float, float] = (5.0, 30.0)
    channel: Channel | None = None
    masks: SpecAugment | None = None


@dataclass(frozen=True, eq=False)
class EncodedUtterances:
    """Utterances on disk.

    Attributes:
        signals: raw frames by speed, or samples under 1.
        tokens: what is said in each.
    """

    signals: Mapping[float, Signals]
    tokens: Tokens

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def lengths(self) -> Integers:
        """(N,) frames or samples of each row, at its own speed."""
        return self.signals[1.0].lengths

    @property
    def has_samples(self) -> bool:
        """Whether samples are kept, and not frames."""
        return self.signals[1.0].values.dtype.kind == "i"

    def row(self, place: int, speed: float = 1.0) -> Array:
        """Raw frames (T, F), or float32 samples (T,), of one row."""
        if not self.has_samples:
            return self.signals[speed].row(place)
        samples = self.signals[1.0].row(place).astype(np.float32) / np.float32(_PCM)
        return samples if speed == 1 else change_speed(samples, speed)

    def batch(self, rows: Integers, frames: Sequence[Floats]) -> UtteranceBatch:
        """Some rows whose normalized frames are at hand."""
        lengths = np.array([len(each) for each in frames], np.int64)
        flat = np.concatenate(frames)
        stacked, sizes = padded(flat, np.cumsum(lengths) - lengths, lengths, 0)
        begins = self.tokens.offsets[rows]
        spelled = self.tokens.offsets[rows + 1] - begins
        tokens, token_sizes = padded(self.tokens.ids, begins, spelled, 0)
        return UtteranceBatch(stacked, sizes, tokens.T.contiguous(), token_sizes)

    def in_order(self, to_frames: ToFrames) -> Iterator[tuple[Integers, UtteranceBatch]]:
        """All rows once, the shortest first; each batch with the rows it holds."""
        order = np.argsort(self.lengths, kind="stable")
        chosen: list[int] = []
        frames: list[Floats] = []
        for row in order.tolist():
            found = to_frames(self.row(row))
            if chosen and (len(chosen) + 1) * len(found) > FRAMES_AT_ONCE:
                yield np.array(chosen), self.batch(np.array(chosen), frames)
                chosen, frames = [], []
            chosen.append(row)
            frames.append(found)
        if chosen:
            yield np.array(chosen), self.batch(np.array(chosen), frames)


class UtteranceBatches(EpochBatches[UtteranceBatch]):
    """An endless, resumable source of batches of utterances of like length.

    Augmentation depends on (seed, epoch, row) alone. In the first epoch the batches go from the
    shortest to the longest (SortaGrad, Amodei 2016), later in random order.

    Args:
        rows: the utterances.
        to_frames: what makes frames of what they keep.
        batch_size: rows side by side; the last batch of an epoch may be smaller.
        fits: whether (row, frames) leave room for what is said; another speed may not.
        augmentation: what is drawn for each row.
        sort_first: whether the first epoch is sorted.
        seed: of all draws.
    """

    def __init__(
        self,
        rows: EncodedUtterances,
        to_frames: ToFrames,
        batch_size: int,
        fits: Callable[[int, int], bool],
        augmentation: Augmentation,
        *,
        sort_first: bool,
        seed: int,
    ) -> None:
        self._rows, self._to_frames, self._batch_size = rows, to_frames, batch_size
        self._fits, self._augmentation, self._sort_first = fits, augmentation, sort_first
        super().__init__(seed)

    def _draw(self, generator: np.random.Generator) -> list[Integers]:
        order, size = generator.permutation(len(self._rows)), self._batch_size
        lengths, pool_size = self._rows.lengths, _POOL * size
        first = self._sort_first and self._epoch == 0
        if first:
            pool_size = len(order)
        batches: list[Integers] = []
        for begin in range(0, len(order), pool_size):
            pool = order[begin : begin + pool_size]
            pool = pool[np.argsort(lengths[pool], kind="stable")]
            batches += [pool[place : place + size] for place in range(0, len(pool), size)]
        return batches if first else [batches[i] for i in generator.permutation(len(batches))]

    def _batch(self, rows: Integers, number: int) -> UtteranceBatch:
        frames = [self._augmented(row) for row in rows.tolist()]
        return self._rows.batch(rows, frames)

    def _augmented(self, row: int) -> Floats:
        chosen = self._augmentation
        draw = np.random.default_rng((self._seed, 1, self._epoch, row))
        speed = float(chosen.speeds[draw.integers(len(chosen.speeds))])
        frames = self._frames(row, speed, draw)
        if not self._fits(row, len(frames)):
            frames = self._frames(row, 1.0, draw)
        for change in (chosen.channel, chosen.masks):
            frames = frames if change is None else change(frames, draw)
        return frames

    def _frames(self, row: int, speed: float, draw: np.random.Generator) -> Floats:
        found: Any = self._rows.row(row, speed)
        if self._augmentation.noise and draw.random() < self._augmentation.noise:
            found = add_noise(found, float(draw.uniform(*self._augmentation.snr)), draw)
        return self._to_frames(found)

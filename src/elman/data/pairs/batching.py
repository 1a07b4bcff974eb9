"""Sentence pairs as token ids on disk, and as batches of about as many tokens each.

Legend: S source steps, T target steps, B batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import safetensors.numpy
from safetensors import SafetensorError
from torch import Tensor

from elman.data.batching import IGNORE, EpochBatches, RowBatch, padded
from elman.errors import InputError
from elman.files import safetensors_path

Ids = npt.NDArray[np.int64]
_FLAT = ("source", "source_ends", "target", "target_ends")


@dataclass(frozen=True, eq=False)
class EncodedPairs:
    """The ids of many pairs, flat; each sentence closes with its end token.

    Attributes:
        source: the ids of all sources, one after the other.
        source_ends: where each of them ends.
        target: the ids of all targets.
        target_ends: where each of them ends.
    """

    source: Ids
    source_ends: Ids
    target: Ids
    target_ends: Ids

    @classmethod
    def of(cls, sources: Sequence[Ids], targets: Sequence[Ids]) -> EncodedPairs:
        """The pairs of `sources` and `targets`, which are as many."""
        flat = []
        for rows in (sources, targets):
            flat.append(np.concatenate([np.empty(0, np.int64), *rows]))
            flat.append(np.cumsum([len(row) for row in rows], dtype=np.int64))
        return cls(*flat)

    def __len__(self) -> int:
        return len(self.source_ends)

    @property
    def lengths(self) -> tuple[Ids, Ids]:
        return np.diff(self.source_ends, prepend=0), np.diff(self.target_ends, prepend=0)

    def select(self, places: Ids) -> EncodedPairs:
        sides = []
        for flat, ends in ((self.source, self.source_ends), (self.target, self.target_ends)):
            sides.append([flat[(ends[p - 1] if p else 0) : ends[p]] for p in places])
        return EncodedPairs.of(*sides)

    def rows(self, places: Ids, start_id: int) -> PairBatch:
        """The pairs at `places` as a batch."""
        source, lengths = _padded(self.source, self.source_ends, places, 0)
        targets, _ = _padded(self.target, self.target_ends, places, IGNORE)
        inputs = targets.roll(1, 0).clamp(min=0)
        inputs[0] = start_id
        return PairBatch(source, lengths, inputs, targets)

    def save(self, path: Path) -> None:
        """Write a safetensors file, whole or not at all."""
        with safetensors_path(path) as partial:
            safetensors.numpy.save_file({name: getattr(self, name) for name in _FLAT}, partial)

    @classmethod
    def load(cls, path: Path) -> EncodedPairs:
        """Read what `save` wrote."""
        try:
            arrays = safetensors.numpy.load_file(path)
            pairs = cls(*(arrays[name] for name in _FLAT))
        except (OSError, SafetensorError, KeyError, AttributeError) as error:
            raise InputError(f"{path}: cannot be read as encoded pairs ({error})") from error
        for flat, ends in ((pairs.source, pairs.source_ends), (pairs.target, pairs.target_ends)):
            whole = ends.ndim == 1 == flat.ndim and len(ends) == len(pairs) > 0
            if not whole or ends[-1] != len(flat) or (np.diff(ends, prepend=0) < 1).any():
                raise InputError(f"{path}: damaged, its sentences end where there are none")
        return pairs


@dataclass(frozen=True, eq=False)
class PairBatch(RowBatch):
    """Some pairs, padded to the longest.

    Attributes:
        source: (S, B) ids; 0 past the end.
        source_lengths: (B,) int64.
        inputs: (T, B), what the decoder reads: the start token and then the target.
        targets: (T, B), what it is to say; `IGNORE` past the end.
        number: how many batches came before it in training.
    """

    source: Tensor
    source_lengths: Tensor
    inputs: Tensor
    targets: Tensor
    number: int = 0
    reset: None = None

    @property
    def batch_size(self) -> int:
        return self.inputs.shape[1]

    @property
    def steps(self) -> int:
        return len(self.source) + len(self.inputs)

    @property
    def units(self) -> int:
        return int((self.targets != IGNORE).sum())

    def select(self, rows: Tensor) -> PairBatch:
        lengths = self.source_lengths[rows]
        ends = int((self.targets[:, rows] != IGNORE).sum(0).max())
        return PairBatch(
            self.source[: int(lengths.max()), rows],
            lengths,
            self.inputs[:ends, rows],
            self.targets[:ends, rows],
            self.number,
        )

    def split(self, parts: int) -> list[PairBatch]:
        return self._cut(parts)


class PairBatches(EpochBatches[PairBatch]):
    """An endless, resumable source of batches of pairs that are about equally long.

    An epoch is a shuffle of the pairs, sorted by target and source length (the shuffle settles
    the order among equals), cut into batches of at most `batch_tokens` padded tokens on either
    side and `batch_size` pairs, in shuffled order.
    A pair that is longer makes a batch of its own. The decoder reads `start_id` first.
    """

    def __init__(
        self, pairs: EncodedPairs, batch_tokens: int, batch_size: int, start_id: int, *, seed: int
    ) -> None:
        self._pairs = pairs
        self._start_id = start_id
        source, target = pairs.lengths
        self._lengths = source, target
        order = np.lexsort((source, target))
        # Which pair stands where differs from epoch to epoch; the lengths, and so the cuts, do not.
        self._cuts = _cuts(np.maximum(source, target)[order], batch_tokens, batch_size)
        super().__init__(seed)

    def _batch(self, rows: Ids, number: int) -> PairBatch:
        return replace(self._pairs.rows(rows, self._start_id), number=number)

    def _draw(self, generator: np.random.Generator) -> list[Ids]:
        source, target = self._lengths
        order = np.lexsort((generator.permutation(len(self._pairs)), source, target))
        return [order[self._cuts[place]] for place in generator.permutation(len(self._cuts))]


def in_order(
    pairs: EncodedPairs, batch_tokens: int, batch_size: int, start_id: int
) -> Iterator[PairBatch]:
    """One pass over the pairs, from the shortest to the longest."""
    source, target = pairs.lengths
    order = np.lexsort((source, target))
    for cut in _cuts(np.maximum(source, target)[order], batch_tokens, batch_size):
        yield pairs.rows(order[cut], start_id)


def _cuts(lengths: Ids, batch_tokens: int, batch_size: int) -> list[slice]:
    """Where to cut a row of pairs of these lengths."""
    cuts, begin, longest = [], 0, 0
    for place, length in enumerate(lengths.tolist()):
        grown = max(longest, length)
        rows = place - begin
        if rows and (rows == batch_size or (rows + 1) * grown > batch_tokens):
            cuts.append(slice(begin, place))
            begin, grown = place, length
        longest = grown
    return [*cuts, slice(begin, len(lengths))]


def _padded(flat: Ids, ends: Ids, places: Ids, padding: int) -> tuple[Tensor, Tensor]:
    begins = np.where(places > 0, ends[places - 1], 0)
    return padded(flat, begins, ends[places] - begins, padding)

"""Several activities in one long sequence: stretches of one label, with where they begin and end.

A classifier of whole clips answers for windows. Windows of R blocks of steps begin one block after
the other, so each block is seen by R of them; a block's probabilities are the mean over the windows
that hold it, weighted by their steps. A boundary between two activities is then early in as many
windows as it is late in, which the last window alone, always late, is not.

    p_b = sum over windows w that hold b of n_w p_w  /  sum of n_w

Blocks of one label after each other are a segment.

Legend: R rows of the network, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
import torch
from torch import Tensor

from elman.data.labeled.rows import Floats

Place: TypeAlias = tuple[dict[str, Tensor], dict[str, Any]]


@dataclass(frozen=True)
class Segment:
    """Steps `begin` to `end` (excluded) of one label, and the mean of its probability over them."""

    begin: int
    end: int
    label: int
    probability: float


@final
class Segmenter:
    """Probabilities in, a block of steps at a time; out come segments as they end.

    A label counts once it has stayed for `shortest` steps; what is shorter belongs to the segment
    it interrupts. Segments touch: each begins where the one before ends.

    Args:
        classes: K.
        shortest: in steps, 1 or more.
    """

    def __init__(self, classes: int, shortest: int) -> None:
        self._classes, self._shortest = classes, shortest
        self.reset()

    def reset(self) -> None:
        # Of the segment, and of what may be the next one: its label, its first step, and the sum
        # of the probabilities over its steps.
        self._labels, self._begins = [-1, -1], [0, 0]
        self._sums = np.zeros((2, self._classes))
        self._steps = 0

    def push(self, probabilities: Floats, steps: int) -> Iterator[Segment]:
        """The segment that ends before the next `steps`, of probabilities (K,), if one does."""
        label, place = int(probabilities.argmax()), self._steps
        weighted = probabilities * float(steps)
        self._steps += steps
        if self._labels[0] < 0:
            self._labels[0] = label
        if label == self._labels[0]:
            self._sums[0] += self._sums[1] + weighted
            self._drop()
            return
        if label != self._labels[1]:
            self._sums[0] += self._sums[1]
            self._labels[1], self._begins[1] = label, place
            self._sums[1] = 0
        self._sums[1] += weighted
        if self._steps - self._begins[1] >= self._shortest:
            yield self._segment(self._begins[1])
            self._labels[0], self._begins[0] = self._labels[1], self._begins[1]
            self._sums[0] = self._sums[1]
            self._drop()

    def flush(self) -> Iterator[Segment]:
        """The last one."""
        if self._steps:
            self._sums[0] += self._sums[1]
            yield self._segment(self._steps)
        self.reset()

    @property
    def state(self) -> Place:
        """The place; ValueError where it is set to what is none."""
        values = {"labels": list(self._labels), "begins": list(self._begins), "steps": self._steps}
        return {"sums": torch.from_numpy(self._sums.copy())}, values

    @state.setter
    def state(self, place: tuple[Mapping[str, Tensor], Mapping[str, Any]]) -> None:
        sums, (labels, begins, steps) = place[0]["sums"].numpy(), _whole(place[1])
        fits = len(labels) == len(begins) == 2 and 0 <= begins[0] <= steps
        fits = fits and 0 <= begins[1] <= steps and (labels[0] >= 0) == (steps > 0)
        fits = fits and all(-1 <= label < self._classes for label in labels)
        if not fits or sums.shape != self._sums.shape or not np.isfinite(sums).all():
            raise ValueError(f"{labels} from {begins} of {steps} steps: no place in segments")
        self._labels, self._begins, self._steps = labels, begins, steps
        self._sums = sums.astype(np.float64)

    def _drop(self) -> None:
        self._labels[1], self._begins[1] = -1, self._steps
        self._sums[1] = 0

    def _segment(self, end: int) -> Segment:
        begin, label = self._begins[0], self._labels[0]
        return Segment(begin, end, label, float(self._sums[0, label]) / (end - begin))


@final
class Blocks:
    """The probabilities of windows in; out come those of the blocks that no later window holds.

    Args:
        rows: R, the blocks of a window.
        size: the steps of a block.
        classes: K.
    """

    def __init__(self, rows: int, size: int, classes: int) -> None:
        self._rows, self._size = rows, size
        self._sums, self._weights = np.zeros((rows, classes)), np.zeros(rows)

    def reset(self) -> None:
        self._sums[:], self._weights[:] = 0, 0

    def end_of(self, window: Floats, block: int) -> Floats | None:
        """(K,) of the block that is settled by a window (K,), the last one before `block`.

        None where there is none: the first windows are shorter.
        """
        first = max(block - self._rows, 0)
        self._add(window, first, block, (block - first) * self._size)
        if block < self._rows:
            return None
        slot = first % self._rows
        found = self._mean(slot)
        self._sums[slot], self._weights[slot] = 0, 0
        return found

    def rest(self, windows: Floats, steps: int) -> Iterator[tuple[Floats, int]]:
        """All blocks that are left after `steps`, with the steps of each; `windows` are (R, K)."""
        last = (steps - 1) // self._size
        for row, window in enumerate(windows):
            first = max(last - (last - row) % self._rows, 0)
            self._add(window, first, last + 1, steps - first * self._size)
        for block in range(max(last - self._rows + 1, 0), last + 1):
            slot, end = block % self._rows, min((block + 1) * self._size, steps)
            yield self._mean(slot), end - block * self._size

    @property
    def state(self) -> dict[str, Tensor]:
        """The sums; ValueError where they are set to what does not fit."""
        names = {"block_sums": self._sums, "block_weights": self._weights}
        return {name: torch.from_numpy(each.copy()) for name, each in names.items()}

    @state.setter
    def state(self, state: Mapping[str, Tensor]) -> None:
        sums, weights = state["block_sums"].numpy(), state["block_weights"].numpy()
        if sums.shape != self._sums.shape or weights.shape != self._weights.shape:
            raise ValueError(f"blocks of shape {sums.shape}, expected {self._sums.shape}")
        if not (np.isfinite(sums).all() and (weights >= 0).all()):
            raise ValueError("blocks whose sums are not numbers")
        self._sums, self._weights = sums.astype(np.float64), weights.astype(np.float64)

    def _mean(self, slot: int) -> Floats:
        found: Floats = (self._sums[slot] / max(self._weights[slot], 1)).astype(np.float32)
        return found

    def _add(self, window: Floats, first: int, end: int, steps: int) -> None:
        slots = np.arange(first, end) % self._rows
        self._sums[slots] += steps * window.astype(np.float64)
        self._weights[slots] += steps


def _whole(values: Mapping[str, Any]) -> tuple[list[int], list[int], int]:
    return (
        [int(label) for label in values["labels"]],
        [int(begin) for begin in values["begins"]],
        int(values["steps"]),
    )

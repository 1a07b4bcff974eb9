"""Truncated backpropagation through time: what is carried from chunk to chunk.

A chunk is k1 steps and one update of the weights. The state goes on from chunk to chunk, detached;
with k2 > k1, gradients of the newest chunk's loss flow back through k2 / k1 - 1 earlier chunks as
well, which are run again from the state that entered the oldest of them (Williams and Peng 1990,
BPTT(h; h') with h = k2 and h' = k1).

Legend: T time, B batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn

from elman.data.batching import Batch
from elman.layers.state import State
from elman.training.contracts import AnyBatch, Objective, Recurrent, StepLoss


@dataclass(frozen=True)
class Window:
    """What the next chunk needs of the past.

    Attributes:
        state: the state that entered the oldest of `chunks`, or the next chunk where there are
            none; detached. None before the first batch, and always where no state is carried.
        chunks: the chunks before the next one that gradients still reach, oldest first.
    """

    state: State | None = None
    chunks: tuple[Batch, ...] = ()

    def state_dict(self) -> dict[str, Any]:
        state = self.state
        return {
            "state": None if state is None else {"tensors": dict(state), "axes": dict(state.axes)},
            "chunks": [vars(chunk) for chunk in self.chunks],
        }

    @classmethod
    def from_state_dict(cls, tree: Mapping[str, Any], device: torch.device) -> Window:
        state = tree["state"]
        if state is not None:
            state = State.with_axes(state["tensors"], state["axes"]).to(device)
        return cls(state, tuple(Batch(**chunk).to(device) for chunk in tree["chunks"]))


def begin(state: State | None, batch: AnyBatch, model: nn.Module) -> State | None:
    """The state that enters `batch`: `state`, with the rows that begin a sequence set anew.

    Those rows get the model's initial state, with its graph, so that an initial state can be
    learned. All rows do when there is no state yet. None where the batch carries no state.
    """
    if batch.reset is None:
        return None
    initial = cast("Recurrent", model).initial_state(batch.batch_size)
    if state is None:
        return initial
    state.require_like(initial, "the state carried into a batch")
    return state.reset(batch.reset, initial) if bool(batch.reset.any()) else state


def unroll(
    objective: Objective, window: Window, batch: AnyBatch, chunks_back: int
) -> tuple[StepLoss, Window]:
    """The loss of `batch`, its graph reaching back over the window, and the window after it.

    Args:
        objective: gives the loss and, for earlier chunks, only the state.
        window: the past.
        batch: the newest chunk, the only one whose loss counts.
        chunks_back: how many chunks the next window may hold.
    """
    entering = [window.state]
    state = window.state
    for chunk in window.chunks:
        entered = begin(state, chunk, objective.model)
        assert entered is not None, "chunks are kept only where a state is carried"
        state = objective.advance(chunk, entered)
        entering.append(state.detach())
    result = objective.loss(batch, begin(state, batch, objective.model))
    if result.state is None:
        return result, Window()
    entering.append(result.state.detach())
    chunks = (*window.chunks, cast("Batch", batch))
    dropped = max(0, len(chunks) - chunks_back)
    return result, Window(entering[dropped], chunks[dropped:])


def split_rows(window: Window, batch: AnyBatch, parts: int) -> list[tuple[Window, AnyBatch]]:
    """Cut a batch by rows, each part with its rows of the past."""
    if parts == 1:
        return [(window, batch)]
    batches = batch.split(parts)
    chunks = [chunk.split(parts) for chunk in window.chunks]
    split: list[tuple[Window, AnyBatch]] = []
    first = 0
    for index, part in enumerate(batches):
        rows = range(first, first + part.batch_size)
        state = None if window.state is None else window.state.select(list(rows))
        split.append((Window(state, tuple(chunk[index] for chunk in chunks)), part))
        first = rows.stop
    return split


def join_rows(window: Window, batch: AnyBatch, parts: Sequence[Window]) -> Window:
    """The inverse of `split_rows` for the windows that come after the parts of `batch`."""
    if len(parts) == 1:
        return parts[0]
    states = [part.state for part in parts if part.state is not None]
    kept = len(parts[0].chunks)
    chunks = (*window.chunks, cast("Batch", batch))
    return Window(State.stack(states) if states else None, chunks[len(chunks) - kept :])

"""What the training loop asks of a task, of its data and of whoever watches it.

Legend: T time, B batch, k1 steps per update, k2 steps that gradients flow back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import torch
from torch import Tensor, nn

from elman.layers.state import State


class AnyBatch(Protocol):
    """What the loop needs of a batch; `elman.data.batching.Batch` is the one that most tasks use.

    A task whose state is carried from batch to batch uses `Batch` itself.
    """

    @property
    def reset(self) -> Tensor | None:
        """(B,) bool, the rows that begin a new sequence; None where no state is carried."""

    @property
    def batch_size(self) -> int:
        """Number of rows, B."""

    @property
    def steps(self) -> int:
        """How many steps of time the network takes over it, T."""

    @property
    def units(self) -> int:
        """How many units the mean loss is over."""

    def to(self, device: torch.device | str) -> Self:
        """The same batch on another device."""

    def split(self, parts: int) -> Sequence[Self]:
        """Cut by rows into `parts` batches."""


@dataclass(frozen=True)
class StepLoss:
    """The loss of one batch.

    Attributes:
        loss: scalar with its graph, the mean over the units (nats per token, for example).
        units: how many units the mean is over; batches and their parts are weighted by it.
        state: the state after the batch's last step, or None where no state is carried.
    """

    loss: Tensor
    units: int
    state: State | None


class Recurrent(Protocol):
    """What the loop needs of a model that carries state: where a sequence begins."""

    def initial_state(self, batch_size: int) -> State:
        """The state at the beginning of each of `batch_size` sequences."""


class Objective(Protocol):
    """What is being learned: a model, its loss and how it is evaluated.

    A model whose batches carry state (``batch.reset`` is not None) also has
    ``initial_state(batch_size) -> State``. A batch is of the kind that the task's source gives.
    """

    model: nn.Module
    unit: str  # plural, in the field's words: "tokens", "frames"

    def loss(self, batch: Any, state: State | None) -> StepLoss:
        """The loss of `batch` from `state`, which the loop has already reset by row."""

    def advance(self, batch: Any, state: State) -> State:
        """Only the state after `batch`, with its graph: the earlier chunks of a k2 > k1 window."""

    def evaluate(self) -> dict[str, float]:
        """Metrics on the validation data, one of them "loss" (mean per unit, lower is better).

        Training ends at a regular evaluation with a "solved" that is not 0, where a task has one.

        Called in eval mode and without gradients. It carries state through the data as training
        does, starts from the initial state, and leaves no trace: not in the model, not in the
        source.
        """


@runtime_checkable
class RowLosses(Protocol):
    """An objective whose batches are not `elman.data.batching.Batch`, so that it can be watched."""

    def row_losses(self, batch: Any, rows: int) -> Tensor:
        """(B,) the loss of each of the first `rows` rows of `batch`, with its graph.

        It is that of the row's last unit where there are several, and rows must not mix.
        """


class Source(Protocol):
    """An endless stream of batches whose place can be saved.

    After ``load_state_dict(state_dict())`` of another instance over the same data, `__next__`
    returns exactly the batches that the other would have returned.
    """

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the data (its expectation where lengths are random)."""

    def __next__(self) -> AnyBatch: ...

    def state_dict(self) -> dict[str, Any]:
        """The place: a nest of dict, list, str, int, float, bool, None and tensors."""

    def load_state_dict(self, state: Mapping[str, Any], /) -> None:
        """Go to a place that `state_dict` gave."""


@dataclass(frozen=True)
class StepEvent:
    """One step as its gradients stand: after backward, before clipping and the update.

    Attributes:
        step: 1 for the first step.
        model: its parameters hold the weights that made the loss and their gradients.
        batch: the batch of this step.
        state: the state that entered the batch's window, detached, or None.
        loss: mean per unit.
        units: how many units the loss is the mean of.
        grad_norm: the 2-norm of all gradients together, before clipping; may be inf or nan.
        learning_rate: what the coming update uses.
        chunks: the batches before this one that its gradients reach too, oldest first; where there
            are any, `state` entered the oldest of them.
    """

    step: int
    model: nn.Module
    batch: AnyBatch
    state: State | None
    loss: float
    units: int
    grad_norm: float
    learning_rate: float
    chunks: tuple[AnyBatch, ...] = ()


@dataclass(frozen=True)
class Observation:
    """What an observer has to tell.

    Attributes:
        record: numbers by name, for metrics.jsonl; the loop adds the step.
        warning: a sentence for the person who trains, or "".
    """

    record: Mapping[str, float]
    warning: str = ""


class Observer(Protocol):
    """Watches training without changing it."""

    def after_backward(self, event: StepEvent) -> Observation | None:
        """Called once a step; must leave parameters, gradients and randomness as they are."""

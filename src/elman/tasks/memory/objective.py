"""The loss of the scored answers, and how well new sequences are answered.

Legend: N scored answers, K outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import final

import torch
from torch import Tensor, nn

from elman.data.batching import IGNORE, Batch
from elman.data.memory import Problem
from elman.layers.state import State
from elman.models.memory import MemoryNetwork, answer_loss, answer_score
from elman.tasks.memory.config import MemoryConfig
from elman.tasks.memory.data import held_out
from elman.training.contracts import StepLoss


@final
class MemoryObjective:
    """What the network is trained on: each answer counts alike."""

    unit = "answers"

    def __init__(self, model: MemoryNetwork, problem: Problem, config: MemoryConfig) -> None:
        self.model: nn.Module = model
        self._network, self._problem, self._config = model, problem, config

    def loss(self, batch: Batch, state: State | None) -> StepLoss:
        answers, targets = answered(self._network, batch)
        return StepLoss(answer_loss(answers, targets), len(targets), None)

    def advance(self, batch: Batch, state: State) -> State:
        raise AssertionError("each batch is whole sequences, so no state is carried")

    @cached_property
    def _valid(self) -> list[Batch]:
        device = next(self.model.parameters()).device
        return [b.to(device) for b in held_out(self._problem, self._config, "valid")]

    def evaluate(self) -> dict[str, float]:
        loss, value = score(self._network, self._valid)
        name = self._problem.metric.replace(" ", "_")
        solved = self._config.early_stop and self._problem.is_solved(value)
        return {"loss": loss, name: value, "solved": float(solved)}


def answered(model: MemoryNetwork, batch: Batch) -> tuple[Tensor, Tensor]:
    """The outputs (N, K) at the scored steps of `batch`, and what they should be (N)."""
    scored = batch.targets != IGNORE
    outputs, _ = model(batch.inputs)
    return outputs[scored], batch.targets[scored]


@torch.no_grad()
def score(model: MemoryNetwork, batches: Sequence[Batch]) -> tuple[float, float]:
    """The mean loss and the mean score of all answers in `batches`."""
    loss = value = 0.0
    units = 0
    for batch in batches:
        answers, targets = answered(model, batch)
        loss += len(targets) * float(answer_loss(answers, targets))
        value += len(targets) * float(answer_score(answers, targets))
        units += len(targets)
    return loss / units, value / units

"""A network on the sequences of a memory problem, as a diagnosis takes it.

Legend: T time, B batch, I input, K outputs.
"""

from __future__ import annotations

from torch import Tensor

from elman.data.batching import IGNORE, Batch
from elman.diagnostics.diagnosis_input import DiagnosisInput
from elman.diagnostics.losses import losses_of
from elman.models.memory import MemoryNetwork
from elman.tasks.memory.config import MemoryConfig

ROWS = 16


def diagnosis_input(
    model: MemoryNetwork, batch: Batch, config: MemoryConfig, *, needs: int | None = None
) -> DiagnosisInput:
    """Only the steps with an answer are scored; what is needed is the lag, unless given."""
    inputs, targets = batch.inputs, batch.targets
    scored = tuple((targets != IGNORE).any(1).nonzero().flatten().tolist())

    def outputs(x: Tensor) -> Tensor:
        answers: Tensor = model(x)[0]
        return answers

    def losses(x: Tensor) -> Tensor:
        if not targets.is_floating_point():
            return losses_of(outputs(x), targets)
        found = losses_of(outputs(x), targets.unsqueeze(-1))
        return found.masked_fill(targets == IGNORE, 0)

    return DiagnosisInput(
        model,
        inputs,
        losses,
        outputs,
        categorical=not targets.is_floating_point(),
        scored=scored,
        needs=min(config.lag, scored[-1]) if needs is None else needs,
        cell=config.cell,
    )

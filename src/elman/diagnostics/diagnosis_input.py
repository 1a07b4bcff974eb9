"""The input of a diagnosis: a model, a batch of data, and how its losses and outputs are computed.

Legend: T time, B batch, K width of the output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from torch import Tensor, nn

from elman.diagnostics.losses import (
    IGNORE,
    StepLosses,
    is_batch_first,
    split_batch,
    step_losses,
    time_first_outputs,
)
from elman.diagnostics.steps import require_recurrent
from elman.errors import InputError


@dataclass(frozen=True)
class Lags:
    """The lags that a diagnosis looks at; where they are None, the data and the task decide.

    Attributes:
        most: the largest.
        needs: the lag that the task needs.
    """

    most: int | None = None
    needs: int | None = None


@dataclass(frozen=True, eq=False)
class DiagnosisInput:
    """A model and a batch; made by a task, or by `DiagnosisInput.of` for any model.

    Attributes:
        model: is in eval mode during the diagnosis.
        inputs: of the model; time is axis `time_axis`, batch the other one of axes 0 and 1.
        losses: inputs -> (T, B), or (B,) at the end of each row.
        outputs: inputs -> (T, B, K) or (B, K), logits or numbers whose change is measured.
        categorical: whether outputs are the logits of a distribution over K classes.
        scored: the steps whose loss counts; None for all.
        time_axis: 0 or 1.
        truncation: steps of backpropagation in training, or None if unknown.
        needs: the lag that the task needs, or None if unknown.
        cell: name of the cell ("rnn", "lstm"), for remedies, or None if unknown.
        unit: what a step is, in the plural.
        max_lag: the largest lag that the data are meant for, or None.
    """

    model: nn.Module
    inputs: Tensor
    losses: Callable[[Tensor], Tensor]
    outputs: Callable[[Tensor], Tensor]
    categorical: bool
    scored: tuple[int, ...] | None = None
    time_axis: int = 0
    truncation: int | None = None
    needs: int | None = None
    cell: str | None = None
    unit: str = "steps"
    max_lag: int | None = None

    @property
    def steps(self) -> int:
        return self.inputs.shape[self.time_axis]

    @property
    def rows(self) -> int:
        """B."""
        return self.inputs.shape[1 - self.time_axis]

    @classmethod
    def of(
        cls,
        model: nn.Module,
        batch: Any,
        *,
        losses: StepLosses | None = None,
        truncation: int | None = None,
        needs: int | None = None,
    ) -> Self:
        """For a model that is called as ``model(inputs)``; see `step_losses`.

        Raises:
            InputError: no recurrent layer, or inputs that are not a tensor of rows and steps.
        """
        require_recurrent(model)
        inputs, targets = split_batch(batch)
        if not isinstance(inputs, Tensor) or inputs.dim() < 2:
            got = tuple(inputs.shape) if isinstance(inputs, Tensor) else type(inputs).__name__
            raise InputError(
                f"the inputs are {got}, expected a tensor (time, batch, ...), or (batch, time, ...)"
                " where the layers are batch_first"
            )
        batch_first = is_batch_first(model)
        categorical = targets is not None and not targets.is_floating_point()
        scored = None
        if categorical and targets.dim() == 2:
            counts = (targets != IGNORE).any(0 if batch_first else 1)
            scored = None if bool(counts.all()) else tuple(counts.nonzero().flatten().tolist())
        return cls(
            model,
            inputs,
            lambda x: (losses or step_losses)(model, x if targets is None else (x, targets)),
            lambda x: time_first_outputs(model, x),
            categorical,
            scored,
            1 if batch_first else 0,
            truncation,
            needs,
        )

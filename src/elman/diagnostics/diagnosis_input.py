"""The input of a diagnosis: a model, a batch of data, and how its losses and outputs are computed.

Legend: T time, B batch, K width of the output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import torch
from torch import Tensor, nn

from elman.diagnostics.axes import find_axes
from elman.diagnostics.losses import IGNORE, StepLosses, losses_of, require_inputs, split_batch
from elman.diagnostics.steps import in_eval_mode, require_recurrent


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
        """For any model; without `losses`, one that is called as ``model(inputs)``.

        Raises:
            InputError: no recurrent layer, or inputs that are not a tensor of rows and steps.
        """
        require_recurrent(model)
        with torch.inference_mode(False), in_eval_mode(model):
            inputs, targets, call = _calls(model, batch, losses)
            axes = find_axes(model, inputs, lambda x: call(x)[1])
        targets = None if targets is None else axes.targets(targets)
        categorical = targets is not None and not targets.is_floating_point()
        scored = None
        if targets is not None and categorical and targets.dim() == 2:
            counts = targets.ne(IGNORE).any(1)
            scored = None if bool(counts.all()) else tuple(counts.nonzero().flatten().tolist())

        def given(x: Tensor) -> Tensor:
            return x if axes.batched else x.squeeze(1)

        def losses_at(x: Tensor) -> Tensor:
            found, outputs = call(given(x))
            if found is None:
                return losses_of(axes.time_first(outputs), targets)
            turned = found.shape == (axes.rows, axes.steps) and axes.rows != axes.steps
            return found.t() if turned else found

        return cls(
            model,
            inputs if axes.batched else inputs.unsqueeze(1),
            losses_at,
            lambda x: axes.time_first(call(given(x))[1]),
            categorical,
            scored,
            axes.time,
            truncation,
            needs,
        )


Calls: TypeAlias = Callable[[Tensor], tuple[Tensor | None, Any]]
"""Inputs -> the losses that a function of the user's own gives, and what the model returns."""


def _calls(
    model: nn.Module, batch: Any, losses: StepLosses | None
) -> tuple[Tensor, Tensor | None, Calls]:
    """The inputs, the targets if there are any, and how the model is called."""
    if losses is None:
        inputs, targets = split_batch(batch)
        return require_inputs(inputs), targets, lambda x: (None, model(x))
    several = isinstance(batch, tuple | list)
    first, *rest = batch if several else (batch,)

    def call(x: Tensor) -> tuple[Tensor, Any]:
        returned: list[Any] = []
        hook = model.register_forward_hook(lambda _, __, output: returned.append(output))
        try:
            found = losses(model, type(batch)((x, *rest)) if several else x)
        finally:
            hook.remove()
        # A function that calls parts of the model alone leaves only its losses to look at.
        return found, returned[-1] if returned else found

    last = rest[-1] if rest else None
    return require_inputs(first), last if isinstance(last, Tensor) else None, call

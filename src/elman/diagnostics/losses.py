"""Outputs and losses of each step, for any model that is called as ``model(inputs)``.

Legend: T time, B batch, K width of the output.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from elman.diagnostics.axes import find_axes
from elman.diagnostics.steps import in_eval_mode
from elman.errors import InputError

IGNORE = -100
"""The target that is not scored (torch's `ignore_index`)."""

StepLosses: TypeAlias = Callable[[nn.Module, Any], Tensor]
"""(model, batch) -> the loss of each step and row (T, B), or of each row at its end (B,)."""


def step_losses(model: nn.Module, batch: Any, *, seed: int = 0) -> Tensor:
    """The default losses of a model that is called as ``model(inputs)``.

    `batch` is ``(inputs, targets)``, or the inputs alone. Outputs are (T, B, K), (B, T, K), or
    (B, K) at the end of each row; with one number a step also (T, B) or (B, T). Which axis is time
    is seen from how the recurrent layers run. Of a tuple, the first element counts. For integer
    targets the loss is the cross-entropy in nats, with the outputs as logits (or
    log-probabilities); for other targets, the squared error summed over K. Without targets it is
    g · y_t with a random unit vector g for each row, so that the gradient is that of the output
    itself.

    The losses are (T, B), or (B,) for outputs (B, K).
    """
    return bound_losses(model, batch, seed=seed)()


def bound_losses(model: nn.Module, batch: Any, *, seed: int = 0) -> Callable[[], Tensor]:
    """`step_losses` as a function that runs the model once, with the axes known beforehand."""
    inputs, targets = split_batch(batch)
    inputs = require_inputs(inputs)
    with in_eval_mode(model):
        axes = find_axes(model, inputs, model)
    wanted = None if targets is None else axes.targets(targets)
    return lambda: losses_of(axes.time_first(model(inputs)), wanted, seed=seed)


def require_inputs(inputs: Any) -> Tensor:
    """The inputs, if they are a tensor of steps."""
    if isinstance(inputs, Tensor) and inputs.dim() > 1:
        return inputs.clone() if inputs.is_inference() else inputs
    got = tuple(inputs.shape) if isinstance(inputs, Tensor) else type(inputs).__name__
    raise InputError(
        f"the inputs are {got}, expected a tensor (time, batch, ...), or (batch, time, ...) where"
        " the layers are batch_first; for a model that is called differently pass losses=, a"
        " function (model, batch) -> losses (T, B), and a batch whose first item is that tensor"
    )


def split_batch(batch: Any) -> tuple[Any, Any]:
    """Inputs and targets of a batch; None for targets if it is the inputs alone."""
    return tuple(batch) if isinstance(batch, (tuple, list)) and len(batch) == 2 else (batch, None)


def losses_of(outputs: Tensor, targets: Tensor | None, *, seed: int = 0) -> Tensor:
    """The losses of time-first outputs; see `step_losses`."""
    if targets is None:
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randn(outputs.shape[-2:], generator=generator, dtype=torch.float64)
        direction = functional.normalize(drawn, dim=-1).to(outputs)
        return torch.sum(outputs * direction, -1)
    categorical = not targets.is_floating_point()
    expected = outputs.shape[:-1] if categorical else outputs.shape
    if targets.shape != expected:
        raise InputError(
            f"the targets have shape {tuple(targets.shape)}, expected {tuple(expected)} for "
            f"outputs {tuple(outputs.shape)}, time first"
        )
    if not categorical:
        return torch.sum((outputs - targets).square(), -1)
    flat = functional.cross_entropy(
        outputs.flatten(0, -2), targets.flatten(), reduction="none", ignore_index=IGNORE
    )
    return flat.reshape_as(targets)


def last_scored(targets: Tensor) -> Tensor:
    """(B,) the last scored step of each row of targets (T, B); 0 if none is scored."""
    order = torch.arange(1, len(targets) + 1, device=targets.device).unsqueeze(1)
    return torch.where(targets != IGNORE, order, 0).argmax(0)


def last_losses(logits: Tensor, targets: Tensor) -> Tensor:
    """(B,) the loss in nats of the last scored target of each row; 0 if none is scored."""
    last = last_scored(targets)
    rows = torch.arange(targets.shape[1], device=targets.device)
    return functional.cross_entropy(
        logits[last, rows], targets[last, rows], reduction="none", ignore_index=IGNORE
    )

"""Outputs and losses of each step, for any model that is called as ``model(inputs)``.

Legend: T time, B batch, K width of the output.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from elman.errors import InputError
from elman.layers.instrument import recurrent_layers

IGNORE = -100
"""The target that is not scored (torch's `ignore_index`)."""

StepLosses: TypeAlias = Callable[[nn.Module, Any], Tensor]
"""(model, batch) -> the loss of each step and row (T, B), or of each row at its end (B,)."""


def step_losses(model: nn.Module, batch: Any, *, seed: int = 0) -> Tensor:
    """The default losses of a model.

    `batch` is ``(inputs, targets)``, or the inputs alone. Outputs are (T, B, K), or (B, T, K) if
    the recurrent layers are ``batch_first``, or (B, K) at the end of each row; of a tuple, the
    first element. For integer targets the loss is the cross-entropy in nats, with the outputs as
    logits (or log-probabilities); for other targets, the squared error summed over K. Without
    targets it is g · y_t with a random unit vector g for each row, so that the gradient is that of
    the output itself.

    The losses are (T, B), or (B,) for outputs (B, K).
    """
    inputs, targets = split_batch(batch)
    outputs = time_first_outputs(model, inputs)
    if targets is not None and outputs.dim() == 3 and is_batch_first(model):
        targets = targets.transpose(0, 1)
    return losses_of(outputs, targets, seed=seed)


def split_batch(batch: Any) -> tuple[Any, Any]:
    """Inputs and targets of a batch; None for targets if it is the inputs alone."""
    return tuple(batch) if isinstance(batch, (tuple, list)) and len(batch) == 2 else (batch, None)


def is_batch_first(model: nn.Module) -> bool:
    """Whether recurrent layers in `model` are ``batch_first``."""
    return any(getattr(layer, "batch_first", False) for layer in recurrent_layers(model).values())


def time_first_outputs(model: nn.Module, inputs: Any) -> Tensor:
    """The outputs of the model, (T, B, K) or (B, K)."""
    outputs = model(inputs)
    outputs = outputs[0] if isinstance(outputs, tuple) else outputs
    if not isinstance(outputs, Tensor) or outputs.dim() not in (2, 3):
        got = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
        raise InputError(
            f"the model returns {got}, expected a tensor of 3 axes (time, batch, width) or of 2 "
            "(batch, width); pass losses=, a function (model, batch) -> losses (T, B)"
        )
    return outputs.transpose(0, 1) if outputs.dim() == 3 and is_batch_first(model) else outputs


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

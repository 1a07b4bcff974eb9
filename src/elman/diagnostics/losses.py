"""The loss at each step, of any model: what is asked of a person to have it diagnosed.

Legend: T time, B batch, K width of the output.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from elman.errors import InputError
from elman.layers.watch import recurrent_layers

IGNORE = -100
"""The target that is not scored (torch's own `ignore_index`)."""

StepLosses: TypeAlias = Callable[[nn.Module, Any], Tensor]
"""(model, batch) -> the loss of each step and row (T, B), or of each row at its end (B,)."""


def step_losses(model: nn.Module, batch: Any, *, seed: int = 0) -> Tensor:
    """The losses of a model called as ``model(inputs)``, where no other function is given.

    `batch` is ``(inputs, targets)``, or the inputs alone. Outputs are (T, B, K), or (B, T, K) where
    the recurrent layers are ``batch_first``, or (B, K) at the end of each row; of a tuple the first
    is taken. Against integer targets the loss is the cross-entropy in nats of outputs taken as
    logits (log-probabilities are logits), against others the squared error, summed over K.
    Without targets it is g · y_t with a random direction g of length 1 for each row: what reaches
    a state then is the gradient by the output itself, whatever a loss would make of it.

    Returns:
        (T, B), or (B,) for outputs (B, K).

    Raises:
        InputError: outputs that are no such tensor, or targets of another shape.
    """
    inputs, targets = batch if isinstance(batch, (tuple, list)) else (batch, None)
    outputs = model(inputs)
    outputs = outputs[0] if isinstance(outputs, tuple) else outputs
    if not isinstance(outputs, Tensor) or outputs.dim() not in (2, 3):
        got = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
        raise InputError(
            f"the model gives {got}, expected a tensor of 3 axes (time, batch, width) or of 2 "
            "(batch, width); give losses= a function (model, batch) -> losses (T, B)"
        )
    by_step = outputs.dim() == 3
    if by_step and any(getattr(m, "batch_first", False) for m in recurrent_layers(model).values()):
        outputs = outputs.transpose(0, 1)
        targets = None if targets is None else targets.transpose(0, 1)
    if targets is None:
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randn(outputs.shape[-2:], generator=generator, dtype=torch.float64)
        direction = functional.normalize(drawn, dim=-1).to(outputs)
        losses: Tensor = (outputs * direction).sum(-1)
        return losses
    whole = not targets.is_floating_point()
    expected = outputs.shape[:-1] if whole else outputs.shape
    if targets.shape != expected:
        raise InputError(
            f"the targets have shape {tuple(targets.shape)}, expected {tuple(expected)} for "
            f"outputs {tuple(outputs.shape)}, time first"
        )
    if not whole:
        return (outputs - targets).square().sum(-1)
    flat = functional.cross_entropy(
        outputs.flatten(0, -2), targets.flatten(), reduction="none", ignore_index=IGNORE
    )
    return flat.view(targets.shape)

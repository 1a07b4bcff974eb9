"""The steps of every layer along a batch, and a step as a function of one flat state vector.

Legend: T time, B batch, I input, S width of a flat state (h, or h and c concatenated).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from elman.errors import InputError
from elman.layers.instrument import Named, Step, recurrent_layers, watched
from elman.layers.state import State

Steps: TypeAlias = dict[str, list[Step]]
"""Steps by layer and direction, in the order of reading."""


def require_recurrent(model: nn.Module) -> None:
    """Raise InputError for a model without recurrent layers."""
    if not recurrent_layers(model):
        raise InputError(
            f"{type(model).__name__} has no recurrent layer to diagnose; expected elman.RNN, GRU, "
            "LSTM or Recurrent, or torch.nn.RNN, GRU or LSTM, somewhere inside"
        )


@contextmanager
def in_eval_mode(model: nn.Module) -> Iterator[None]:
    """Every module in eval mode inside the ``with`` block, and as it was after it."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def record(
    model: nn.Module, run: Callable[[], Any], places: Callable[[str], bool] | None = None
) -> tuple[Any, Steps]:
    """The result of `run`, and the steps that the layers of `model` took in it."""
    require_recurrent(model)
    steps: Steps = defaultdict(list)

    def keep(step: Step) -> None:
        if not steps[step.place]:
            _check_shapes(step)
        if places is None or places(step.place):
            steps[step.place].append(step)

    with watched(model, keep):
        result = run()
    steps = {place: taken for place, taken in steps.items() if taken}
    if not steps:
        raise InputError("none of the model's recurrent layers was called for this batch")
    return result, steps


def of_rows(steps: Steps, rows: int) -> Steps:
    """The steps that were taken with exactly the `rows` of a batch.

    A layer may also be called with another number of rows, such as one for each of several answers;
    those steps do not belong to a row of the batch.
    """
    own = {place: [step for step in taken if len(step.x) == rows] for place, taken in steps.items()}
    return {place: taken for place, taken in own.items() if taken}


def _check_shapes(step: Step) -> None:
    """A custom cell may return a state of another shape than it takes."""
    before = {name: tuple(tensor.shape) for name, tensor in step.before.items()}
    after = {name: tuple(tensor.shape) for name, tensor in step.after.items()}
    if before != after:
        raise InputError(
            f"{step.place}: a step turns a state of {before} into one of {after}; expected the same"
            " names and shapes, (batch, width)"
        )


def flat(named: Named) -> Tensor:
    """A state as one tensor (B, S)."""
    axes = named.axes if isinstance(named, State) else {}
    parts = [tensor.movedim(axes.get(name, 0), 0).flatten(1) for name, tensor in named.items()]
    return torch.cat(parts, 1)


def advance_flat(step: Step, x: Tensor, state: Tensor) -> Tensor:
    """The step for other inputs (N, I) and states (N, S) -> (N, S), with its autograd graph."""
    axes = step.before.axes if isinstance(step.before, State) else {}
    named, begin = {}, 0
    for name, like in step.before.items():
        axis = axes.get(name, 0)
        shape = like.movedim(axis, 0).shape[1:]
        part = state[:, begin : begin + shape.numel()]
        named[name] = part.reshape(len(state), *shape).movedim(0, axis)
        begin += shape.numel()
    return flat(step.advance(x, named))


def pull_back(step: Step, rows: Sequence[int] | Tensor, cotangents: Tensor) -> Tensor:
    """J' v for the Jacobian J = d s_t / d s_{t-1} of each row; v and the result are (R, N, S).

    Rows of a batch are independent, so a batch of N copies of a row gives N products at once.
    """
    index = torch.as_tensor(rows)
    count = cotangents.shape[1]
    x = step.x.detach()[index].repeat_interleave(count, 0)
    before = flat(step.before).detach()[index].repeat_interleave(count, 0).requires_grad_()
    with torch.enable_grad():
        after = advance_flat(step, x, before)
        (pulled,) = torch.autograd.grad(after, before, cotangents.flatten(0, 1).to(after))
    return pulled.view(cotangents.shape)

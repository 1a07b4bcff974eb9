"""A network reads one sequence of a memory problem, and everything that can be seen of it.

Legend: T time, B batch, I input, K answers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from elman.data.batching import IGNORE, Batch
from elman.diagnostics.activations import Activations, Expected, Step, panels_of
from elman.diagnostics.trace import trace
from elman.models.memory import MemoryNetwork
from elman.streaming.stream import evaluating

GUESSES = 3


def read_sequence(model: MemoryNetwork, batch: Batch, title: str) -> Activations:
    """The states and gates after each step of the batch's first row, and the answer as it forms.

    A step's surprise is that at the right answer, where one is asked for: in bits, or for a
    problem that is answered with a number the squared error.
    """
    inputs, targets = batch.inputs[:, :1], batch.targets[:, 0]
    outputs: list[Tensor] = []
    with evaluating(model), torch.inference_mode():
        traces = trace(model, lambda: outputs.append(model(inputs)[0][:, 0]))
    answers = outputs[0].float().cpu()  # (T, K)
    number = targets.is_floating_point()
    expected = [_number(row) if number else _classes(row) for row in answers]
    steps = [
        Step(_label(row), _surprise(answer, target, number), before)
        for row, answer, target, before in zip(
            inputs[:, 0].tolist(), answers, targets.tolist(), [(), *expected[:-1]], strict=True
        )
    ]
    unit = "squared error" if number else "bits"
    return Activations(
        title, steps, panels_of(traces), expected[-1], unit, is_text=False, ahead="answer"
    )


def _label(row: Sequence[float]) -> str:
    """The number of the symbol where one is given, or else the values."""
    if len(row) > 1 and sorted(row) == [0.0] * (len(row) - 1) + [1.0]:
        return str(row.index(1.0))
    return " ".join(f"{value:.2g}" for value in row)


def _classes(answer: Tensor) -> tuple[Expected, ...]:
    shares, places = answer.softmax(-1).topk(min(GUESSES, len(answer)))
    pairs = zip(places.tolist(), shares.tolist(), strict=True)
    return tuple(Expected(str(place), share) for place, share in pairs)


def _number(answer: Tensor) -> tuple[Expected, ...]:
    return (Expected(f"{float(answer[0]):.3f}", 1.0),)


def _surprise(answer: Tensor, target: float, number: bool) -> float | None:
    if target == IGNORE:
        return None
    if number:
        return (float(answer[0]) - target) ** 2
    return -float(answer.log_softmax(-1)[int(target)]) / math.log(2)

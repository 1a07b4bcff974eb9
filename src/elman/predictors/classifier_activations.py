"""States, gates and answers of a classifier after each step of one row.

Legend: S steps, C channels, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt
import torch

from elman.data.labeled.rows import Floats
from elman.data.labeled.words import WordEncoder, words_of
from elman.diagnostics.activations import Activations, Expected, Step, panels_of
from elman.diagnostics.trace import trace
from elman.errors import InputError
from elman.models.classifier import Classifier
from elman.predictors.classifier_answers import softened
from elman.predictors.classifier_inputs import Schema
from elman.streaming.stream import Stream, evaluating

MOST_STEPS = 20_000
"""A layer of 512 units then takes 240 MB."""

_ANSWERS = 5
_MOST_NUMBERS = 4
"""A step of more numbers than this is labeled with its place instead."""


def activations_of_text(
    model: Classifier, schema: Schema, words: WordEncoder, text: str, title: str
) -> Activations:
    """The states and gates after each token of `text`, and the answer as it forms.

    Raises:
        InputError: an empty text, or one of more than `MOST_STEPS` tokens.
        RunFailed: states that are not finite numbers.
    """
    spelled = words_of(text)
    if not spelled:
        raise InputError("the text to show is empty; give some with --text")
    ids, ends = words.encode(spelled)
    labels = []
    for word, begin, end in zip(spelled, [1, *ends[:-1]], ends, strict=True):
        # A word of several tokens is written at its last, where a session answers it.
        labels += ["·"] * (end - begin - 1) + [f" {word}"]
    return _activations(model, schema, ids, labels, title, begin=1)


def activations_of_numbers(
    model: Classifier, schema: Schema, values: Floats, title: str
) -> Activations:
    """The same for a row of numbers (S, C), standardized as the model reads them."""
    labels = [
        " ".join(f"{value:.2g}" for value in row) if len(row) <= _MOST_NUMBERS else f"step {place}"
        for place, row in enumerate(values, 1)
    ]
    return _activations(model, schema, values, labels, title, begin=0)


def _activations(
    model: Classifier,
    schema: Schema,
    steps: npt.NDArray[Any],
    labels: Sequence[str],
    title: str,
    begin: int,
) -> Activations:
    """Those of `steps`, the first `begin` of which have no label."""
    if len(steps) > MOST_STEPS:
        raise InputError(
            f"{len(steps):,} steps; at most {MOST_STEPS:,} can be shown: give a part of them"
        )
    device = model.readout.weight.device
    row, length = torch.from_numpy(steps).to(device), torch.tensor([len(steps)], device=device)
    with evaluating(model), torch.inference_mode():
        traces = trace(model, lambda: model(row[:, None], length))
    answers = _answers(model, schema, row, length)
    before = [answers[place - 1] if place else () for place in range(begin, len(steps))]
    shown = [Step(label, None, expected) for label, expected in zip(labels, before, strict=True)]
    return Activations(
        title,
        shown,
        panels_of(traces, begin=begin),
        answers[-1],
        is_text=begin > 0,
        ahead="answer",
    )


def _answers(
    model: Classifier, schema: Schema, row: torch.Tensor, length: torch.Tensor
) -> list[tuple[Expected, ...]]:
    """The answers after each step; a bidirectional model has one at the end only."""
    if not model.bidirectional:
        logits = Stream(model).push(row)
    else:
        with evaluating(model), torch.inference_mode():
            logits = model(row[:, None], length)
            logits = logits[:, 0] if model.pooling is None else logits
    probabilities = softened(logits, model.temperature, many=schema.kind == "many").cpu()
    answers = [_best(schema.names, each.tolist()) for each in probabilities]
    return [()] * (len(row) - len(answers)) + answers


def _best(names: Sequence[str], probabilities: Sequence[float]) -> tuple[Expected, ...]:
    order = sorted(range(len(names)), key=lambda place: -probabilities[place])
    return tuple(Expected(names[place], probabilities[place]) for place in order[:_ANSWERS])

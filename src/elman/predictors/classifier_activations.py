"""A classifier reads one row, and everything that can be seen of it meanwhile.

Legend: S steps, C channels, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from elman.data.labeled.words import WordEncoder, words_of
from elman.diagnostics.activations import Activations, Expected, Step, panels_of
from elman.diagnostics.trace import trace
from elman.errors import InputError
from elman.models.classifier import Classifier
from elman.predictors.classifier import probabilities_of
from elman.predictors.classifier_inputs import Schema
from elman.streaming.stream import Stream, evaluating

MOST_STEPS = 20_000
"""A layer of 512 units then fills 240 MB."""

_GUESSES = 5
_NUMBERS = 4
"""The most numbers of a step that its label spells; beyond, it counts the step."""


def read_words(
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
        # A word of several tokens is written out by its last, as in the answers of a stream.
        labels += ["·"] * (end - begin - 1) + [f" {word}"]
    return _reading(model, schema, ids, labels, title, begin=1)


def read_numbers(
    model: Classifier, schema: Schema, values: npt.NDArray[np.float32], title: str
) -> Activations:
    """The same of a row of numbers (S, C), standardized as the model reads them."""
    labels = [
        " ".join(f"{value:.2g}" for value in row) if len(row) <= _NUMBERS else f"step {place}"
        for place, row in enumerate(values, 1)
    ]
    return _reading(model, schema, values, labels, title, begin=0)


def _reading(
    model: Classifier,
    schema: Schema,
    steps: npt.NDArray[Any],
    labels: Sequence[str],
    title: str,
    begin: int,
) -> Activations:
    """Of `steps`, the first `begin` of which have no label."""
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
    shown = [Step(label, None, told) for label, told in zip(labels, before, strict=True)]
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
    """What the model says after each step; one that reads from both ends has to see the end."""
    if not model.bidirectional:
        logits = Stream(model).push(row)
    else:
        with evaluating(model), torch.inference_mode():
            logits = model(row[:, None], length)
            logits = logits[:, 0] if model.pooling is None else logits
    many = schema.kind == "many"
    shares = probabilities_of(logits, model.temperature, many=many).cpu()
    told = [_best(schema.names, each.tolist()) for each in shares]
    return [()] * (len(row) - len(told)) + told


def _best(names: Sequence[str], shares: Sequence[float]) -> tuple[Expected, ...]:
    order = sorted(range(len(names)), key=lambda place: -shares[place])
    return tuple(Expected(names[place], shares[place]) for place in order[:_GUESSES])

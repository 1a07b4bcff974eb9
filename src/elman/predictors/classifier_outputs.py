"""The output side of a classifier: answers, activations, and how much each word contributed.

Two measures of a word's contribution, both in probability of the predicted class:

    leave-one-out    p(text) - p(text without the word)
    gradient         sum over the word's tokens of e · dp / de, its first-order estimate: what
                     would be lost if the word's vectors were zero; one pass for all words

Sources: Li et al. 2016, arXiv:1612.08220 (erasure); Denil et al. 2014, arXiv:1412.6815, and
Shrikumar et al. 2016, arXiv:1605.01713 (gradient times input).

Legend: N rows, S steps of all rows together or of one, C channels, K classes, E embedding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from elman.data.labeled.encoded import Encoded
from elman.data.labeled.rows import offsets_of
from elman.data.labeled.words import WordEncoder, words_of
from elman.diagnostics.activations import Activations, Expected, Step, panels_of
from elman.diagnostics.explanation import Explanation, WordEffect
from elman.diagnostics.trace import trace
from elman.errors import InputError
from elman.evaluation.classification import predicted
from elman.models.classifier import Classifier
from elman.predictors.classifier_inputs import Schema
from elman.streaming.stream import Stream, evaluating

Array = npt.NDArray[Any]

MOST_STEPS = 20_000
"""Of activations: a layer of 512 units then takes 240 MB."""

MOST_LEFT_OUT = 500
"""In a longer text words are not left out in turn: the whole text is read once for each of them."""

_ANSWERS = 5
_MOST_NUMBERS = 4
"""A step of more numbers than this is labeled with its place instead."""


def logits_of(model: Classifier, rows: Encoded) -> Array:
    """The logits (N, K) of all rows, in their order; for labels at each step, (S, K)."""
    per_step = model.pooling is None
    classes = model.readout.out_features
    found = np.zeros((len(rows.steps) if per_step else len(rows), classes), np.float32)
    device = model.readout.weight.device
    with evaluating(model), torch.inference_mode():
        if rows.has_frames:
            for places in rows.groups():
                lengths = torch.from_numpy(rows.lengths[places]).to(device)
                # Frames are encoded a part at a time: those of an hour have no place in memory.
                x = torch.cat([model.embed(part.to(device)) for part in rows.parts(places)])
                found[places] = model.from_embedded(x, lengths).cpu().numpy()
            return found
        for places, batch in rows.batches():
            logits = model(batch.inputs.to(device), batch.lengths.to(device)).cpu()
            if not per_step:
                found[places] = logits.numpy()
                continue
            for column, (place, length) in enumerate(zip(places, batch.lengths, strict=True)):
                begin = rows.offsets[place]
                found[begin : begin + int(length)] = logits[: int(length), column].numpy()
    return found


def softened(logits: Tensor, temperature: Tensor, *, many: bool) -> Tensor:
    """Softmax of logits (…, K) over the temperature; where a row may have many labels, sigmoid."""
    scaled = logits / temperature
    return scaled.sigmoid() if many else scaled.softmax(-1)


def probabilities_of(model: Classifier, rows: Encoded) -> Array:
    """The probabilities of all rows, in the shape of their logits."""
    logits = torch.from_numpy(logits_of(model, rows))
    found: Array = softened(logits, model.temperature.cpu(), many=rows.kind == "many").numpy()
    return found


def answered(schema: Schema, probabilities: Array) -> Mapping[str, Any]:
    """The label of one row or step, and the probability (K,) of each class."""
    each = {f"p_{name}": float(p) for name, p in zip(schema.names, probabilities, strict=True)}
    if schema.kind == "many":
        there = predicted("many", probabilities)
        names = [name for name, is_there in zip(schema.names, there, strict=True) if is_there]
        return {"predicted": (schema.columns.label_separator or ",").join(names), **each}
    best = int(predicted(schema.kind, probabilities))
    return {"predicted": schema.names[best], "probability": float(probabilities[best]), **each}


def activations_of_text(
    model: Classifier, schema: Schema, words: WordEncoder, text: str, title: str
) -> Activations:
    """The states and gates after each token of `text`, and the answer as it forms."""
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
    model: Classifier, schema: Schema, values: Array, title: str
) -> Activations:
    """The same for a row of numbers (S, C), or of windows of frames (S, W, C), as the model reads
    them.
    """
    few = values.ndim == 2 and values.shape[1] <= _MOST_NUMBERS
    labels = [
        " ".join(f"{value:.2g}" for value in row) if few else f"step {place}"
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
    answers = _answers(model, schema, row)
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


def probabilities_by_step(model: Classifier, schema: Schema, row: Tensor) -> Tensor:
    """(S, K) after each step of one row; (1, K) of a bidirectional model, which answers at the end
    only.
    """
    if not model.bidirectional:
        logits = Stream(model).push(row)
    else:
        with evaluating(model), torch.inference_mode():
            logits = model(row[:, None], torch.tensor([len(row)], device=row.device))
            logits = logits[:, 0] if model.pooling is None else logits
    return softened(logits, model.temperature, many=schema.kind == "many").cpu()


def _answers(model: Classifier, schema: Schema, row: Tensor) -> list[tuple[Expected, ...]]:
    probabilities = probabilities_by_step(model, schema, row)
    answers = [_best(schema.names, each.tolist()) for each in probabilities]
    return [()] * (len(row) - len(answers)) + answers


def _best(names: Sequence[str], probabilities: Sequence[float]) -> tuple[Expected, ...]:
    order = sorted(range(len(names)), key=lambda place: -probabilities[place])
    return tuple(Expected(names[place], probabilities[place]) for place in order[:_ANSWERS])


def explain(model: Classifier, schema: Schema, encoder: WordEncoder, text: str) -> Explanation:
    """Why `text` got its label."""
    words = words_of(text)
    ids, ends = encoder.encode(words)
    begins = np.concatenate([[1], ends[:-1]]).astype(np.int64)
    probability, target, effects = _gradients(model, schema, ids)
    gradients = [float(effects[b:e].sum()) for b, e in zip(begins, ends, strict=True)]
    left_out: list[float | None] = [None] * len(words)
    if len(words) <= MOST_LEFT_OUT:
        # The rest is encoded again, since the first word of a text can have other ids.
        rows = [encoder.encode(words[:n] + words[n + 1 :])[0] for n in range(len(words))]
        without = Encoded(
            np.concatenate(rows), offsets_of([len(r) for r in rows]), None, schema.kind
        )
        left_out = [probability - float(p) for p in probabilities_of(model, without)[:, target]]
    effects_by_word = map(WordEffect, words, left_out, gradients)
    return Explanation(schema.names[target], probability, tuple(effects_by_word))


def _gradients(model: Classifier, schema: Schema, ids: np.ndarray) -> tuple[float, int, np.ndarray]:
    """The probability of the predicted class, its id, and e · dp / de for each token (S,)."""
    device = model.readout.weight.device
    with evaluating(model), torch.enable_grad():
        vectors = model.embed(torch.from_numpy(ids)[:, None].to(device)).detach()
        vectors.requires_grad_()
        logits = model.from_embedded(vectors, torch.tensor([len(ids)], device=device))[0]
        probabilities = softened(logits, model.temperature, many=schema.kind == "many")
        target = int(probabilities.argmax())
        (slope,) = torch.autograd.grad(probabilities[target], vectors)
    return (
        float(probabilities[target].detach()),
        target,
        (slope * vectors).sum(-1)[:, 0].detach().cpu().numpy(),
    )

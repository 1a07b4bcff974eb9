"""How much each word of a text contributed to a classifier's answer.

Two measures, both in probability of the predicted class:

    leave-one-out    p(text) - p(text without the word)
    gradient         sum over the word's tokens of e · dp / de, its first-order estimate: what
                     would be lost if the word's vectors were zero; one pass for all words

Sources: Li et al. 2016, arXiv:1612.08220 (erasure); Denil et al. 2014, arXiv:1412.6815, and
Shrikumar et al. 2016, arXiv:1605.01713 (gradient times input).

Legend: W words, S tokens, E embedding.
"""

from __future__ import annotations

import numpy as np
import torch

from elman.data.labeled.encoded import Encoded
from elman.data.labeled.rows import offsets_of
from elman.data.labeled.words import WordEncoder, words_of
from elman.diagnostics.explanation import Explanation, WordEffect
from elman.models.classifier import Classifier
from elman.predictors.classifier_answers import probabilities_of, softened
from elman.predictors.classifier_inputs import Schema
from elman.streaming.stream import evaluating

MOST_LEFT_OUT = 500
"""In a longer text words are not left out in turn: the whole text is read once for each of them."""


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

"""How much each word of a text moved the answer of a classifier.

Two answers to one question, both in probability of the class that was predicted:

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
from elman.predictors.classifier import judge, probabilities_of
from elman.predictors.classifier_inputs import Schema
from elman.streaming.stream import evaluating

MOST_LEFT_OUT = 500
"""Leaving out each word of a longer text in turn would take a reading of it for every word."""


def explain(model: Classifier, schema: Schema, encoder: WordEncoder, text: str) -> Explanation:
    """Why `text` got the label that it got."""
    words = words_of(text)
    ids, ends = encoder.encode(words)
    begins = np.concatenate([[1], ends[:-1]]).astype(np.int64)
    probability, target, effects = _gradients(model, schema, ids)
    gradients = [float(effects[b:e].sum()) for b, e in zip(begins, ends, strict=True)]
    left_out: list[float | None] = [None] * len(words)
    if len(words) <= MOST_LEFT_OUT:
        # Encoded anew, since the first word of a text may be written otherwise than the second.
        rows = [encoder.encode(words[:n] + words[n + 1 :])[0] for n in range(len(words))]
        without = Encoded(
            np.concatenate(rows), offsets_of([len(r) for r in rows]), None, schema.kind
        )
        left_out = [probability - float(p) for p in judge(model, without)[:, target]]
    told = (WordEffect(*each) for each in zip(words, left_out, gradients, strict=True))
    return Explanation(schema.names[target], probability, tuple(told))


def _gradients(model: Classifier, schema: Schema, ids: np.ndarray) -> tuple[float, int, np.ndarray]:
    """The probability of the predicted class, which it is, and e · dp / de for each token (S,)."""
    device = model.readout.weight.device
    with evaluating(model), torch.enable_grad():
        vectors = model.embed(torch.from_numpy(ids)[:, None].to(device)).detach()
        vectors.requires_grad_()
        logits = model.judge(vectors, torch.tensor([len(ids)], device=device))[0]
        found = probabilities_of(logits, model.temperature, many=schema.kind == "many")
        target = int(found.argmax())
        (slope,) = torch.autograd.grad(found[target], vectors)
    return (
        float(found[target].detach()),
        target,
        (slope * vectors).sum(-1)[:, 0].detach().cpu().numpy(),
    )

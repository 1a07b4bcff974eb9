"""Metrics of predicted classes and probabilities: accuracy, F1, calibration, entities.

The tags of an entity are a position and a type, "B-PER", or "O". All common schemes (IOB, BIO or
IOB2, BIOES, BILOU) are read by the rules of the CoNLL shared tasks.

Legend: N rows (or steps), S steps of all rows together, K classes, M bins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from elman.data.labeled.rows import LabelKind
from elman.evaluation.paired import Tally

Array = npt.NDArray[Any]

BINS = 15
THRESHOLD = 0.5
_LIMITS = (0.05, 20.0)
_NEWTON = 40

Span: TypeAlias = tuple[int, int, str]
"""First step, the step after the last, type."""

_TAG = re.compile(r"^(?:O|[BIESLU]-.+)$")
_OUTSIDE = "O"


def predicted(kind: LabelKind, probabilities: Array) -> Array:
    """(N,) the most probable class; for many labels, (N, K) those with probability above 1/2."""
    return probabilities > THRESHOLD if kind == "many" else probabilities.argmax(-1)


def metrics_of(
    kind: LabelKind,
    probabilities: Array,
    ids: Array,
    *,
    names: Sequence[str] = (),
    offsets: Array | None = None,
) -> dict[str, float]:
    """All metrics for this kind of labels, by name.

    Probabilities are (N, K), the true classes `ids` (N,), or (N, K) bool for many labels. Of steps,
    whose rows begin at `offsets`, entities are scored too where the K names are tags like "B-PER".
    """
    labels = predicted(kind, probabilities)
    calibration = calibration_error(*confidences(kind, probabilities, ids))
    if kind == "many":
        micro, macro = many_f1(labels, ids)
        subset = float((labels == ids).all(-1).mean())
        return {
            "micro_f1": micro,
            "macro_f1": macro,
            "subset_accuracy": subset,
            "calibration_error": calibration,
        }
    scores = {
        "accuracy": float((labels == ids).mean()),
        "macro_f1": macro_f1(confusion(labels, ids, probabilities.shape[-1])),
    }
    if kind == "step" and offsets is not None and is_tagging(names):
        scores["entity_f1"] = entity_f1(names, labels, ids, offsets)
    return {**scores, "calibration_error": calibration}


def confusion(labels: Array, ids: Array, classes: int) -> Array:
    """(K, K) how often class i (row) was predicted as class j (column)."""
    return np.bincount(ids * classes + labels, minlength=classes**2).reshape(classes, classes)


def macro_f1(matrix: Array) -> float:
    """The mean over classes of F1 = 2 TP / (2 TP + FP + FN), from a confusion matrix.

    A class that is never true nor predicted is left out, as in scikit-learn.
    """
    right = matrix.diagonal()
    seen = matrix.sum(0) + matrix.sum(1)
    return float((2 * right[seen > 0] / seen[seen > 0]).mean())


def many_f1(labels: Array, ids: Array) -> tuple[float, float]:
    """F1 over all labels together (micro), and its mean over classes (macro).

    A class that is never true nor predicted has an F1 of 0, as in scikit-learn.
    """
    right = (labels & ids).sum(0)
    seen = labels.sum(0) + ids.sum(0)
    by_class = 2 * right / np.maximum(seen, 1)
    return float(2 * right.sum() / max(seen.sum(), 1)), float(by_class.mean())


@dataclass(frozen=True, eq=False)
class Reliability:
    """Mean confidence, share of right predictions and their number, (M,) each, by confidence.

    The mean of an empty bin is NaN.
    """

    confidence: Array
    accuracy: Array
    count: Array

    @property
    def error(self) -> float:
        """The expected calibration error: |accuracy - confidence|, weighted by count."""
        there = self.count > 0
        gaps = np.abs(self.accuracy[there] - self.confidence[there])
        return float((gaps * self.count[there]).sum() / max(self.count.sum(), 1))


def confidences(kind: LabelKind, probabilities: Array, ids: Array) -> tuple[Array, Array]:
    """The confidence of each prediction, and whether it is right.

    For one label: the probability of the predicted class, and whether it is the true one. For many:
    the probability of every label, and whether the row has it.
    """
    if kind == "many":
        return probabilities.reshape(-1), ids.reshape(-1)
    return probabilities.max(-1), probabilities.argmax(-1) == ids


def reliability(confidence: Array, right: Array, bins: int = BINS) -> Reliability:
    """Sort predictions into bins of equal width by their confidence in [0, 1]."""
    place = np.clip((confidence * bins).astype(np.int64), 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(place, confidence, bins) / count
        hit = np.bincount(place, right.astype(np.float64), bins) / count
    return Reliability(mean, hit, count)


def calibration_error(confidence: Array, right: Array, bins: int = BINS) -> float:
    """The expected calibration error, ECE = Σ_m (n_m / N) |acc_m - conf_m|.

    Source: Guo et al. 2017, arXiv:1706.04599, equation 3.
    """
    return reliability(confidence, right, bins).error


def fit_temperature(logits: Array, ids: Array) -> float:
    """The T that maximizes the likelihood of softmax(logits / T), or sigmoid for many labels.

    The loss is convex in 1 / T, so Newton's method within a bracket finds the minimum. Labels are
    smoothed: a label is true with probability (N + 1) / (N + 2), so that T does not vanish if all
    of a few rows are right. T is between 0.05 and 20. Logits are (N, K), ids (N,) or (N, K) bool.

    Source: Guo et al. 2017, arXiv:1706.04599, section 4.2; Platt 1999 for the smoothed labels.
    """
    if not len(logits):
        return 1.0
    doubt = 1 / (len(logits) + 2)
    z = logits.astype(np.float64)
    low, high = 1 / _LIMITS[1], 1 / _LIMITS[0]
    beta = 1.0
    for _ in range(_NEWTON):
        slope, curve = _slope(z, ids, beta, doubt)
        low, high = (beta, high) if slope < 0 else (low, beta)
        after = beta - slope / curve if curve > 0 else (low + high) / 2
        if not low < after < high:
            after = (low + high) / 2
        if abs(after - beta) < 1e-9 * beta:
            break
        beta = after
    return float(1 / beta)


def _slope(z: Array, ids: Array, beta: float, doubt: float) -> tuple[float, float]:
    """First and second derivative of the mean loss with respect to beta = 1 / T."""
    if ids.ndim == 2:
        p = 1 / (1 + np.exp(-np.clip(beta * z, -500, 500)))
        truth = np.where(ids, 1 - doubt, doubt)
        return float(((p - truth) * z).mean()), float((p * (1 - p) * z * z).mean())
    z = z - z.max(-1, keepdims=True)
    weights = np.exp(beta * z)
    total = weights.sum(-1)
    mean = (weights * z).sum(-1) / total
    square = (weights * z * z).sum(-1) / total
    named = np.take_along_axis(z, ids[:, None], -1)[:, 0]
    others = (z.sum(-1) - named) / max(z.shape[-1] - 1, 1)
    true = (1 - doubt) * named + doubt * others
    return float((mean - true).mean()), float((square - mean**2).mean())


def is_tagging(names: Sequence[str]) -> bool:
    """Whether classes are tags of entities."""
    return all(map(_TAG.match, names)) and any(name != _OUTSIDE for name in names)


def spans(tags: Sequence[str]) -> list[Span]:
    """The entities of one row.

    An entity begins at B, S or U, and where a tag inside one follows another type or nothing; it
    ends after E, L, S or U, and before a new beginning. So a row that breaks its scheme still has
    entities.

    Source: the rules of conlleval, Tjong Kim Sang & De Meulder 2003.
    """
    found: list[Span] = []
    begin, current, ended = 0, "", True
    for place, tag in enumerate([*tags, _OUTSIDE]):
        position, _, kind = tag.partition("-")
        outside = tag == _OUTSIDE
        starts = not outside and (position in "BSU" or ended or kind != current)
        if not ended and (outside or starts):
            found.append((begin, place, current))
            ended = True
        if starts:
            begin, current, ended = place, kind, False
        if not outside and position in "ELSU":
            found.append((begin, place + 1, current))
            ended = True
    return found


def entity_f1(names: Sequence[str], labels: Array, ids: Array, offsets: Array) -> float:
    """F1 of entities with exact bounds and types, in rows of predicted and true tags (S,)."""
    right, both = _entities(names, labels, ids, offsets).sum(0)
    return float(right / both) if both else 0.0


def tally_of(
    kind: LabelKind,
    labels: Array,
    ids: Array,
    *,
    names: Sequence[str] = (),
    offsets: Array | None = None,
) -> Tally:
    """(N, 2) the parts of each row in the metric that decides between classifiers, a ratio of sums.

    That is accuracy; micro F1 where a row has many labels; entity F1 where steps have tags.
    """
    if kind == "many":
        return np.stack([2 * (labels & ids).sum(1), labels.sum(1) + ids.sum(1)], axis=1)
    right = (labels == ids).astype(np.int64)
    if kind != "step" or offsets is None:
        return np.stack([right, np.ones_like(right)], axis=1)
    if is_tagging(names):
        return _entities(names, labels, ids, offsets)
    before = np.concatenate([[0], np.cumsum(right)])[offsets]
    return np.stack([np.diff(before), np.diff(offsets)], axis=1)


def _entities(names: Sequence[str], labels: Array, ids: Array, offsets: Array) -> Tally:
    """(N, 2) twice the right entities of each row, and the predicted and true ones together."""
    found = []
    for begin, end in pairwise(offsets):
        theirs = set(spans([names[k] for k in labels[begin:end]]))
        ours = set(spans([names[k] for k in ids[begin:end]]))
        found.append((2 * len(theirs & ours), len(theirs) + len(ours)))
    return np.array(found, np.int64).reshape(-1, 2)

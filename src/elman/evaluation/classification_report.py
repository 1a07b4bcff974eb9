"""The report on a classifier: first whether it beats its baselines, then the numbers.

Legend: N rows, S steps of all rows together, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from elman.data.batching import IGNORE
from elman.data.labeled.encoded import Encoded
from elman.data.labeled.rows import LabelKind
from elman.evaluation.baselines import Baseline
from elman.evaluation.classification import (
    Reliability,
    confidences,
    confusion,
    metrics_of,
    predicted,
    reliability,
)
from elman.evaluation.report import Report, Score

Array = npt.NDArray[Any]

LEADING: Mapping[LabelKind, str] = {"one": "accuracy", "step": "accuracy", "many": "micro_f1"}
_SHARES = ("accuracy", "subset_accuracy")
_MISCALIBRATED = 0.05


@dataclass(frozen=True)
class Classes:
    """The classes, and the unit that has a label, in the plural: rows, words or steps."""

    names: Sequence[str]
    kind: LabelKind
    unit: str


@dataclass(frozen=True, eq=False)
class Predictions:
    """Probabilities (N, K) and true labels of one split: only rows and steps that have a label."""

    probabilities: Array
    ids: Array
    offsets: Array | None

    @classmethod
    def of(cls, probabilities: Array, rows: Encoded) -> Predictions:
        """Those of labeled rows, (N, K), or of all their steps, (S, K)."""
        ids, offsets = np.asarray(rows.labels), np.asarray(rows.offsets)
        if rows.kind != "step":
            return cls(probabilities, ids, None)
        labeled = ids != IGNORE
        before = np.concatenate([[0], np.cumsum(labeled)])
        return cls(probabilities[labeled], ids[labeled], before[offsets])


Splits: TypeAlias = Mapping[str, Predictions]


def report(classes: Classes, splits: Splits, baselines: Sequence[Baseline]) -> Report:
    """Score each split, and compare the last of them with the baselines."""
    scores: list[Score] = []
    verdict: list[str] = []
    for split, part in splits.items():
        metrics = metrics_of(
            classes.kind, part.probabilities, part.ids, names=classes.names, offsets=part.offsets
        )
        scores += [Score(split, name, v, _unit(classes, name)) for name, v in metrics.items()]
        scores += [
            Score(split, f"{name} of {b.name}", b.scores[split][name], _unit(classes, name))
            for name in _compared(classes, metrics)
            for b in baselines
            if split in b.scores
        ]
        verdict = comparison(classes, split, metrics, len(part.ids), baselines)
        verdict += _remarks(classes, part, metrics["calibration_error"])
    return Report(scores, verdict)


def comparison(
    classes: Classes,
    split: str,
    network: Mapping[str, float],
    count: int,
    baselines: Sequence[Baseline],
) -> list[str]:
    """Whether the network beats the best of the baselines, in sentences.

    A difference counts where it is more than two standard errors, 2 √(p (1 - p) / n), of the
    network's accuracy.
    """
    metric = _compared(classes, network)[-1]
    name = metric.replace("_", " ").replace("f1", "F1")
    compared = [b for b in baselines if split in b.scores]
    lines = [f"not compared: {b.note}" for b in baselines if not b.scores]
    if not compared:
        return lines
    best = max(compared, key=lambda b: b.scores[split][metric])
    ours, theirs = network[metric], best.scores[split][metric]
    both = f"{name} {_percent(ours)} on {split}, {_percent(theirs)} by {best.name}"
    error = 2 * np.sqrt(ours * (1 - ours) / count)
    if ours <= theirs:
        remedy = "Use the baseline, or give the network more data or more regularization."
        return [f"The network does not beat the baseline: {both}. {remedy}", *lines]
    if ours - theirs < error:
        chance = f"± {100 * error:.1f} with {count:,} {classes.unit}"
        return [
            f"The network beats the baseline by no more than chance: {both}, {chance}.",
            *lines,
        ]
    return [f"The network beats the baseline: {both}.", *lines]


def confusion_of(classes: Classes, part: Predictions) -> Array:
    """(K, K) how often each class (row) was predicted as each (column)."""
    labels = predicted(classes.kind, part.probabilities)
    return confusion(labels, part.ids, len(classes.names))


def reliability_of(classes: Classes, part: Predictions) -> Reliability:
    """How often predictions are right, by how sure they are."""
    return reliability(*confidences(classes.kind, part.probabilities, part.ids))


def _compared(classes: Classes, metrics: Mapping[str, float]) -> list[str]:
    """The metrics that the baselines are compared in, the one that decides last."""
    return [LEADING[classes.kind], *(["entity_f1"] if "entity_f1" in metrics else [])]


def _unit(classes: Classes, metric: str) -> str:
    return f"of all {classes.unit}" if metric in _SHARES else ""


def _remarks(classes: Classes, part: Predictions, error: float) -> list[str]:
    lines = []
    if classes.kind != "many" and len(classes.names) > 2:
        matrix = confusion_of(classes, part)
        np.fill_diagonal(matrix, 0)
        true, label = divmod(int(matrix.argmax()), len(classes.names))
        if matrix.max():
            lines.append(
                f"Most often confused: {classes.names[true]!r} is predicted as"
                f" {classes.names[label]!r}"
                f" ({matrix.max():,} of {int((part.ids == true).sum()):,})."
            )
    if error > _MISCALIBRATED:
        lines.append(
            f"Its probabilities are off by {_percent(error)} on average, so don't rely on them."
        )
    return lines


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"

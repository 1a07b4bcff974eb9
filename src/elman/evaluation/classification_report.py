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
from elman.evaluation.calibration import Calibration, calibration_of
from elman.evaluation.classification import (
    BINS,
    Reliability,
    confidences,
    confusion,
    metrics_of,
    predicted,
    reliability,
    tally_of,
)
from elman.evaluation.paired import Tally, compare
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
        calibration = calibration_of(*_confidences(classes, part))
        metrics["calibration_error"] = calibration.error
        scores += [Score(split, name, v, _unit(classes, name)) for name, v in metrics.items()]
        scores += _uncertainty(split, calibration)
        scores += [
            Score(split, f"{name} of {b.name}", b.scores[split][name], _unit(classes, name))
            for name in _compared(classes, metrics)
            for b in baselines
            if split in b.scores
        ]
        verdict = comparison(classes, split, metrics, part, baselines)
        verdict += _remarks(classes, part, calibration)
    return Report(scores, verdict)


def comparison(
    classes: Classes,
    split: str,
    network: Mapping[str, float],
    part: Predictions,
    baselines: Sequence[Baseline],
) -> list[str]:
    """Whether the network beats the best of the baselines on the same rows, in sentences."""
    metric = _compared(classes, network)[-1]
    name = metric.replace("_", " ").replace("f1", "F1")
    compared = [b for b in baselines if split in b.scores]
    lines = [f"not compared: {b.note}" for b in baselines if not b.scores]
    if not compared:
        return lines
    best = max(compared, key=lambda b: b.scores[split][metric])
    ours, theirs = network[metric], best.scores[split][metric]
    both = f"{name} {_percent(ours)} on {split}, {_percent(theirs)} by {best.name}"
    tally = np.array(best.tallies[split], np.int64).reshape(-1, 2)
    own = _tally(classes, part)
    tested = compare(own, tally)
    both += f" ({tested}, n = {len(tally):,} rows)"
    remedy = "Use the baseline, or give the network more data or more regularization."
    if (own == tally).all():
        if ours >= 1:
            remedy = "No row is left that could tell them apart, and the baseline is simpler."
        first = f"The network does not beat the baseline, it equals it row by row: {both}. {remedy}"
    elif not tested.decided:
        first = f"Undecided whether the network beats the baseline: {both}. More rows would tell."
    elif ours < theirs:
        first = f"The network does not beat the baseline: {both}. {remedy}"
    else:
        first = f"The network beats the baseline: {both}."
    return [first, *lines]


def _tally(classes: Classes, part: Predictions) -> Tally:
    labels = predicted(classes.kind, part.probabilities)
    return tally_of(classes.kind, labels, part.ids, names=classes.names, offsets=part.offsets)


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
    if metric == "calibration_error":
        return f"ECE, {BINS} bins"
    return f"of all {classes.unit}" if metric in _SHARES else ""


def _uncertainty(split: str, calibration: Calibration) -> list[Score]:
    interval = f"95 % interval, n = {calibration.count:,}"
    return [
        Score(split, "calibration_error from", calibration.low, interval),
        Score(split, "calibration_error to", calibration.high, interval),
        Score(split, "calibration_error expected", calibration.expected, "if calibrated"),
    ]


def _confidences(classes: Classes, part: Predictions) -> tuple[Array, Array, Array]:
    """Of each prediction: its confidence, whether it is right, and which row it is part of."""
    confidence, right = confidences(classes.kind, part.probabilities, part.ids)
    rows = np.arange(len(part.ids))
    if part.offsets is not None:
        rows = np.repeat(np.arange(len(part.offsets) - 1), np.diff(part.offsets))
    return confidence, right, np.repeat(rows, len(right) // max(len(part.ids), 1))


def _remarks(classes: Classes, part: Predictions, calibration: Calibration) -> list[str]:
    lines = []
    if classes.kind != "many" and len(classes.names) > 2:
        matrix = confusion_of(classes, part)
        np.fill_diagonal(matrix, 0)
        true, label = divmod(int(matrix.argmax()), len(classes.names))
        if matrix.max():
            lines.append(
                f"Most often confused: true label {classes.names[true]!r}, predicted label"
                f" {classes.names[label]!r}"
                f" ({matrix.max():,} of {int((part.ids == true).sum()):,})."
            )
    if not calibration.is_off:
        return lines
    lines.append(
        f"Its probabilities are off by {_percent(calibration.error)} on average, where"
        f" {_percent(calibration.expected)} is expected if they were calibrated"
        + (", so don't rely on them." if calibration.error > _MISCALIBRATED else ".")
    )
    return lines


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"

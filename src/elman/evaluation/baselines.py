"""Baselines of a classifier: the most frequent class, and logistic regression.

Both are fitted on the training part. The strength of the regression's penalty is chosen on the
validation part, as the network's best step is.

Legend: N rows or steps, F features, K classes.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from elman.data.labeled.rows import Labeled, LabeledSplits, LabelKind
from elman.evaluation.classification import metrics_of
from elman.evaluation.features import features

Array = npt.NDArray[Any]

STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""C, the inverse of the penalty."""

MOST_ROWS = 50_000
"""The largest number of rows or steps for the regression, so that it is faster than the network."""

_PATIENCE = 2
"""The search ends after this many weaker penalties in a row without a gain."""

MISSING = 'logistic regression needs scikit-learn: pip install "elman[text]"'
MAJORITY = "majority class"


@dataclass(frozen=True)
class Baseline:
    """A simple classifier and its scores.

    Attributes:
        name: of the classifier.
        note: its parameters, or why there are no scores.
        scores: metric -> value, by split ("valid", "test").
    """

    name: str
    note: str
    scores: Mapping[str, Mapping[str, float]]

    @property
    def notes(self) -> list[str]:
        """Lines for the terminal."""
        return [f"baseline: {self.name} ({self.note})"]


def fit_baselines(splits: LabeledSplits, seed: int = 0) -> list[Baseline]:
    """Fit the baselines on the training part and score them on the others.

    Args:
        splits: the labeled data.
        seed: of the choice of rows for the regression, if there are more than `MOST_ROWS`.
    """
    held = {"valid": splits.valid} | ({} if splits.test is None else {"test": splits.test})
    fitted = [_majority(splits.train, held)]
    try:
        fitted.append(_regression(splits.train, held, seed))
    except ImportError:
        fitted.append(Baseline("logistic regression", MISSING, {}))
    return fitted


def _scored(part: Labeled, probabilities: Array) -> dict[str, float]:
    return metrics_of(
        part.labels.kind,
        probabilities,
        part.labels.ids,
        names=part.labels.names,
        offsets=getattr(part.inputs, "offsets", None),
    )


def _majority(train: Labeled, held: Mapping[str, Labeled]) -> Baseline:
    ids, count = train.labels.ids, len(train.labels.names)
    many = train.labels.kind == "many"
    share = ids.mean(0) if many else np.bincount(ids, minlength=count) / len(ids)
    scores = {
        split: _scored(part, np.broadcast_to(share, (len(part.labels.ids), count)))
        for split, part in held.items()
    }
    if many:
        usual = [train.labels.names[k] for k in np.flatnonzero(share > 0.5)]
        note = f"always {', '.join(usual)}" if usual else "never any label"
    else:
        note = f"always {train.labels.names[int(share.argmax())]!r}"
    return Baseline(MAJORITY, note, scores)


def _regression(train: Labeled, held: Mapping[str, Labeled], seed: int) -> Baseline:
    made = features(train.inputs, train.labels.kind)
    ids, x = train.labels.ids, made.of(train.inputs)
    drawn = ""
    if len(ids) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(len(ids), MOST_ROWS, replace=False))
        x, ids, drawn = x[rows], ids[rows], f", on {MOST_ROWS:,} of {len(ids):,}"
    kind, classes = train.labels.kind, len(train.labels.names)
    leading = "micro_f1" if kind == "many" else "accuracy"
    inputs = {split: made.of(part.inputs) for split, part in held.items()}
    best: dict[str, dict[str, float]] = {}
    chosen, since = STRENGTHS[0], 0
    for strength in STRENGTHS:
        found = _fit(x, ids, strength, kind, classes, inputs)
        scores = {split: _scored(part, found[split]) for split, part in held.items()}
        if not best or scores["valid"][leading] > best["valid"][leading]:
            best, chosen, since = scores, strength, 0
        elif (since := since + 1) == _PATIENCE:
            break
    return Baseline(
        f"{made.name} with logistic regression", f"C {chosen:g}, chosen on valid{drawn}", best
    )


def _fit(
    x: Any, ids: Array, strength: float, kind: LabelKind, classes: int, inputs: Mapping[str, Any]
) -> dict[str, Array]:
    """The probabilities (N, K) on each of `inputs`."""
    if kind != "many":
        return _one_label(x, ids, strength, classes, inputs)
    columns = [
        _one_label(x, ids[:, k].astype(np.int64), strength, 2, inputs) for k in range(classes)
    ]
    return {split: np.stack([c[split][:, 1] for c in columns], axis=1) for split in inputs}


def _one_label(
    x: Any, ids: Array, strength: float, classes: int, inputs: Mapping[str, Any]
) -> dict[str, Array]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    found = {split: np.zeros((given.shape[0], classes)) for split, given in inputs.items()}
    there = np.unique(ids)
    if len(there) == 1:
        for probabilities in found.values():
            probabilities[:, there] = 1
        return found
    with warnings.catch_warnings():
        # Validation chooses the best fit, converged or not.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(C=strength, max_iter=300).fit(x, ids)
    for split, given in inputs.items():
        found[split][:, model.classes_] = model.predict_proba(given)
    return found

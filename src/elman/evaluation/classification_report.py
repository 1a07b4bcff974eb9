"""What an evaluation of a classifier says: first whether it beats its baselines, then the numbers.

Legend: N rows, S steps of all rows together, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from elman.data.batching import IGNORE
from elman.data.labeled.encoded import Encoded
from elman.data.labeled.rows import LabelKind
from elman.evaluation.baselines import Baseline
from elman.evaluation.classification import confidences, confusion, judged, predicted, reliability
from elman.evaluation.report import Report, Score
from elman.plots.classification import draw_confusion, draw_reliability
from elman.predictors.classifier_inputs import Schema

Array = npt.NDArray[Any]
Judged: TypeAlias = Mapping[str, tuple[Array, Encoded]]
"""By split: the probabilities, (N, K) or (S, K), and the rows with their labels."""

LEADING: Mapping[LabelKind, str] = {"one": "accuracy", "step": "accuracy", "many": "micro_f1"}
_SHARES = ("accuracy", "subset_accuracy")
_MISCALIBRATED = 0.05
CONFUSION, CALIBRATION = "confusion.png", "calibration.png"


@dataclass(frozen=True, eq=False)
class _Part:
    """What was judged of one split: only rows and steps with a label."""

    probabilities: Array
    ids: Array
    offsets: Array | None


def report(schema: Schema, found: Judged, baselines: Sequence[Baseline]) -> Report:
    """Score each split, and compare the last of them with the baselines.

    Args:
        schema: the classes, and the kind of labels.
        found: what the network said of each split.
        baselines: what simple classifiers score on the same splits; none on files of another kind.
    """
    parts = {split: _part(schema.kind, *given) for split, given in found.items()}
    network = {
        split: judged(
            schema.kind, part.probabilities, part.ids, names=schema.names, offsets=part.offsets
        )
        for split, part in parts.items()
    }
    scores = []
    for split, values in network.items():
        scores += [Score(split, metric, v, _unit(schema, metric)) for metric, v in values.items()]
        scores += [
            Score(split, f"{metric} of {b.name}", b.scores[split][metric], _unit(schema, metric))
            for metric in _compared(schema, values)
            for b in baselines
            if split in b.scores
        ]
    verdict: list[str] = []
    if parts:
        last = list(parts)[-1]
        verdict = comparison(schema, last, network[last], len(parts[last].ids), baselines)
        verdict += _remarks(schema, parts[last], network[last]["calibration_error"])
    return Report(scores, verdict)


def comparison(
    schema: Schema,
    split: str,
    network: Mapping[str, float],
    count: int,
    baselines: Sequence[Baseline],
) -> list[str]:
    """Whether the network beats the best of the baselines, in sentences.

    A difference counts where it is more than two standard errors, 2 √(p (1 - p) / n), of the
    network's accuracy.
    """
    metric = _compared(schema, network)[-1]
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
        mend = "Take the baseline, or give the network more data or more regularization."
        return [f"The network does not beat the baseline: {both}. {mend}", *lines]
    if ours - theirs < error:
        chance = f"± {100 * error:.1f} with {count:,} {_counted(schema)}"
        return [
            f"The network beats the baseline by less than chance can make: {both}, {chance}.",
            *lines,
        ]
    return [f"The network beats the baseline: {both}.", *lines]


def plots(schema: Schema, found: Judged, folder: Path) -> list[Path]:
    """Draw the confusion matrix and the reliability diagram of the last split.

    Returns:
        The pictures that were drawn: none where matplotlib is not installed.
    """
    if not found:
        return []
    part = _part(schema.kind, *list(found.values())[-1])
    drawn = []
    try:
        if schema.kind != "many":
            given = predicted(schema.kind, part.probabilities)
            matrix = confusion(given, part.ids, len(schema.names))
            draw_confusion(matrix, schema.names, folder / CONFUSION)
            drawn.append(folder / CONFUSION)
        bins = reliability(*confidences(schema.kind, part.probabilities, part.ids))
        draw_reliability(bins, folder / CALIBRATION)
        drawn.append(folder / CALIBRATION)
    except ImportError:
        return []
    return drawn


def _part(kind: LabelKind, probabilities: Array, rows: Encoded) -> _Part:
    ids, offsets = np.asarray(rows.labels), np.asarray(rows.offsets)
    if kind != "step":
        return _Part(probabilities, ids, None)
    there = ids != IGNORE
    before = np.concatenate([[0], np.cumsum(there)])
    return _Part(probabilities[there], ids[there], before[offsets])


def _compared(schema: Schema, values: Mapping[str, float]) -> list[str]:
    """The metrics that the baselines are set beside, the one that decides last."""
    return [LEADING[schema.kind], *(["entity_f1"] if "entity_f1" in values else [])]


def _unit(schema: Schema, metric: str) -> str:
    return f"of all {_counted(schema)}" if metric in _SHARES else ""


def _counted(schema: Schema) -> str:
    if schema.kind != "step":
        return "rows"
    return "steps" if schema.inputs == "numbers" else "words"


def _remarks(schema: Schema, part: _Part, error: float) -> list[str]:
    lines = []
    if schema.kind != "many" and len(schema.names) > 2:
        given = predicted(schema.kind, part.probabilities)
        matrix = confusion(given, part.ids, len(schema.names))
        np.fill_diagonal(matrix, 0)
        true, called = np.unravel_index(int(matrix.argmax()), matrix.shape)
        if matrix.max():
            lines.append(
                f"Most often confused: {schema.names[true]!r} is called {schema.names[called]!r} "
                f"({matrix.max():,} of {int((part.ids == true).sum()):,})."
            )
    if error > _MISCALIBRATED:
        lines.append(
            f"Its probabilities are off by {_percent(error)} on average, so don't take them at "
            "their word."
        )
    return lines


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"

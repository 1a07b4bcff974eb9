"""The report on a backtest: first whether the network beats forecasts that learn nothing.

Legend: L horizon.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from elman.evaluation.backtest.backtest import Backtest
from elman.evaluation.backtest.baselines import NAIVE
from elman.evaluation.backtest.metrics import UNITS
from elman.evaluation.backtest.significance import LEVEL, Comparison, compare
from elman.evaluation.report import Report, Score
from elman.files import atomic_path


def report(found: Backtest, split: str = "test") -> Report:
    """The verdict, and the scores of the network and of the baselines on the rows of `split`."""
    scores = [
        Score(split, f"{metric}{f', {model}' * (model != found.model)}", value, UNITS[metric])
        for model in (found.model, *found.baselines)
        for metric, (value, _) in found.tally.scores(model).items()
    ]
    return Report(scores, verdict(found))


def steps(found: Backtest) -> list[dict[str, Any]]:
    """A row for each model and step of the horizon, with a column for each metric."""
    rows: list[dict[str, Any]] = []
    for model in (found.model, *found.baselines):
        scores = found.tally.scores(model)
        for step in range(found.horizon):
            values = {metric: float(steps[step]) for metric, (_, steps) in scores.items()}
            row = {key: None if math.isnan(value) else value for key, value in values.items()}
            rows.append({"model": model, "step": step + 1, **row})
    return rows


def write_steps(path: Path, found: Backtest) -> None:
    """Write the rows of `steps` as CSV, atomically."""
    rows = steps(found)
    with atomic_path(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def verdict(found: Backtest) -> list[str]:
    """Sentences, the most important first."""
    metric = "MASE" if not math.isnan(_overall(found, found.model, "MASE")) else "MAE"
    lines = [str(found.leakage)] if found.leakage.found else []
    lines.append(_against_naive(found, metric))
    if not found.leakage.found:
        lines.append(f"{_coverage(found)}{found.leakage}")
    lines.append(_how(found, metric))
    return [*lines, *found.notes]


def _against_naive(found: Backtest, metric: str) -> str:
    """The first line: whether it is better than naive, and than the best of the baselines."""
    best = min(found.baselines, key=lambda name: _overall(found, name, metric))
    naive = _compare(found, NAIVE, metric)
    own, other = (_overall(found, name, metric) for name in (found.model, NAIVE))
    text = f"{metric} {own:.3g} against {other:.3g}, {_share(own, other)} ({naive})"
    if not naive.better:
        text = f"not better than naive: {text}{_plainly(naive)}"
        if best != NAIVE:
            text += f"; the best baseline is {best}, {_overall(found, best, metric):.3g}"
        return text
    if best == NAIVE:
        return f"better than naive, the best of the baselines: {text}"
    against = _compare(found, best, metric)
    least = _overall(found, best, metric)
    rest = f"{least:.3g}, {_share(own, least)} ({against})"
    if against.better:
        return f"better than naive: {text}; and than the best baseline, {best}: {rest}"
    return (
        f"better than naive: {text}; but not than the best baseline, {best}: {rest}"
        f"{_plainly(against, best)}"
    )


def _plainly(comparison: Comparison, name: str = NAIVE) -> str:
    """What to do, in plain words."""
    simple = "repeating the last value" if name == NAIVE else f"a {name} forecast"
    if comparison.worse:
        return f"; use {simple} instead, it is better"
    if math.isnan(comparison.p):
        return "; more cuts are needed to tell"
    if comparison.difference < 0:
        return "; a difference as small as this may be chance"
    return f"; {simple} does as well"


def _coverage(found: Backtest) -> str:
    scores = found.tally.scores(found.model)
    shown = [
        f"{scores[metric][0]:.1f} % for {metric.removeprefix('coverage of ')}"
        for metric in UNITS
        if metric.startswith("coverage") and metric in scores
    ]
    return f"intervals cover {', '.join(shown)}; " if shown else ""


def _how(found: Backtest, metric: str) -> str:
    """The conditions of the measurement."""
    gap = f" after a gap of {found.gap}" if found.gap else ""
    overlap = f"; neighboring cuts overlap by up to {found.overlap}" if found.overlap else ""
    scaled = (
        "; MASE is the mean absolute error in units of the mean step from row to row before the "
        "first cut"
        if metric == "MASE"
        else ""
    )
    return (
        f"{found.pairs:,} forecasts of {found.horizon} steps{gap} from {found.cuts:,} cuts"
        f"{overlap} (significant: p < {LEVEL:g}){scaled}"
    )


def _compare(found: Backtest, baseline: str, metric: str) -> Comparison:
    own, other = (found.tally.loss_by_cut(name, metric) for name in (found.model, baseline))
    return compare(own, other, found.overlap)


def _overall(found: Backtest, model: str, metric: str) -> float:
    scores = found.tally.scores(model)
    return scores[metric][0] if metric in scores else math.nan


def _share(own: float, other: float) -> str:
    """The relative difference of the first to the second, in words."""
    if not other or math.isnan(own) or math.isnan(other):
        return "which can't be compared"
    change = own / other - 1
    if abs(change) < 0.0005:
        return "the same"
    return f"{abs(change):.1%} {'less' if change < 0 else 'more'}"

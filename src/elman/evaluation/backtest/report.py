"""The report on a backtest: first whether the network beats forecasts that learn nothing.

Legend: L horizon.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from elman.data.series.forecasts import LEVELS
from elman.evaluation.backtest.backtest import Backtest
from elman.evaluation.backtest.baselines import NAIVE
from elman.evaluation.backtest.metrics import GLUONTS_LEVELS, UNITS
from elman.evaluation.backtest.significance import Comparison, compare
from elman.evaluation.paired import SIGNIFICANT
from elman.evaluation.report import Report, Score
from elman.numbers import chance, significant


def report(found: Backtest, split: str = "test", hints: Sequence[str] = ()) -> Report:
    """The verdict, and the scores of the network and of the baselines on the rows of `split`.

    `hints` are sentences about the data that explain the verdict.
    """
    scores = [
        Score(split, f"{metric}{f', {model}' * (model != found.model)}", value, UNITS[metric])
        for model in (found.model, *found.baselines)
        for metric, (value, _) in found.tally.scores(model).items()
    ]
    return Report(scores, verdict(found, hints))


def verdict(found: Backtest, hints: Sequence[str] = ()) -> list[str]:
    """Sentences, the most important first."""
    lines = [str(found.leakage)] if found.leakage.found else []
    lines += [*headline(found), *hints]
    if not found.leakage.found:
        lines.append(f"{_coverage(found)}{found.leakage}")
    return [*lines, _conditions(found), *_definitions(found), *found.notes]


def headline(found: Backtest) -> list[str]:
    """Whether it is better than the baselines: by MASE, and where there are intervals, by CRPS.

    The second sentence begins with "but" where the two do not agree.
    """
    metric = point_metric(found)
    outcomes, text = _against_baselines(found, metric)
    if not found.tally.levels:
        return [text]
    by_crps, crps = _against_baselines(found, "CRPS")
    but = "but " if by_crps != outcomes else ""
    return [text, f"{but}by CRPS, which scores the whole distribution, {crps}"]


def point_metric(found: Backtest) -> str:
    """What medians are scored by: MASE, or MAE where no series changes before its origins."""
    return "MAE" if math.isnan(_overall(found, found.model, "MASE")) else "MASE"


def _against_baselines(found: Backtest, metric: str) -> tuple[list[str], str]:
    """The outcomes against naive and against the best baseline, and a sentence that says them."""
    best = min(found.baselines, key=lambda name: _overall(found, name, metric))
    own, naive = (_overall(found, name, metric) for name in (found.model, NAIVE))
    test = compare_with(found, NAIVE, metric)
    sizes = f"{metric} {significant(own, 3)} against {significant(naive, 3)}"
    if test.outcome == "undecided":
        change = _difference(own, naive, NAIVE)
        text = f"undecided: {change}, {test}; {sizes}"
    else:
        word = "better" if test.outcome == "better" else "not better"
        only = ", the best of the baselines" * (best == NAIVE and word == "better")
        text = f"{word} than naive{only}: {sizes}, {_difference(own, naive)} ({test})"
        text += "; repeat the last value instead" * (test.outcome == "worse" and best == NAIVE)
    if best == NAIVE:
        return [test.outcome, test.outcome], text
    against, least = compare_with(found, best, metric), _overall(found, best, metric)
    word = {
        "better": "and better than",
        "same": "the same as",
        "worse": f"{'but' if test.outcome == 'better' else 'and'} worse than",
        "undecided": "undecided against",
    }[against.outcome]
    alike = against.enough and (against.over, against.count) == (test.over, test.count)
    text += f"; {word} the best baseline, {best}: {significant(least, 3)}"
    text += f", {_difference(own, least)} ({chance(against.p) if alike else against})"
    text += "; use that instead" * (against.outcome == "worse")
    return [test.outcome, against.outcome], text


def _coverage(found: Backtest) -> str:
    scores = found.tally.scores(found.model)
    shown = [
        f"{scores[metric][0]:.1f} % for {metric.removeprefix('coverage of ')}"
        for metric in UNITS
        if metric.startswith("coverage") and metric in scores
    ]
    if not shown:
        return "no intervals, so no coverage and no CRPS; "
    return f"intervals cover {', '.join(shown)}; "


def _conditions(found: Backtest) -> str:
    """The conditions of the measurement."""
    gap = f" after a gap of {found.gap}" if found.gap else ""
    overlap = ""
    if found.overlap and found.origins > 1:
        overlap = f"; neighboring origins overlap by up to {found.overlap}"
    origins = "1 forecast origin" if found.origins == 1 else f"{found.origins:,} forecast origins"
    series = f" of {found.tally.series:,} series" if found.tally.series > 1 else ""
    return (
        f"{found.pairs:,} forecasts of {found.horizon} steps{gap} from {origins}{series}{overlap}"
        f" (significant: p < {SIGNIFICANT:g})"
    )


def _definitions(found: Backtest) -> list[str]:
    """What the numbers are measured in."""
    errors = (
        "MASE is the mean absolute error over the mean absolute change from row to row before the"
        " first forecast origin of a series"
    )
    if found.season is not None:
        errors += (
            f"; seasonal MASE, as in the M4 competition, is over the change from season to season,"
            f" {found.season} rows"
        )
    if not (levels := found.tally.levels):
        return [errors]
    quantiles = (
        "CRPS is twice the pinball loss, weighted by the distance of the levels, and weighted"
        " quantile loss the mean over the levels of twice the pinball loss over the mean size; both"
        f" over {spoken_levels(levels)}"
    )
    if levels == GLUONTS_LEVELS:
        quantiles += ", GluonTS's: over these the latter is its mean_wQuantileLoss"
    return [errors, quantiles]


def spoken_levels(levels: Sequence[float]) -> str:
    """Quantile levels in few words: "9 quantile levels: 0.1 to 0.9 by 0.1"."""
    if tuple(levels) == LEVELS:
        return f"{len(levels)} quantile levels: 0.025, 0.05 to 0.95 by 0.05, 0.975"
    gaps = {round(right - left, 9) for left, right in pairwise(levels)}
    if len(levels) > 2 and len(gaps) == 1:
        each = f"{levels[0]:g} to {levels[-1]:g} by {gaps.pop():g}"
    else:
        each = ", ".join(f"{level:g}" for level in levels)
    return f"{len(levels)} quantile level{'s' * (len(levels) > 1)}: {each}"


def compare_with(found: Backtest, baseline: str, metric: str) -> Comparison:
    """The test of the network against a baseline."""

    def losses(key: Any) -> Any:
        own, other = (
            found.tally.scores_by(key, model)[metric] for model in (found.model, baseline)
        )
        return own, other

    return compare(losses("origin"), losses("series"), found.overlap)


def _overall(found: Backtest, model: str, metric: str) -> float:
    scores = found.tally.scores(model)
    return scores[metric][0] if metric in scores else math.nan


def _difference(own: float, other: float, name: str = "") -> str:
    """How two errors compare: "12.3 % less error than naive", "4.2 times the error of naive"."""
    than, of, like = (f" {word} {name}" if name else "" for word in ("than", "of", "as"))
    if other == 0:
        return f"the same error{like}" if own == 0 else f"some error where {name or 'it'} has none"
    ratio = own / other
    if abs(ratio - 1) < 0.0005:
        return f"the same error{like}"
    if ratio > 3:
        return f"{significant(ratio, 2)} times the error{of}"
    percent = "over 99.9" if ratio < 0.001 else f"{100 * abs(ratio - 1):.1f}"
    return f"{percent} % {'less' if ratio < 1 else 'more'} error{than}"

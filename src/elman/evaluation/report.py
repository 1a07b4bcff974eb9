"""What an evaluation found: numbers with their units, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from elman.evaluation.table import Table


@dataclass(frozen=True)
class Score:
    """One measured number, with the unit without which it says nothing."""

    split: str
    metric: str
    value: int | float
    unit: str


@dataclass(frozen=True)
class Report:
    """What an evaluation found.

    Attributes:
        scores: the numbers.
        verdict: what they mean, in sentences that stand above them.
        figures: file name -> what draws the figure at a path; a run keeps them in its folder.
        forecasts: of a backtest: all of its forecasts, a row for each series, forecast origin and
            step of the horizon. None of other evaluations.
        per_series: of a backtest: the scores of each series and model. None of other evaluations.
    """

    scores: Sequence[Score]
    verdict: Sequence[str] = ()
    figures: Mapping[str, Callable[[Path], None]] = field(default_factory=dict)
    forecasts: Table | None = None
    per_series: Table | None = None

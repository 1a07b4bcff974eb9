"""What an evaluation found: numbers with their units, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Score:
    """One measured number, with the unit without which it says nothing."""

    split: str
    metric: str
    value: float
    unit: str


@dataclass(frozen=True)
class Report:
    """What an evaluation found.

    Attributes:
        scores: the numbers.
        verdict: what they mean, in sentences that stand above them.
        figures: file name -> what draws the figure at a path; a run keeps them in its folder.
    """

    scores: Sequence[Score]
    verdict: Sequence[str] = ()
    figures: Mapping[str, Callable[[Path], None]] = field(default_factory=dict)

"""How much a language model counts in a search, and how that is tuned on validation data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

USUAL_WEIGHT = 0.5

WEIGHTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.4, 2.0)
BONUSES = (-2.0, -1.0, 0.0, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Fusion:
    """How much a language model counts.

    Attributes:
        weight: of its log-probabilities; 0 for not at all.
        bonus: nats for each of its tokens or words.
    """

    weight: float = USUAL_WEIGHT
    bonus: float = 0.0


Wrong = tuple[int, int]
"""The word errors and the character errors of all validation utterances."""


@dataclass(frozen=True)
class Tuned:
    """What tuning found.

    Attributes:
        best: with the fewest word errors; then the fewest character errors, the smallest weight,
            and the bonus nearest to 0.
        tried: the errors of each setting that was tried, in order.
    """

    best: Fusion
    tried: dict[Fusion, Wrong] = field(repr=False)

    @property
    def without(self) -> Wrong:
        """The errors without a language model."""
        return self.tried[Fusion(0.0, 0.0)]


def tune(
    errors: Callable[[Fusion], Wrong],
    weights: Sequence[float] = WEIGHTS,
    bonuses: Sequence[float] = BONUSES,
) -> Tuned:
    """Find the weight and the bonus with the fewest errors.

    First each weight without a bonus, then each bonus with the best of them, then the weights beside
    it with the best bonus. No chance is in it.

    Args:
        errors: decodes the validation utterances with a setting.
        weights: to try; 0 is tried in any case.
        bonuses: to try; 0 is tried in any case.
    """
    tried: dict[Fusion, Wrong] = {}

    def best_of(settings: Sequence[Fusion]) -> Fusion:
        for each in settings:
            if each not in tried:
                tried[each] = errors(each)
        return min(settings, key=lambda each: (tried[each], each.weight, abs(each.bonus)))

    levels = sorted({0.0, *weights})
    best = best_of([Fusion(weight, 0.0) for weight in levels])
    if best.weight:
        best = best_of([Fusion(best.weight, bonus) for bonus in sorted({0.0, *bonuses})])
        place = levels.index(best.weight)
        beside = levels[max(place - 1, 1) : place + 2]
        best = best_of([Fusion(weight, best.bonus) for weight in beside])
    return Tuned(best, tried)

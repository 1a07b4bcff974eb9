"""How much a language model counts in a search, and how that is tuned on validation data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

USUAL_WEIGHT = 0.5

WEIGHTS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
BONUSES = (-1.0, 0.0, 1.0, 2.0, 4.0)


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
    """Find the weight and the bonus with the fewest errors, on a grid. No chance is in it.

    Args:
        errors: decodes the validation utterances with a setting.
        weights: above 0, to try with each bonus; without the language model is tried as well.
        bonuses: to try with each weight.
    """
    none = Fusion(0.0, 0.0)
    settings = [none, *(Fusion(weight, bonus) for weight in weights for bonus in bonuses)]
    tried = {each: errors(each) for each in settings}
    best = min(settings, key=lambda each: (tried[each], each.weight, abs(each.bonus)))
    return Tuned(best, tried)

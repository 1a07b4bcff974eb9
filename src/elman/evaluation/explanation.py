"""Why a text got its label: how much each of its words contributed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WordEffect:
    """How much one word contributed to the probability of the predicted label.

    Attributes:
        word: as it stands in the text.
        effect: the probability that is lost without the word; None in a long text.
        gradient: an estimate of the same from the gradient.
    """

    word: str
    effect: float | None
    gradient: float

    @property
    def moved(self) -> float:
        """The effect where it was measured, else its estimate."""
        return self.gradient if self.effect is None else self.effect


@dataclass(frozen=True)
class Explanation:
    """A predicted label, its probability, and the contribution of each word."""

    predicted: str
    probability: float
    words: tuple[WordEffect, ...]

"""How much each word of a text contributes to the answer of a classifier."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WordEffect:
    """The contribution of one word.

    Attributes:
        word: as in the text.
        effect: the probability that is lost without the word; None for a long text.
        gradient: an estimate of it by the gradient.
    """

    word: str
    effect: float | None
    gradient: float

    @property
    def moved(self) -> float:
        """`effect` if it is known, otherwise `gradient`."""
        return self.gradient if self.effect is None else self.effect


@dataclass(frozen=True)
class Explanation:
    """The predicted class, its probability, and the contribution of each word."""

    predicted: str
    probability: float
    words: tuple[WordEffect, ...]

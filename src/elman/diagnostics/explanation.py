"""Why an answer is as it is: the words behind a class, the attention behind a translation.

Legend: S source pieces, T pieces of the translation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


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


@dataclass(frozen=True)
class Alignment:
    """The attention on each piece of the source, for each piece of the translation.

    Attributes:
        source: S pieces, the end last.
        translation: T pieces, the end last.
        weights: (T, S), each row summing to 1.
    """

    source: tuple[str, ...]
    translation: tuple[str, ...]
    weights: npt.NDArray[np.float32]

    def nearest(self, place: int) -> str:
        """The piece of the source, except its end, with most attention at `translation[place]`."""
        row = self.weights[place, :-1]
        return self.source[int(row.argmax())] if len(row) else ""

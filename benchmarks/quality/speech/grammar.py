"""A seeded grammar of digit strings: after each digit three others may follow, one mostly does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CHANCES = (0.75, 0.2, 0.05)


@dataclass(frozen=True)
class Grammar:
    """A Markov chain over the digits; the first digit of a string is uniform.

    Attributes:
        follows: follows[i, j], the probability that j comes after i.
    """

    follows: npt.NDArray[np.float64]

    @classmethod
    def draw(cls, seed: int) -> Grammar:
        """Three followers a digit, drawn at random; each digit is the likely one of one other."""
        generator = np.random.default_rng(seed)
        follows = np.zeros((10, 10))
        # Shifts of one permutation: no digit gets out of the way of the chain, none is favored.
        order = generator.permutation(10)
        shifts = generator.choice(np.arange(1, 10), size=len(CHANCES), replace=False)
        for place, digit in enumerate(order):
            for shift, chance in zip(shifts, CHANCES, strict=True):
                follows[digit, order[(place + shift) % 10]] = chance
        return cls(follows)

    def __call__(self, length: int, generator: np.random.Generator) -> list[int]:
        """A string of that many digits."""
        digits = [int(generator.integers(10))]
        while len(digits) < length:
            digits.append(int(generator.choice(10, p=self.follows[digits[-1]])))
        return digits

    def perplexity(self, lengths: Sequence[int]) -> float:
        """exp of the mean entropy a digit, the first one included, for lengths equally likely.

        The chain is doubly stochastic and starts uniform, so every place has the same entropy.
        """
        chances = self.follows[self.follows > 0]
        later = -float(np.sum(chances * np.log(chances))) / 10
        nats = math.log(10) + (float(np.mean(lengths)) - 1) * later
        return math.exp(nats / float(np.mean(lengths)))


def uniform(length: int, generator: np.random.Generator) -> list[int]:
    """Every digit as likely as the others: perplexity 10."""
    return [int(digit) for digit in generator.integers(10, size=length)]

"""The grammar of digits, and its perplexity against that of strings drawn from it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from benchmarks.quality.speech.grammar import Grammar, uniform

LENGTHS = (3, 4, 5, 6, 7)


def test_the_perplexity_is_that_of_drawn_strings() -> None:
    grammar, generator = Grammar.draw(seed=7), np.random.default_rng(1)
    nats = digits = 0.0
    for _ in range(4_000):
        drawn = grammar(int(generator.choice(LENGTHS)), generator)
        nats += np.log(10) - sum(np.log(grammar.follows[a, b]) for a, b in pairwise(drawn))
        digits += len(drawn)
    assert np.exp(nats / digits) == pytest.approx(grammar.perplexity(LENGTHS), rel=0.01)
    assert grammar.perplexity(LENGTHS) <= 3


def test_every_digit_is_as_frequent() -> None:
    follows = Grammar.draw(seed=7).follows
    assert follows.sum(axis=0) == pytest.approx(np.ones(10))
    assert follows.sum(axis=1) == pytest.approx(np.ones(10))
    assert np.all((follows > 0).sum(axis=1) == 3)


def test_uniform_strings_have_every_digit() -> None:
    assert set(uniform(200, np.random.default_rng(1))) == set(range(10))

"""n-gram models against the equations written with dictionaries."""

from __future__ import annotations

import math
import sys
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.errors import InputError
from elman.evaluation.ngram import FALLBACK_DISCOUNTS, KneserNey, Unigram


def by_hand(text: list[int], vocab_size: int, order: int, context: list[int], word: int) -> float:
    """The equations of Chen & Goodman with dictionaries, one probability at a time."""

    def grams(n: int) -> Counter[tuple[int, ...]]:
        return Counter(tuple(text[i : i + n]) for i in range(len(text) - n + 1))

    def counts(n: int) -> dict[tuple[int, ...], int]:
        if n == order:
            return grams(n)
        before: dict[tuple[int, ...], set[int]] = defaultdict(set)
        for gram in grams(n + 1):
            before[gram[1:]].add(gram[0])
        return {gram: len(before[gram]) for gram in grams(n)}

    def p(n: int, context: tuple[int, ...]) -> float:
        if n == 0:
            return 1 / vocab_size
        c = counts(n)
        many = [sum(v == k for v in c.values()) for k in range(1, 5)]
        discounts = list(FALLBACK_DISCOUNTS)
        if all(many):
            share = many[0] / (many[0] + 2 * many[1])
            found = [k - (k + 1) * share * many[k] / many[k - 1] for k in (1, 2, 3)]
            if all(0 < d <= k for k, d in enumerate(found, 1)):
                discounts = [0.0, *found]
        after = {g: v for g, v in c.items() if g[:-1] == context}
        total = sum(after.values())
        lower = p(n - 1, context[1:])
        if not total:
            return lower
        own = c.get((*context, word), 0)
        kept = max(own - discounts[min(own, 3)], 0) / total
        return kept + sum(discounts[min(v, 3)] for v in after.values()) / total * lower

    longest = min(order, len(context) + 1)
    return p(longest, tuple(context[len(context) - longest + 1 :]))


TEXTS = st.lists(st.integers(0, 4), min_size=5, max_size=60)


@given(TEXTS, st.integers(1, 4), st.lists(st.integers(0, 5), max_size=5))
def test_the_equations_and_that_they_sum_to_one(
    text: list[int], order: int, context: list[int]
) -> None:
    model = KneserNey.fit(text, 6, order)
    row = [model.probabilities([*context, word])[-1] for word in range(6)]
    assert sum(row) == pytest.approx(1, abs=1e-12)
    assert min(row) > 0
    assert row == pytest.approx([by_hand(text, 6, order, context, w) for w in range(6)])


def test_discounts_are_estimated_where_there_is_enough() -> None:
    generator = np.random.default_rng(0)
    text = np.minimum(generator.geometric(0.2, 400) - 1, 19).tolist()
    model = KneserNey.fit(text, 20, 2)
    row = [model.probabilities([3, word])[-1] for word in range(20)]
    assert row == pytest.approx([by_hand(text, 20, 2, [3], w) for w in range(20)])
    smooth = [KneserNey.fit(text, 20, n).orders[-1].backoff.min() for n in (2, 3)]
    assert all(0 < gamma < 1 for gamma in smooth)


def test_scores_of_a_text_are_those_of_its_positions() -> None:
    generator = np.random.default_rng(1)
    text, other = generator.integers(0, 5, 80).tolist(), generator.integers(0, 5, 12).tolist()
    model = KneserNey.fit(text, 5, 3)
    wanted = [by_hand(text, 5, 3, other[:i], other[i]) for i in range(12)]
    assert model.probabilities(other) == pytest.approx(wanted)
    assert model.nats(other) == pytest.approx(-np.log(wanted).mean())
    assert model.probabilities(other[:1]) == pytest.approx(wanted[:1])


def test_a_longer_context_helps_and_no_token_costs_a_call() -> None:
    from pydoc_data.topics import topics

    text = "".join(topics.values())
    _, ids = np.unique(np.array(list(text)), return_inverse=True)
    split, vocab_size = len(ids) - 23_000, int(ids.max()) + 1
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        losses = [KneserNey.fit(ids[:split], vocab_size, n).nats(ids[split:]) for n in (1, 2, 3, 5)]
    finally:
        sys.setprofile(None)
    # NumPy does the work: a Python loop over tokens or n-grams would take a hundred times as many.
    assert calls < 10_000 < len(ids) / 10
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.5 * losses[0]
    assert losses[0] == pytest.approx(
        Unigram.fit(ids[:split], vocab_size).nats(ids[split:]), abs=0.1
    )


def test_unigram_by_hand() -> None:
    model = Unigram.fit([0, 0, 1], 3)
    assert np.exp(model.log_probs) == pytest.approx([3 / 6, 2 / 6, 1 / 6])
    assert model.nats([2, 0]) == pytest.approx((math.log(6) + math.log(2)) / 2)


def test_the_fallback_of_kenlm_by_hand() -> None:
    """No token stands three times, so 0.5, 1 and 1.5 are taken off."""
    model = KneserNey.fit([0, 0, 1], 3, 1)
    free = (1 + 0.5) / 3
    expected = [(2 - 1) / 3 + free / 3, (1 - 0.5) / 3 + free / 3, free / 3]
    assert [model.probabilities([word])[0] for word in range(3)] == pytest.approx(expected)
    often = KneserNey.fit([0, 0, 0, 1], 3, 1)
    assert often.probabilities([0])[0] == pytest.approx((3 - 1.5) / 4 + (1.5 + 0.5) / 4 / 3)


@pytest.mark.parametrize("tokens", [[], [0, 3], [-1], [[0, 1]], [0.5]], ids=str)
def test_wrong_tokens(tokens: list[object]) -> None:
    for fit in (Unigram.fit, lambda ids, size: KneserNey.fit(ids, size, 1)):
        with pytest.raises(InputError, match=r"from 0 to 2, got |expected a row of token ids"):
            fit(tokens, 3)


def test_an_order_beyond_the_text() -> None:
    for order in (0, 4):
        with pytest.raises(InputError, match="order"):
            KneserNey.fit([0, 1, 2], 3, order)

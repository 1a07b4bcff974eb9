"""Baselines of a language model: unigram and n-gram models.

Legend: N tokens, V vocabulary, n order. An n-gram is a context of n - 1 tokens and the token w
after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from elman.errors import InputError

Ids: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

UNSEEN = -1

# The fallback of KenLM for texts that are too small or too regular to estimate discounts.
FALLBACK_DISCOUNTS = np.array([0.0, 0.5, 1.0, 1.5])


@final
@dataclass(frozen=True)
class Unigram:
    """p(w) = (count(w) + 1) / (N + V): each token alone, with Laplace's added one."""

    log_probs: Floats

    @staticmethod
    def fit(tokens: npt.ArrayLike, vocab_size: int) -> Unigram:
        """Count `tokens` (N,)."""
        ids = _checked(tokens, vocab_size)
        counts = np.bincount(ids, minlength=vocab_size) + 1.0
        return Unigram(np.log(counts / counts.sum()))

    def nats(self, tokens: npt.ArrayLike) -> float:
        """The mean negative log-likelihood of `tokens` (N,), in nats per token."""
        return float(-self.log_probs[_checked(tokens, len(self.log_probs))].mean())


@dataclass(frozen=True)
class _Order:
    """The n-grams of one order in the text.

    Attributes:
        keys: (K,) ascending: id of the context among the (n-1)-grams, times V, plus w.
        discounted: (K,) the part of p that an n-gram keeps: max(c - D(c), 0) / c(context).
        backoff: (contexts + 1,) the weight γ of the next lower order after each context; 1 after
            one that was never followed by anything, the last entry included, for `UNSEEN`.
    """

    keys: Ids
    discounted: Floats
    backoff: Floats

    def find(self, contexts: Ids, tokens: Ids, vocab_size: int) -> Ids:
        """The ids of n-grams, or UNSEEN; a context may be UNSEEN itself."""
        wanted = np.where(contexts == UNSEEN, UNSEEN, contexts * vocab_size + tokens)
        places = np.searchsorted(self.keys, wanted).clip(max=len(self.keys) - 1)
        return np.where(self.keys[places] == wanted, places, UNSEEN)


@final
@dataclass(frozen=True)
class KneserNey:
    """The interpolated n-gram model with modified Kneser-Ney smoothing.

        p_n(w | u v) = max(c(u v w) - D(c), 0) / c(u v ·) + γ(u v) p_{n-1}(w | v)

    with p_0 = 1 / V. Here u is one token and v the rest of the context. c counts occurrences at
    the highest order; below it, the different tokens that stand before an n-gram. The discounts
    D(1), D(2) and D(3 and more) of each order come from its counts of counts; γ makes the sum 1.

    Source: Chen & Goodman 1999, "An empirical study of smoothing techniques for language
    modeling", section 3, interpolated, with the discounts of equation 17.
    """

    orders: tuple[_Order, ...]
    vocab_size: int

    @staticmethod
    def fit(tokens: npt.ArrayLike, vocab_size: int, order: int = 5) -> KneserNey:
        """Count `tokens` (N,), as one text without sentence boundaries."""
        ids = _checked(tokens, vocab_size)
        if order < 1 or len(ids) < order:
            raise InputError(f"an n-gram model of order {order} needs at least as many tokens")
        # For each order: its n-grams, their counts, and the (n-1)-gram at the end of each.
        keys: list[Ids] = []
        raw: list[Ids] = []
        ends: list[Ids] = []
        previous = np.zeros(len(ids) + 1, dtype=np.int64)  # ids of the (n-1)-grams by position
        for _ in range(order):
            # previous[i] ends one before the token it is the context of, previous[i + 1] at it.
            current_tokens = ids[len(ids) + 1 - len(previous) :]
            found, first, current, counts = np.unique(
                previous[:-1] * vocab_size + current_tokens,
                return_index=True,
                return_inverse=True,
                return_counts=True,
            )
            keys.append(found)
            raw.append(counts)
            ends.append(previous[1:][first])
            previous = current.astype(np.int64)
        orders, contexts = [], 1
        for n in range(order):
            counts = raw[n]
            if n + 1 < order:
                counts = np.bincount(ends[n + 1], minlength=len(keys[n]))
            orders.append(_smooth(keys[n], counts, contexts, vocab_size))
            contexts = len(keys[n])
        return KneserNey(tuple(orders), vocab_size)

    def probabilities(self, tokens: npt.ArrayLike) -> Floats:
        """p of each token (N,) given those before it, the first few in shorter contexts."""
        ids = _checked(tokens, self.vocab_size)
        probabilities = np.full(len(ids), 1 / self.vocab_size)
        previous = np.zeros(len(ids) + 1, dtype=np.int64)
        for n, order in enumerate(self.orders[: len(ids)]):
            contexts = previous[:-1]
            current = order.find(contexts, ids[n:], self.vocab_size)
            seen = np.where(current == UNSEEN, 0.0, order.discounted[current])
            probabilities[n:] = seen + order.backoff[contexts] * probabilities[n:]
            previous = current
        return probabilities

    def nats(self, tokens: npt.ArrayLike) -> float:
        """The mean negative log-likelihood of `tokens` (N,), in nats per token."""
        return float(-np.log(self.probabilities(tokens)).mean())


def _smooth(keys: Ids, counts: npt.NDArray[Any], contexts: int, vocab_size: int) -> _Order:
    parents = keys // vocab_size
    kinds = np.minimum(counts, 3)  # once, twice, more; 0 at the very beginning of the text
    discounts = _discounts(counts)
    totals = np.bincount(parents, counts, minlength=contexts + 1)
    freed = np.bincount(parents, discounts[kinds], minlength=contexts + 1)
    followed = totals > 0
    backoff = np.divide(freed, totals, out=np.ones(contexts + 1), where=followed)
    kept = np.divide(
        counts - discounts[kinds], totals[parents], out=np.zeros(len(keys)), where=followed[parents]
    )
    return _Order(keys, kept, backoff)


def _discounts(counts: npt.NDArray[Any]) -> Floats:
    """D(0) = 0, D(1), D(2) and D(3 and more) from the counts of counts."""
    n1, n2, n3, n4 = (float((counts == count).sum()) for count in range(1, 5))
    if 0 in (n1, n2, n3, n4):
        return FALLBACK_DISCOUNTS
    share = n1 / (n1 + 2 * n2)
    estimated = [
        k - (k + 1) * share * more / n for k, n, more in ((1, n1, n2), (2, n2, n3), (3, n3, n4))
    ]
    # All must be in (0, k]: otherwise a probability is negative, or 0 for unseen tokens.
    if any(not 0 < d <= k for k, d in enumerate(estimated, 1)):
        return FALLBACK_DISCOUNTS
    return np.array([0.0, *estimated])


def _checked(tokens: npt.ArrayLike, vocab_size: int) -> Ids:
    ids = np.asarray(tokens)
    if ids.ndim != 1 or not len(ids) or ids.dtype.kind not in "iu":
        raise InputError(f"expected a row of token ids, got {ids.dtype} of shape {ids.shape}")
    if ids.min() < 0 or ids.max() >= vocab_size:
        raise InputError(
            f"token ids must be from 0 to {vocab_size - 1}, got {ids.min()} to {ids.max()}"
        )
    return ids.astype(np.int64)

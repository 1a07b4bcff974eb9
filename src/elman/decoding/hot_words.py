"""Hot words: phrases that are to be heard more easily, such as names.

A phrase counts where it stands as whole words. Each occurrence adds its boost to the score of a
text, in equal parts as its letters come, so that the search keeps to it; when the phrase is not
completed, the parts are taken back.

    score(text) = Σ boosts of the phrases in it + Φ(node)

where the node stands for the longest end of the text that begins a phrase (the automaton of Aho &
Corasick 1975), and Φ is the part that is said, of the phrase for which it is largest; Φ is 0 for
negative boosts, which make a phrase rarer.

Legend: V tokens, n nodes.
"""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from elman.errors import InputError

Array: TypeAlias = npt.NDArray[Any]

MOST_LETTERS = 1 << 16
"""Bytes of all phrases together."""

_MOST_KEPT = 1 << 24
"""Numbers of the tables that are kept, which bounds their memory."""

_SPACE = 0x20


@final
class HotWords:
    """Phrases with a boost each, over the tokens of a network.

    Args:
        boosts: phrase -> nats that each occurrence of it adds.
        spelling: (V) the UTF-8 bytes of each token, white space included.

    Raises:
        InputError: a phrase without letters or with some that no token has, a boost that is not
            finite, or too many letters.
    """

    def __init__(self, boosts: Mapping[str, float], spelling: Sequence[bytes]) -> None:
        self._spelling = [_plain(token) for token in spelling]
        self._next: list[dict[int, int]] = [{}]
        self._boost, self._part = [0.0], [0.0]
        letters_of = "".join(token.decode(errors="ignore") for token in self._spelling)
        any_text = {bytes([byte]) for byte in range(256)}.issubset(spelling)
        letters = 0
        for phrase, boost in boosts.items():
            words = " ".join(phrase.split()).encode()
            letters += len(words)
            if not words:
                raise InputError("a hot word is empty; give letters")
            if not math.isfinite(boost):
                raise InputError(f"hot word {phrase!r}: its boost must be a number, got {boost}")
            if letters > MOST_LETTERS:
                raise InputError(
                    f"hot words of more than {MOST_LETTERS:,} letters in all; give fewer"
                )
            missing = [] if any_text else sorted(set(words.decode()) - {" ", *letters_of})
            if missing:
                raise InputError(
                    f"hot word {phrase!r}: the network has no {missing[0]!r}; write it with the"
                    " letters of its training texts"
                )
            self._add(words, boost)
        self._link()
        self.start = self._read(0, _SPACE)[0]
        """The node of the empty text, before which a space is thought."""
        self._known: dict[int, tuple[Array, Array]] = {}
        content = repr((sorted(boosts.items()), list(spelling)))
        self.fingerprint = hashlib.sha256(content.encode()).hexdigest()
        """A hash of the phrases, their boosts and the tokens."""

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return len(self._next)

    def continuations(self, nodes: Sequence[int]) -> tuple[Array, Array]:
        """What each token adds at each of n nodes, (n, V), and the node after it, (n, V)."""
        found = [self._row(node) for node in nodes]
        return np.stack([gains for gains, _ in found]), np.stack([after for _, after in found])

    def finish(self, nodes: Sequence[int]) -> Array:
        """What the end of the text adds at each of n nodes, (n,)."""
        found = []
        for node in nodes:
            after, gain = self._read(node, _SPACE)  # a phrase may end here
            found.append(gain - self._part[after])
        return np.array(found, np.float64)

    def _row(self, node: int) -> tuple[Array, Array]:
        if node not in self._known:
            if (len(self._known) + 1) * len(self._spelling) > _MOST_KEPT:
                self._known.clear()
            gains, targets = np.zeros(len(self._spelling)), np.zeros(len(self._spelling), np.int64)
            for token, spelled in enumerate(self._spelling):
                here = node
                for byte in spelled:
                    here, gain = self._read(here, byte)
                    gains[token] += gain
                targets[token] = here
            self._known[node] = gains, targets
        return self._known[node]

    def _read(self, node: int, byte: int) -> tuple[int, float]:
        """The node after one more byte, and what it adds."""
        here = node
        while byte not in self._next[here] and here:
            here = self._fail[here]
        after = self._next[here].get(byte, 0)
        return after, self._boost[after] + self._part[after] - self._part[node]

    def _add(self, words: bytes, boost: float) -> None:
        node, size = 0, len(words) + 1
        for place, byte in enumerate(b" " + words + b" "):
            if byte not in self._next[node]:
                self._next[node][byte] = len(self._next)
                self._next.append({})
                self._boost.append(0.0)
                self._part.append(0.0)
            node = self._next[node][byte]
            if place < size:
                self._part[node] = max(self._part[node], boost * place / size)
        self._boost[node] += boost

    def _link(self) -> None:
        """Where to go on when a phrase is not completed, and the phrases that end inside others."""
        self._fail = [0] * len(self._next)
        waiting = deque(self._next[0].values())
        while waiting:
            node = waiting.popleft()
            for byte, child in self._next[node].items():
                here = self._fail[node]
                while byte not in self._next[here] and here:
                    here = self._fail[here]
                self._fail[child] = self._next[here].get(byte, 0)
                self._boost[child] += self._boost[self._fail[child]]
                waiting.append(child)


def _plain(token: bytes) -> bytes:
    """A token whose white space is one plain space at each place."""
    return b"".join(b" " if byte in b"\t\n\r\v\f " else bytes([byte]) for byte in token)

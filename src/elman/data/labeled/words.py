"""A text as words, each with the ids of its tokens.

A text is cut at white space, and every word is made into ids by itself. So the ids of the words
that have come are final, whatever comes after, and each token belongs to one word.

Legend: W words, S tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import final

import numpy as np

from elman.data.origin import Integers
from elman.data.units.base import Tokenizer

_PARTS = re.compile(r"['’]?\w+(?:['’]\w+)*|[^\w\s]")
_REMEMBERED = 1 << 16

LONGEST = 256
"""A longer word is cut after every so many characters, so that what a stream holds is bounded."""


@final
class WordEncoder:
    """Words to ids; what stands between two words counts as one space.

    A tokenizer of words may `split_punctuation` off the words.
    """

    def __init__(self, tokenizer: Tokenizer, *, split_punctuation: bool = False) -> None:
        self.tokenizer = tokenizer
        self.split_punctuation = split_punctuation and tokenizer.unit == "word"
        self._ids = lru_cache(_REMEMBERED)(self._encode)

    @property
    def start(self) -> Integers:
        """Precedes every text, so that one without words can be classified too."""
        return np.array([self.tokenizer.start_id], np.int64)

    def ids(self, word: str, first: bool) -> Integers:
        """The ids of one word, which may be the first of its text."""
        return self._ids(word, first or self.tokenizer.unit == "word")

    def encode(self, words: Iterable[str]) -> tuple[Integers, Integers]:
        """The ids (S,) of a text, its start included, and where each of its words ends (W,).

        Word w is ids[ends[w - 1]:ends[w]], and the first one begins at 1.
        """
        parts = [self.start]
        for word in words:
            parts.append(self.ids(word, len(parts) == 1))
        ends = np.cumsum([len(part) for part in parts], dtype=np.int64)[1:]
        return np.concatenate(parts), ends

    def warning(self, ids: Integers) -> str:
        """That no word is known, or "", for the `ids` of a text without its start."""
        if self.tokenizer.informative[ids].any():
            return ""
        return f"no known {'characters' if self.tokenizer.unit == 'char' else 'words'}"

    def word_warning(self, ids: Integers) -> str:
        """That a word is unknown, or "", for its `ids`."""
        return "unknown word" if self.warning(ids) else ""

    def _encode(self, word: str, first: bool) -> Integers:
        if self.split_punctuation:
            word = separated(word)
        return self.tokenizer.encode(word if first else f" {word}")


def separated(text: str) -> str:
    """`text` with white space around its punctuation marks, apostrophes inside words apart."""
    return " ".join(_PARTS.findall(text)) or text


def words_of(text: str) -> list[str]:
    """The words of a text: what stands between white space, cut where it is too long."""
    return [
        word[begin : begin + LONGEST]
        for word in text.split()
        for begin in range(0, len(word), LONGEST)
    ]

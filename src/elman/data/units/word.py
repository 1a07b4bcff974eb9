"""Words: what stands between white space; a newline is the token `<eos>`, as in Penn Treebank."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import repeat
from typing import Any, final

import numpy as np

from elman.data.units.base import MAX_PIECE, Ids, Tokenizer
from elman.errors import InputError

UNKNOWN = "<unk>"
END_OF_SENTENCE = "<eos>"

_MOST_COUNTED = 1 << 20


@final
class WordTokenizer(Tokenizer):
    """One id a word: `<unk>` 0, `<eos>` 1, then the words given.

    The text's own `<unk>` and `<eos>` are these two, and what stands between two words is decoded
    as one space. A word of more than 64 characters is cut after every 64th.

    The vocabulary `words` are without `<unk>` and `<eos>`, the most frequent word first. With
    `lower` a text is mapped to lower case before it is looked up.
    """

    unit = "word"

    def __init__(self, words: Iterable[str], *, lower: bool = False) -> None:
        self._words = [UNKNOWN, END_OF_SENTENCE, *words]
        self._ids = {word: token_id for token_id, word in enumerate(self._words)}
        self._lower = lower
        if len(self._ids) < len(self._words):
            raise InputError(
                f"a word vocabulary must hold each word once, {UNKNOWN} and {END_OF_SENTENCE} not"
            )

    @property
    def vocab_size(self) -> int:
        return len(self._words)

    @property
    def start_id(self) -> int:
        return 1

    def encode(self, text: str) -> Ids:
        words = _cut(text, self._lower)
        return np.fromiter(map(self._ids.get, words, repeat(0)), np.int64, len(words))

    def settled(self, text: str) -> int:
        return _settled(text)

    def spell(self, token_id: int, previous: int | None) -> bytes:
        self._check_id(token_id)
        if token_id == 1:
            return b"\n"
        word = self._words[token_id].encode("utf-8", errors="replace")
        return word if previous in (None, 1) else b" " + word

    def unknown(self, text: str) -> list[str]:
        return sorted(set(_cut(text, self._lower)) - self._ids.keys())

    def contents(self) -> dict[str, Any]:
        return {"lower": self._lower, "words": self._words[2:]}

    @classmethod
    def from_contents(cls, contents: dict[str, Any]) -> WordTokenizer:
        """Build from what `contents` gave, or raise InputError."""
        words, lower = contents.get("words"), contents.get("lower")
        if not isinstance(lower, bool):
            raise InputError(f'"lower" must be true or false, got {lower!r}')
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise InputError('"words" must be a list of strings')
        if any(word.split() != [word] for word in words):
            raise InputError('"words" must hold words without white space')
        return cls(words, lower=lower)

    @classmethod
    def train(
        cls,
        blocks: Iterable[str],
        vocab_size: int | None = None,
        min_count: int = 1,
        lower: bool = False,
    ) -> WordTokenizer:
        """Take the words of a text, the most frequent first (equals in alphabetical order).

        Counts are exact for up to a million different words; beyond, the rarest are dropped as
        the text goes by (lossy counting, Manku and Motwani 2002). `<unk>` and `<eos>` count among
        the `vocab_size` ids.
        """
        if vocab_size is not None and vocab_size < 3:
            raise InputError(f"vocabulary size must be at least 3 for words, got {vocab_size}")
        counts: Counter[str] = Counter()
        rare, rest = 0, ""
        for block in blocks:
            text = rest + block
            end = _settled(text)
            counts.update(_cut(text[:end], lower))
            rest = text[end:]
            while len(counts) > _MOST_COUNTED:
                rare += 1
                counts = Counter({word: n for word, n in counts.items() if n > rare})
        counts.update(_cut(rest, lower))
        for special in (UNKNOWN, END_OF_SENTENCE):
            counts.pop(special, None)
        frequent = [word for word, n in counts.items() if n >= min_count]
        words = sorted(frequent, key=lambda word: (-counts[word], word))
        return cls(words if vocab_size is None else words[: vocab_size - 2], lower=lower)


def _settled(text: str) -> int:
    if not text or text[-1].isspace():
        return len(text)
    return len(text) - len(text.rsplit(maxsplit=1)[-1]) % MAX_PIECE


def _cut(text: str, lower: bool) -> list[str]:
    words = text.replace("\n", f" {END_OF_SENTENCE} ").split()
    if max(map(len, words), default=0) > MAX_PIECE:
        words = [
            word[start : start + MAX_PIECE]
            for word in words
            for start in range(0, len(word), MAX_PIECE)
        ]
    # Word by word, since the lower case of a letter may depend on its neighbors (the Greek sigma).
    return [word.lower() for word in words] if lower else words

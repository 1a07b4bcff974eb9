"""Words: what stands between white space, or parts of it where punctuation is split off.

A newline is the token `<eos>`, as in Penn Treebank.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import chain, repeat
from typing import Any, final

import numpy as np

from elman.data.units.base import MAX_PIECE, Ids, Tokenizer
from elman.data.units.punctuation import core_of, joins, split_word
from elman.data.units.spelling import Spelling
from elman.errors import InputError

UNKNOWN = "<unk>"
END_OF_SENTENCE = "<eos>"

_MOST_COUNTED = 1 << 20


@final
class WordTokenizer(Tokenizer):
    """One id a word: `<unk>` 0, `<eos>` 1, then the words given.

    The text's own `<unk>` and `<eos>` are these two, and what stands between two words is decoded
    as one space. A word of more than 64 characters is cut after every 64th.

    Args:
        words: the vocabulary without `<unk>` and `<eos>`, the most frequent word first.
        lower: map a text to lower case before it is looked up.
        split_punctuation: words and their punctuation are apart; see
            `elman.data.units.punctuation`.
        spelling: the code of unknown words; by default that of `words`.
    """

    unit = "word"
    collapses_space = True

    def __init__(
        self,
        words: Iterable[str],
        *,
        lower: bool = False,
        split_punctuation: bool = False,
        spelling: Spelling | None = None,
    ) -> None:
        self._words = [UNKNOWN, END_OF_SENTENCE, *words]
        self._ids = {word: token_id for token_id, word in enumerate(self._words)}
        self._lower, self._split = lower, split_punctuation
        self._spelling = spelling or Spelling.of(self._words[2:])
        if len(self._ids) < len(self._words):
            raise InputError(
                f"a word vocabulary must hold each word once, {UNKNOWN} and {END_OF_SENTENCE} not"
            )
        # What is decoded: the text of each token, and whether it has no space on either side.
        self._spelled = [
            (core_of(word) if split_punctuation else word).encode("utf-8", errors="replace")
            for word in self._words
        ]
        self._joins = [joins(word) if split_punctuation else (False, False) for word in self._words]

    @property
    def vocab_size(self) -> int:
        return len(self._words)

    @property
    def start_id(self) -> int:
        return 1

    def encode(self, text: str) -> Ids:
        words = self._cut(text)
        return np.fromiter(map(self._ids.get, words, repeat(0)), np.int64, len(words))

    def settled(self, text: str) -> int:
        return _settled(text)

    def spell(self, token_id: int, previous: int | None) -> bytes:
        self._check_id(token_id)
        if token_id == 1:
            return b"\n"
        word = self._spelled[token_id]
        joined = self._joins[token_id][0] or (previous is not None and self._joins[previous][1])
        return word if joined or previous in (None, 1) else b" " + word

    def pieces(self, text: str) -> list[str]:
        return [core_of(word) if self._split else word for word in self._cut(text)]

    def unknown(self, text: str) -> list[str]:
        unknown = set(self._cut(text)) - self._ids.keys()
        return sorted({core_of(word) if self._split else word for word in unknown})

    def left_out(self, text: str) -> tuple[int, float]:
        count, nats = 0, 0.0
        for word in self._cut(text):
            if word == UNKNOWN:
                nats += self._spelling.literal_nats
            elif word not in self._ids:
                count += 1
                nats += self._spelling.nats(word)
        return count, nats

    def contents(self) -> dict[str, Any]:
        return {
            "lower": self._lower,
            "split_punctuation": self._split,
            "spelling": self._spelling.contents(),
            "words": self._words[2:],
        }

    def _cut(self, text: str) -> list[str]:
        return _cut(text, self._lower, self._split)

    @classmethod
    def from_contents(cls, contents: dict[str, Any]) -> WordTokenizer:
        """Build from what `contents` gave, or raise InputError."""
        words, lower = contents.get("words"), contents.get("lower")
        split = contents.get("split_punctuation")
        for name, value in (("lower", lower), ("split_punctuation", split)):
            if not isinstance(value, bool):
                raise InputError(f'"{name}" must be true or false, got {value!r}')
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise InputError('"words" must be a list of strings')
        if any(word.split() != [word] for word in words):
            raise InputError('"words" must hold words without white space')
        spelling = Spelling.from_contents(contents.get("spelling"))
        return cls(words, lower=bool(lower), split_punctuation=bool(split), spelling=spelling)

    @classmethod
    def train(
        cls,
        blocks: Iterable[str],
        vocab_size: int | None = None,
        min_count: int = 1,
        lower: bool = False,
        split_punctuation: bool = False,
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
            counts.update(_cut(text[:end], lower, split_punctuation))
            rest = text[end:]
            while len(counts) > _MOST_COUNTED:
                rare += 1
                counts = Counter({word: n for word, n in counts.items() if n > rare})
        counts.update(_cut(rest, lower, split_punctuation))
        literal = counts.pop(UNKNOWN, 0)
        counts.pop(END_OF_SENTENCE, None)
        frequent = [word for word, n in counts.items() if n >= min_count]
        words = sorted(frequent, key=lambda word: (-counts[word], word))
        if vocab_size is not None:
            words = words[: vocab_size - 2]
        unknown = counts.total() - sum(counts[word] for word in words)
        return cls(
            words,
            lower=lower,
            split_punctuation=split_punctuation,
            spelling=Spelling.of(counts, unknown, literal),
        )


def _settled(text: str) -> int:
    if not text or text[-1].isspace():
        return len(text)
    return len(text) - len(text.rsplit(maxsplit=1)[-1]) % MAX_PIECE


def _cut(text: str, lower: bool, split: bool) -> list[str]:
    words = text.replace("\n", f" {END_OF_SENTENCE} ").split()
    if max(map(len, words), default=0) > MAX_PIECE:
        words = [
            word[start : start + MAX_PIECE]
            for word in words
            for start in range(0, len(word), MAX_PIECE)
        ]
    if split:
        specials = (UNKNOWN, END_OF_SENTENCE)
        parts = ((word,) if word in specials else split_word(word) for word in words)
        words = list(chain.from_iterable(parts))
    # Word by word, since the lower case of a letter may depend on its neighbors (the Greek sigma).
    return [word.lower() for word in words] if lower else words

"""Characters: the ids are Unicode code points, sorted, behind one id for all others."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, final

import numpy as np

from elman.data.units.base import Ids, Tokenizer
from elman.errors import InputError

REPLACEMENT = "\ufffd"
_CODE_POINTS = 0x110000


@final
class CharTokenizer(Tokenizer):
    """One id a character. Id 0 is U+FFFD, which every unknown character becomes.
    The vocabulary is `characters` without U+FFFD; a newline is added where it is missing.
    """

    unit = "char"

    def __init__(self, characters: Iterable[str]) -> None:
        known = sorted(set(characters) - {REPLACEMENT} | {"\n"})
        if any(len(character) != 1 for character in known):
            raise InputError("a character vocabulary must hold single characters only")
        self._characters = [REPLACEMENT, *known]
        self._ids = np.zeros(_CODE_POINTS, dtype=np.min_scalar_type(len(known)))
        self._ids[_code_points("".join(known))] = np.arange(1, len(self._characters))

    @property
    def vocab_size(self) -> int:
        return len(self._characters)

    @property
    def start_id(self) -> int:
        return int(self._ids[ord("\n")])

    def encode(self, text: str) -> Ids:
        return self._ids[_code_points(text)].astype(np.int64)

    def settled(self, text: str) -> int:
        return len(text)

    def spell(self, token_id: int, previous: int | None) -> bytes:
        self._check_id(token_id)
        return self._characters[token_id].encode()

    def unknown(self, text: str) -> list[str]:
        return sorted(set(text) - set(self._characters))

    def pieces(self, text: str) -> list[str]:
        return list(text)

    def left_out(self, text: str) -> tuple[int, float]:
        # An unknown character is any of the code points that are not in the vocabulary.
        count = int((self.encode(text) == 0).sum())
        return count, count * math.log(_CODE_POINTS - len(self._characters) + 1)

    def contents(self) -> dict[str, Any]:
        return {"characters": "".join(self._characters[1:])}

    @classmethod
    def from_contents(cls, contents: dict[str, Any]) -> CharTokenizer:
        """Build from what `contents` gave, or raise InputError."""
        characters = contents.get("characters")
        if not isinstance(characters, str) or not characters:
            raise InputError('"characters" must be a string that is not empty')
        return cls(characters)

    @classmethod
    def train(
        cls, blocks: Iterable[str], vocab_size: int | None = None, min_count: int = 1
    ) -> CharTokenizer:
        """Take the characters of a text, the most frequent when there may only be so many."""
        if vocab_size is not None and vocab_size < 2:
            raise InputError(f"vocabulary size must be at least 2 for characters, got {vocab_size}")
        counts = np.zeros(_CODE_POINTS, dtype=np.int64)
        for block in blocks:
            found = np.bincount(_code_points(block))
            counts[: len(found)] += found
        counts[[ord(REPLACEMENT), ord("\n")]] = 0  # these two have their place in any case
        candidates = np.flatnonzero(counts >= max(min_count, 1))
        if vocab_size is not None:
            by_count = np.argsort(-counts[candidates], kind="stable")
            candidates = candidates[by_count[: vocab_size - 2]]
        return cls(chr(code) for code in candidates)


def _code_points(text: str) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    # A prompt may hold lone surrogates (undecodable bytes of a command line): unknown, no crash.
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype="<u4")

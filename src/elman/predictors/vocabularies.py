"""Sentences as ids and back, on both sides of a translation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Self

from elman.data.pairs.rows import Pair, clean
from elman.data.tokenizer import Tokenizer, Unit, load_tokenizer, train_tokenizer
from elman.data.units.base import Ids

_JOINT = "tokenizer.json"
_SEPARATE = ("source_tokenizer.json", "target_tokenizer.json")


@dataclass(frozen=True)
class Vocabularies:
    """What the two sides are written in; one and the same object where they share it.

    A sentence ends with its tokenizer's newline, which no sentence holds, and the decoder begins
    from the same token.
    """

    source: Tokenizer
    target: Tokenizer

    @classmethod
    def train(
        cls,
        pairs: Iterable[Pair],
        unit: Unit,
        *,
        joint: bool,
        vocab_size: int | None,
        min_count: int,
    ) -> Self:
        """Take the vocabularies from the training pairs.

        Raises:
            InputError: a size that is too small for the unit.
        """
        pairs = list(pairs)
        texts = [
            [_line(pair.source, unit) + "\n" for pair in pairs],
            [_line(pair.target, unit) + "\n" for pair in pairs],
        ]
        if joint:
            texts = [texts[0] + texts[1]]
        made = [train_tokenizer(unit, lines, vocab_size, min_count) for lines in texts]
        return cls(made[0], made[-1])

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` left in `folder`.

        Raises:
            InputError: a file is missing or damaged.
        """
        if (folder / _JOINT).exists():
            both = load_tokenizer(folder / _JOINT)
            return cls(both, both)
        return cls(*(load_tokenizer(folder / name) for name in _SEPARATE))

    def save(self, folder: Path) -> None:
        """Write one file, or one for each side."""
        if self.source is self.target:
            self.source.save(folder / _JOINT)
            return
        for tokenizer, name in zip((self.source, self.target), _SEPARATE, strict=True):
            tokenizer.save(folder / name)

    @property
    def start_id(self) -> int:
        """What the decoder reads first, and what ends a target."""
        return self.target.start_id

    @property
    def unknown_id(self) -> int | None:
        """The target's id for all that is not in its vocabulary; byte-level BPE has none."""
        return None if self.target.unit == "bpe" else 0

    def encode_source(self, text: str) -> Ids:
        """The ids of a sentence to be translated, its end token included."""
        return _encoded(self.source, text)

    def encode_target(self, text: str) -> Ids:
        """The ids of a translation, its end token included."""
        return _encoded(self.target, text)

    def decode_target(self, ids: Iterable[int]) -> str:
        """The sentence that ids stand for, up to the first end token."""
        spoken = takewhile(lambda token: token != self.start_id, map(int, ids))
        return clean(self.target.decode(spoken))


def _encoded(tokenizer: Tokenizer, text: str) -> Ids:
    return tokenizer.encode(_line(clean(text), tokenizer.unit) + "\n")


def _line(sentence: str, unit: str) -> str:
    # A byte-level piece holds the space before its word; so that the first word of a sentence has
    # the same ids as anywhere else, it gets one too.
    return f" {sentence}" if unit == "bpe" else sentence

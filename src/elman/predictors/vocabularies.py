"""The tokenizers of both sides of a translation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Self

from elman.data.pairs.rows import Pair, clean
from elman.data.tokenizer import Tokenizer, Unit, tokenizer_from_bytes, train_tokenizer
from elman.data.units.base import Ids

_JOINT = "tokenizer.json"
_SEPARATE = ("source_tokenizer.json", "target_tokenizer.json")


@dataclass(frozen=True)
class Vocabularies:
    """A tokenizer for each side; the same object where the vocabulary is joint.

    A sentence ends with its tokenizer's newline, which no sentence contains, and the decoder starts
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
        split_punctuation: bool = False,
    ) -> Self:
        """Learn the vocabularies from the training pairs."""
        pairs = list(pairs)
        texts = [
            [_line(pair.source, unit) + "\n" for pair in pairs],
            [_line(pair.target, unit) + "\n" for pair in pairs],
        ]
        if joint:
            texts = [texts[0] + texts[1]]
        made = [
            train_tokenizer(unit, lines, vocab_size, min_count, split_punctuation=split_punctuation)
            for lines in texts
        ]
        return cls(made[0], made[-1])

    @classmethod
    def of(cls, files: Mapping[str, bytes], where: str) -> Self:
        """The vocabularies that `files` gave."""
        names = (_JOINT,) if _JOINT in files else _SEPARATE
        made = [tokenizer_from_bytes(files[name], f"{where}: {name}") for name in names]
        return cls(made[0], made[-1])

    def files(self) -> dict[str, bytes]:
        """One file, or one for each side, by name."""
        if self.source is self.target:
            return {_JOINT: self.source.to_bytes()}
        sides = zip(_SEPARATE, (self.source, self.target), strict=True)
        return {name: tokenizer.to_bytes() for name, tokenizer in sides}

    @property
    def start_id(self) -> int:
        """The id that the decoder reads first, and that ends a target."""
        return self.target.start_id

    @property
    def unknown_id(self) -> int | None:
        """The target's id of unknown tokens; byte-level BPE has none."""
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
    # Byte-level pieces include the space before a word. With a leading space the first word of a
    # sentence has the same ids as anywhere else.
    return f" {sentence}" if unit == "bpe" else sentence

"""Texts and tokenizers that the tests of all units walk."""

from __future__ import annotations

import pydoc_data.topics
from functools import cache

from hypothesis import strategies as st

from elman.data.tokenizer import Tokenizer, Unit, train_tokenizer

UNITS: tuple[Unit, ...] = ("char", "bpe", "word")

# Long runs, every kind of space, letters whose lower case depends on their neighbors, surrogates.
PIECES = [
    *("a", "B", "the", "and ", " ", "\n", "  \n ", "\t", "\r\n", "\x1c", "\x85", "\u3000", "\xa0"),
    *("1", "42", ".", "...", "_", "!?", "é", "e\u0301", "ß", "İ", "ΑΣ", "Σ", "鸟", "语言", "😀"),
    *("👩\u200d🚀", "<unk>", "<eos>", "\ufffd", "\ufeff", "\0", "\ud800", "\U0010ffff"),
    *("x" * 31, "y" * 33, "z" * 63, "Ω" * 65, "鸟" * 70, "-" * 32, "7" * 64),
    *(" " * 31, " " * 33, "\n" * 40),
]

wild_text = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=25).map("".join)


@cache
def prose() -> str:
    """English prose that every Python carries."""
    return "".join(pydoc_data.topics.topics[name] for name in ("assert", "import", "class", "with"))


def training_text() -> list[str]:
    """Prose, and a frequent word that is too long for one piece."""
    return [prose(), "ΑΣ ας é 语言 😀", f" {'ΑΣ' * 33} " * 20]


@cache
def tokenizer(unit: Unit, *, lower: bool = False) -> Tokenizer:
    """A tokenizer trained on the prose."""
    vocab_size = {"char": None, "bpe": 600, "word": 500}[unit]
    return train_tokenizer(unit, training_text(), vocab_size, lower=lower)

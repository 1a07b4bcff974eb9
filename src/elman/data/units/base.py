"""What every tokenizer can do."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from elman.errors import InputError
from elman.files import json_bytes, write_bytes

FORMAT = "elman tokenizer"
VERSION = 1

MAX_PIECE = 64
"""The longest text, in characters, whose tokens can wait for what comes after it."""

Ids = npt.NDArray[np.int64]


class CharacterCount:
    """Counts the characters of a text that comes in blocks, as far as its ids tell them.

    Where space is collapsed, what stands between two words counts as one space, and at the
    beginning and the end of a line as nothing.
    """

    def __init__(self, *, collapsed: bool) -> None:
        self.total = 0
        self._collapsed = collapsed
        self._line_has_words = self._inside_word = False

    def push(self, block: str) -> None:
        if not self._collapsed:
            self.total += len(block)
            return
        if not block:
            return
        lines, words = block.split("\n"), block.split()
        spaces = len(words) - (self._inside_word and not block[0].isspace())
        spaces -= sum(1 for line in lines if line and not line.isspace())
        if self._line_has_words and lines[0].strip():
            spaces += 1
        self.total += sum(map(len, words)) + len(lines) - 1 + spaces
        ended = len(lines) > 1
        self._line_has_words = bool(lines[-1].strip()) or (self._line_has_words and not ended)
        self._inside_word = not block[-1].isspace()


class Tokenizer(ABC):
    """A reversible map between text and ids from 0 to vocab_size - 1.

    A kind of tokenizer cuts text into pieces from left to right, and the ids of a piece depend on
    that piece alone; that is what lets a text be encoded as it comes in (`IncrementalEncoder`).
    """

    unit: ClassVar[str]
    collapses_space: ClassVar[bool] = False
    """Whether the ids say no more of white space than that there is some, and newlines."""

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """Number of ids."""

    @property
    @abstractmethod
    def start_id(self) -> int:
        """What stands before the first token of a text: a newline."""

    @abstractmethod
    def encode(self, text: str) -> Ids:
        """The ids of a text; what is not in the vocabulary becomes the unknown id."""

    @abstractmethod
    def settled(self, text: str) -> int:
        """How many characters at the front of `text` have ids that nothing after it can change.

        `text` begins where a piece begins. At most `MAX_PIECE` characters are left over, and
        encode(text + more) == encode(text[:settled]) + encode(text[settled:] + more).
        """

    @abstractmethod
    def spell(self, token_id: int, previous: int | None) -> bytes:
        """The UTF-8 bytes that an id adds to a text after the id before it (None: at its start)."""

    @abstractmethod
    def unknown(self, text: str) -> list[str]:
        """The characters or words of `text` that are not in the vocabulary, sorted."""

    @abstractmethod
    def pieces(self, text: str) -> list[str]:
        """The part of `text` that each of its ids stands for, unknown ones as they are there."""

    @abstractmethod
    def left_out(self, text: str) -> tuple[int, float]:
        """How many of a text's ids are unknown, and the nats it takes to say what they stand for.

        Both add up over a text that is cut where it is `settled`.
        """

    @cached_property
    def informative(self) -> npt.NDArray[np.bool_]:
        """(vocab_size,) whether an id says something: a known token with a letter or a digit."""
        if self.unit == "bpe":  # knows every text
            return np.ones(self.vocab_size, np.bool_)
        tokens = (self.spell(token_id, None).decode() for token_id in range(self.vocab_size))
        says = np.array([any(map(str.isalnum, token)) for token in tokens])
        says[0] = False
        return says

    @abstractmethod
    def contents(self) -> dict[str, Any]:
        """What `load_tokenizer` needs to build this tokenizer again, as JSON values."""

    def decode(self, ids: Iterable[int]) -> str:
        """The text that ids stand for; bytes that are not UTF-8 become U+FFFD."""
        spelling, previous = [], None
        for token_id in map(int, ids):
            spelling.append(self.spell(token_id, previous))
            previous = token_id
        return b"".join(spelling).decode("utf-8", errors="replace")

    def token(self, token_id: int) -> str:
        r"""One token in printable form: a newline as `\n`, a stray byte as `\xe2`."""
        text = self.spell(token_id, None).decode("utf-8", errors="backslashreplace")
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)

    def to_bytes(self) -> bytes:
        """The tokenizer as JSON; `elman.data.tokenizer.tokenizer_from_bytes` reads it."""
        header = {"format": FORMAT, "version": VERSION, "unit": self.unit}
        return json_bytes(header | self.contents())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write tokenizer.json; `elman.data.tokenizer.load_tokenizer` reads it."""
        write_bytes(path, self.to_bytes())

    def _check_id(self, token_id: int) -> None:
        if not 0 <= token_id < self.vocab_size:
            raise InputError(
                f"token id {token_id} is not in this tokenizer, whose ids are 0 to "
                f"{self.vocab_size - 1}; give ids that it made"
            )

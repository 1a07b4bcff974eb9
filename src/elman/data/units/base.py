"""What every tokenizer can do."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
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


class Tokenizer(ABC):
    """A reversible map between text and ids from 0 to vocab_size - 1.

    A kind of tokenizer cuts text into pieces from left to right, and the ids of a piece depend on
    that piece alone; that is what lets a text be encoded as it comes in (`IncrementalEncoder`).
    """

    unit: ClassVar[str]

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

"""Encoding and decoding as the text comes in, in bounded memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import final

from elman.data.units.base import Ids, Tokenizer


@final
class IncrementalEncoder:
    """Text in, in chunks of any size; out come the ids that are settled.

    However a text is chunked, the ids of all pushes and the last flush together are
    tokenizer.encode(text). An encoder can go on from the text that another held `pending`.

    Attributes:
        unknown: how many of the ids so far are unknown.
        spelling: the nats it takes to say what these stand for.
    """

    def __init__(self, tokenizer: Tokenizer, pending: str = "") -> None:
        self._tokenizer = tokenizer
        self._pending = pending
        self.unknown, self.spelling = 0, 0.0

    @property
    def pending(self) -> str:
        """The text that waits for what comes after it; at most 64 characters."""
        return self._pending

    def push(self, text: str) -> Ids:
        """Take more text, return the ids that nothing after it can change."""
        text = self._pending + text
        settled = self._tokenizer.settled(text)
        self._pending = text[settled:]
        return self._encode(text[:settled])

    def flush(self) -> Ids:
        """End the text: the ids of what was pending."""
        text, self._pending = self._pending, ""
        return self._encode(text)

    def _encode(self, text: str) -> Ids:
        ids = self._tokenizer.encode(text)
        if not ids.all():  # an unknown token is id 0, where there is one
            unknown, spelling = self._tokenizer.left_out(text)
            self.unknown += unknown
            self.spelling += spelling
        return ids


@final
class IncrementalDecoder:
    """Ids in, one or more at a time; out comes the text that is complete.

    A character whose bytes are spread over several tokens comes out with the last of them. The
    text of all pushes and the last flush together is tokenizer.decode(ids).

    A decoder can go on from the `previous` id (None at the beginning of a text) and the bytes that
    another held `pending`.
    """

    def __init__(
        self, tokenizer: Tokenizer, previous: int | None = None, pending: bytes = b""
    ) -> None:
        self._tokenizer = tokenizer
        self._previous = previous
        self._bytes = codecs.getincrementaldecoder("utf-8")("replace")
        self._bytes.setstate((pending, 0))

    @property
    def pending(self) -> bytes:
        """The first bytes of a character whose others are yet to come; at most three."""
        return self._bytes.getstate()[0]

    def push(self, ids: Iterable[int]) -> str:
        """Take more ids, return the text they complete."""
        text = []
        for token_id in map(int, ids):
            text.append(self._bytes.decode(self._tokenizer.spell(token_id, self._previous)))
            self._previous = token_id
        return "".join(text)

    def flush(self) -> str:
        """End the text: U+FFFD for a character that was left incomplete, else nothing."""
        text = self._bytes.decode(b"", final=True)
        self._bytes.reset()
        self._previous = None
        return text

"""Text in as it arrives; out comes each token with its surprise to a language model.

Legend: T time, B batch (texts side by side, which began alike), V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import torch
from torch import Tensor

from elman.data.incremental import IncrementalEncoder
from elman.data.tokenizer import Tokenizer
from elman.data.units.base import MAX_PIECE, Ids
from elman.errors import InputError
from elman.models.language_model import LanguageModel
from elman.streaming.session import Identified, Session, Snapshot
from elman.streaming.stream import Stream
from elman.streaming.text_input import TextInput

LOGITS_AT_ONCE = 1 << 22
"""A long text is read in chunks of at most so many logits (16 MB), whatever is pushed."""


@dataclass(frozen=True)
class Guess:
    """A token that the model expected, and how much."""

    text: str
    probability: float


@dataclass(frozen=True)
class ReadToken:
    """A token that was read.

    Attributes:
        id: in the vocabulary.
        text: the token, printable.
        bits: its surprise, -log2 p(token | all before it).
        guesses: what the model expected here, the most probable first.
    """

    id: int
    text: str
    bits: float
    guesses: tuple[Guess, ...]


@final
class LanguageModelSession(Session[str | bytes, ReadToken]):
    """A language model that reads text in chunks of any size.

    A token comes out when no text after it can change it.

    Args:
        of: what the snapshots belong to.
        model: over the tokenizer's vocabulary.
        tokenizer: turns text into the model's ids.
        guesses: how many of the most probable tokens come with each token.
        rows: B. They read the same text, and the answers are those of the first; a generation
            then adds another text to each.

    Attributes:
        stream: the model and its state.
        last: (B,), the last tokens. They wait to be read, so that the state is the same wherever a
            chunk ends.
    """

    kind: ClassVar[str] = "language-model"

    def __init__(
        self,
        of: Identified,
        model: LanguageModel,
        tokenizer: Tokenizer,
        guesses: int = 0,
        rows: int = 1,
    ) -> None:
        super().__init__(of)
        self.model, self.tokenizer, self.rows = model, tokenizer, rows
        self.guesses = guesses
        self.stream = Stream(model, rows)
        self._input = TextInput()
        self.reset()

    def reset(self) -> None:
        self.stream.reset()
        self._input.reset()
        self._encoder = IncrementalEncoder(self.tokenizer)
        self.last = np.full(self.rows, self.tokenizer.start_id)
        self._ended = False

    def settle(self) -> list[ReadToken]:
        """Read the text that is held back as if it were at an end; what follows it is apart."""
        return list(self._tokens(self._encoder.flush()))

    def peek(self, count: int) -> tuple[Guess, ...]:
        """The `count` tokens most expected next, after those that are settled."""
        log_probs = self.stream.fork().push(torch.from_numpy(self.last))
        return next(self._guesses(log_probs, count))

    def _read(self, chunk: str | bytes) -> Iterator[ReadToken]:
        if self._ended:
            self.reset()
        yield from self._tokens(self._encoder.push(self._input.read(chunk)))
        self._input.check()

    def _end(self) -> Iterator[ReadToken]:
        self._ended = True
        yield from self._tokens(self._encoder.flush())
        self._input.end()  # gives no text: what it held back was not a whole character

    def _another(self) -> LanguageModelSession:
        return LanguageModelSession(
            self._identified, self.model, self.tokenizer, self.guesses, self.rows
        )

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            self.kind,
            self._identified.fingerprint,
            {"layers": self.stream.state},
            {"last": torch.from_numpy(self.last.copy())},
            {"input": self._input.state, "pending": self._encoder.pending, "ended": self._ended},
        )

    def _restore(self, snapshot: Snapshot) -> None:
        layers, last = snapshot.states["layers"], snapshot.tensors["last"]
        pending = snapshot.values["pending"]
        if last.shape != (layers.batch_size,) or last.dtype != torch.long:
            raise ValueError(f"its last tokens are {last.dtype} of shape {tuple(last.shape)}")
        if not 0 <= int(last.min()) <= int(last.max()) < self.model.vocab_size:
            raise ValueError("its last token is not in the vocabulary")
        if not isinstance(pending, str) or len(pending) > MAX_PIECE:
            raise ValueError("what it holds back is no piece of text")
        if layers.batch_size == 1:
            layers, last = layers.select([0] * self.rows), last.repeat(self.rows)
        elif layers.batch_size != self.rows:
            raise InputError(
                f"the snapshot holds {layers.batch_size} texts side by side, expected 1"
                + (f" or {self.rows}" if self.rows > 1 else "; go on with `elman generate`")
            )
        self._input.state = snapshot.values["input"]
        self.stream.state = layers
        self.last = last.numpy().copy()
        self._encoder = IncrementalEncoder(self.tokenizer, pending)
        self._ended = bool(snapshot.values["ended"])

    def _tokens(self, ids: Ids) -> Iterator[ReadToken]:
        at_once = max(1, LOGITS_AT_ONCE // (self.model.vocab_size * self.rows))
        for begin in range(0, len(ids), at_once):
            part = ids[begin : begin + at_once]
            inputs = np.empty((len(part), self.rows), np.int64)
            inputs[0], inputs[1:] = self.last, part[:-1, None]
            log_probs = self.stream.push(torch.from_numpy(inputs))[:, 0]
            self.last = np.full(self.rows, part[-1])
            targets = torch.from_numpy(part).to(log_probs.device)
            nats = -log_probs.gather(-1, targets[:, None])
            columns = part.tolist(), (nats[:, 0] / math.log(2)).tolist()
            guesses = self._guesses(log_probs, self.guesses)
            for token, bits, expected in zip(*columns, guesses, strict=True):
                yield ReadToken(token, self.tokenizer.token(token), bits, expected)

    def _guesses(self, log_probs: Tensor, count: int) -> Iterator[tuple[Guess, ...]]:
        """The most probable tokens of each row of `log_probs` (T, V)."""
        top, ids = log_probs.topk(min(count, self.model.vocab_size))
        for row in zip(ids.tolist(), top.exp().tolist(), strict=True):
            yield tuple(Guess(self.tokenizer.token(i), p) for i, p in zip(*row, strict=True))

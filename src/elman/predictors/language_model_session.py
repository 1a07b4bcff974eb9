"""A language model reads a text as it arrives, each token with its surprise, and writes.

Legend: T time, B batch (texts side by side, which began alike), V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np
import torch
from torch import Tensor

from elman.data.incremental import IncrementalDecoder, IncrementalEncoder
from elman.data.tokenizer import Tokenizer
from elman.data.units.base import MAX_PIECE, Ids
from elman.decoding.sampling import generate
from elman.errors import InputError
from elman.models.language_model import LanguageModel
from elman.streaming.session import Identified, Session, Snapshot
from elman.streaming.stream import Stream
from elman.streaming.text_input import TextInput

LOGITS_AT_ONCE = 1 << 22
"""A long text is read in chunks of at most so many logits (16 MB), whatever is pushed."""


RANDOM, SPELLING = "random", "spelling"
"""What a generation adds to the snapshot of its session; one without them can be gone on from."""


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


@final
class Generation:
    """An iterator over what each token adds to each sample; the state is carried, never rerun.

    Iterating gives lists of B strings, a token's text for each sample (empty while the bytes of
    a character are incomplete). `read` draws to the end.

    Args:
        session: a fresh one, with a row for each sample.
        prompt: what stands before the text; for the rest see `LanguageModelPredictor.generate`.
        length: how many tokens to draw.
        seed: of the random numbers.
        state: where to go on.
        shaping: how the distribution is shaped; see `elman.decoding.sampling.sample`.

    Raises:
        InputError: an option out of range, or a state of another model or number of samples.
    """

    def __init__(
        self,
        session: LanguageModelSession,
        prompt: str,
        length: int,
        seed: int | None,
        state: Snapshot | None,
        **shaping: Any,
    ) -> None:
        if seed is not None and not 0 <= seed < 1 << 63:
            raise InputError(f"seed must be from 0 to 2**63 - 1, got {seed}")
        if length < 1:
            raise InputError(f"length must be at least 1 token, got {length}")
        self._session, tokenizer = session, session.tokenizer
        self._generator = torch.Generator(next(session.model.parameters()).device)
        self.unknown = tokenizer.unknown(prompt)
        """The prompt's characters or words that the model does not know."""
        waiting = [b""] * session.rows
        if state is not None:
            # Where the text was at an end, this goes on from it.
            session.state = replace(state, values={**state.values, "ended": False})
            waiting = _waiting(state, session.rows)
        if seed is not None:
            self._generator.manual_seed(seed)
        elif state is None or RANDOM not in state.tensors:
            self._generator.seed()
        else:
            _restore(self._generator, state)
        read = [*(session.push(prompt) if prompt else ()), *session.settle()]
        self.prompt = tokenizer.decode([token.id for token in read])
        """The prompt as the model reads it."""
        self._decoders = [
            IncrementalDecoder(tokenizer, token, b"" if read else held)
            for token, held in zip(session.last.tolist(), waiting, strict=True)
        ]
        last = torch.from_numpy(session.last)
        self._ids = generate(session.stream, last, length, generator=self._generator, **shaping)

    def __iter__(self) -> Iterator[list[str]]:
        for ids in self._ids:
            self._session.last = ids.cpu().numpy()
            drawn = zip(self._decoders, self._session.last.tolist(), strict=True)
            yield [decoder.push([token]) for decoder, token in drawn]

    def flush(self) -> list[str]:
        """What to show at the end of each sample: U+FFFD for a character that is incomplete.

        `state` still holds its bytes, so that a text that is gone on with has the character.
        """
        return [decoder.pending.decode("utf-8", "replace") for decoder in self._decoders]

    def read(self) -> list[str]:
        """Draw what is left and return it, a text for each sample."""
        return ["".join(pieces) for pieces in zip(*self, self.flush(), strict=True)]

    @property
    def state(self) -> Snapshot:
        """All it takes to go on: the session's state, the random numbers, incomplete characters."""
        state = self._session.state
        waiting = [decoder.pending.hex() for decoder in self._decoders]
        return replace(
            state,
            tensors={**state.tensors, RANDOM: self._generator.get_state()},
            values={**state.values, SPELLING: waiting},
        )


def _waiting(state: Snapshot, rows: int) -> list[bytes]:
    """The bytes of the character that each sample was left in."""
    try:
        waiting = [bytes.fromhex(text) for text in state.values.get(SPELLING, [""])]
    except (TypeError, ValueError) as error:
        raise InputError(f"the state holds no bytes of characters ({error})") from error
    if len(waiting) not in (1, rows):
        raise InputError(f"the state holds the characters of {len(waiting)} texts, not of {rows}")
    return waiting * rows if len(waiting) == 1 else waiting


def _restore(generator: torch.Generator, state: Snapshot) -> None:
    try:
        generator.set_state(state.tensors[RANDOM])
    except (RuntimeError, TypeError) as error:
        raise InputError(
            "the state's random numbers are not those of this device; give --seed to begin anew"
        ) from error

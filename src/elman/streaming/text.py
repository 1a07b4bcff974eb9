"""Text in as it comes; out comes how much each token surprised a language model.

Legend: T time, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, final

import torch
from torch import Tensor

from elman.data.tokenizer import IncrementalEncoder, Tokenizer
from elman.errors import InputError
from elman.layers.state import State
from elman.streaming.stream import Steppable, Stream

MAX_PENDING = 64
"""An encoder holds back at most so many characters."""

LOGITS_AT_ONCE = 1 << 22
"""A long text is read in chunks of at most so many logits (16 MB), whatever is pushed."""


class TextModel(Steppable, Protocol):
    """A language model: log-probabilities (B, V) of the next token for ids (B,)."""

    @property
    def vocab_size(self) -> int: ...


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
class TextStream:
    """A language model that reads text in chunks of any size.

    A token comes out when no text after it can change it. Tokens, bits and guesses do not depend
    on how the text was cut. The state holds all there is to know, so a stream that goes on from a
    saved one is as good as one never stopped.

    Args:
        model: over the tokenizer's vocabulary.
        tokenizer: turns text into the model's ids.
        guesses: how many of the most probable tokens come with each token.
        state: where to go on from, as `state` gave it; None for the beginning of a text.

    Raises:
        InputError: a tokenizer or state of another model.
    """

    def __init__(
        self, model: TextModel, tokenizer: Tokenizer, guesses: int = 0, state: State | None = None
    ) -> None:
        if model.vocab_size != tokenizer.vocab_size:
            raise InputError(
                f"the model knows {model.vocab_size} tokens and the tokenizer "
                f"{tokenizer.vocab_size}: they do not belong together"
            )
        if guesses < 0:
            raise InputError(f"guesses must be at least 0, got {guesses}")
        self.model = model
        self.tokenizer = tokenizer
        self.guesses = min(guesses, model.vocab_size)
        self._stream = Stream(model)
        self._encoder = IncrementalEncoder(tokenizer)
        self._last = tokenizer.start_id
        if state is not None:
            self.state = state

    def push(self, text: str) -> list[ReadToken]:
        """Read on; the tokens that are now settled."""
        return self._read(self._encoder.push(text).tolist())

    def flush(self) -> list[ReadToken]:
        """End the text: the tokens that were held back. A push after it begins new tokens."""
        return self._read(self._encoder.flush().tolist())

    def peek(self, count: int) -> tuple[Guess, ...]:
        """The `count` tokens most expected next, after those that are settled."""
        log_probs = self._stream.fork().push(self._last)
        return self._guesses(*log_probs.topk(min(count, self.model.vocab_size)))

    @property
    def state(self) -> State:
        """The layers' state, the last token, which they have not read yet, and the text held back.

        Its rows can be stacked, selected and saved like those of any `State`.
        """
        return text_state(self._stream.state, torch.tensor([self._last]), self._encoder.pending)

    @state.setter
    def state(self, state: State) -> None:
        template = text_state(self._stream.state, torch.tensor([self._last]))
        state.require_like(template, "the state of this text")
        last, pending = int(state["text.last"][0]), _spell(state["text.pending"][0])
        if not 0 <= last < self.model.vocab_size:
            raise InputError(f"the state of this text: token {last} belongs to another model")
        self._stream.state = state.part("model")
        self._encoder = IncrementalEncoder(self.tokenizer, pending)
        self._last = last

    def reset(self) -> None:
        """Forget all that was read: the beginning of a text."""
        self._stream.reset()
        self._encoder = IncrementalEncoder(self.tokenizer)
        self._last = self.tokenizer.start_id

    def fork(self) -> TextStream:
        """Another stream at the same place; from here on neither knows of the other."""
        return TextStream(self.model, self.tokenizer, self.guesses, self.state)

    def _read(self, ids: Sequence[int]) -> list[ReadToken]:
        read: list[ReadToken] = []
        at_once = max(1, LOGITS_AT_ONCE // self.model.vocab_size)
        for begin in range(0, len(ids), at_once):
            targets = list(ids[begin : begin + at_once])
            # The last token waits, so that the state is the same wherever a chunk ends.
            log_probs = self._stream.push([self._last, *targets[:-1]])
            self._last = targets[-1]
            nats = -log_probs.gather(-1, torch.tensor(targets, device=log_probs.device)[:, None])
            top = log_probs.topk(self.guesses)
            read.extend(
                ReadToken(token, self.tokenizer.token(token), bits, self._guesses(values, expected))
                for token, bits, values, expected in zip(
                    targets, (nats[:, 0] / math.log(2)).tolist(), *top, strict=True
                )
            )
        return read

    def _guesses(self, log_probs: Tensor, ids: Tensor) -> tuple[Guess, ...]:
        probabilities = log_probs.exp().tolist()
        texts = map(self.tokenizer.token, ids.tolist())
        return tuple(Guess(*pair) for pair in zip(texts, probabilities, strict=True))


def text_state(model: State, last: Tensor, pending: str = "") -> State:
    """The state of B texts: the model's, the last token (B,) of each, and the text held back.

    `TextStream.state` has this form for B = 1, and so has what generation leaves: the token drawn
    last has not been read. Take it apart with ``state.part("model")`` and ``state["text.last"]``.
    """
    codes = [ord(character) for character in pending]
    assert len(codes) <= MAX_PENDING
    # 0 is a character too, so the places that are not used hold -1.
    row = torch.tensor([*codes, *[-1] * (MAX_PENDING - len(codes))])
    text = State(last=last.detach().cpu(), pending=row.repeat(len(last), 1))
    return State.join({"model": model, "text": text})


def _spell(codes: Tensor) -> str:
    try:
        return "".join(chr(code) for code in codes.tolist() if code >= 0)
    except (OverflowError, ValueError) as error:
        raise InputError(f"the state of this text holds no text ({error})") from error

"""A trained language model: scores lines, reads a text as it arrives, writes.

Legend: T time, B batch (lines scored side by side), V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from typing import ClassVar, Self, final

import numpy as np
import torch
from pydantic import Field

from elman.data.batching import IGNORE
from elman.data.given import Columns, Files, Given, Texts
from elman.data.tables.asked import Encoding, encoding_setting
from elman.data.text import lines_of, texts_of
from elman.data.tokenizer import Tokenizer, tokenizer_from_bytes
from elman.data.units.base import CharacterCount
from elman.diagnostics.activations import Activations, Expected, Step, panels_of
from elman.diagnostics.trace import trace
from elman.errors import InputError
from elman.models.cells import CellOptions, recurrent_layers
from elman.models.language_model import LanguageModel, ReadoutKind
from elman.predictors.language_model_session import Generation, Guess, LanguageModelSession
from elman.predictors.predictor import Parts, Predictor
from elman.settings import Options, adapter
from elman.streaming.arrivals import grouped
from elman.streaming.session import Snapshot
from elman.streaming.stream import evaluating

TOKENIZER = "tokenizer.json"

LINES_AT_ONCE = 64
LENGTH = 256
"""So many lines are scored side by side, in chunks of so many tokens."""

MOST_TOKENS = 20_000
"""To show: a layer of 512 units then fills 240 MB."""


@dataclass(frozen=True)
class Architecture:
    """What a language model is made of; see `elman.models.language_model.LanguageModel`."""

    cell: str
    options: CellOptions
    embedding_size: int
    hidden_size: int
    num_layers: int
    tied: bool = False
    readout: ReadoutKind = "full"
    embedding_dropout: float = 0.0
    input_dropout: float = 0.0
    hidden_dropout: float = 0.0
    output_dropout: float = 0.0
    locked_dropout: bool = True
    init_range: float | None = None

    def make(self, vocab_size: int) -> LanguageModel:
        """The network, with fresh weights, over a vocabulary of that size."""
        width, sizes = self.embedding_size, [self.hidden_size] * self.num_layers
        layers = recurrent_layers(self.cell, width, sizes, self.options)
        own = ("cell", "options", "embedding_size", "hidden_size", "num_layers")
        rest = {name: value for name, value in vars(self).items() if name not in own}
        return LanguageModel(vocab_size, width, layers, **rest)


@dataclass(frozen=True)
class LineScore:
    """The loss of one line, its newline included.

    Attributes:
        line: its number, from 1.
        nats: of the whole line.
        nats_per_token: the mean.
        bits_per_character: the same, whatever a token is: unknown ones are spelled out.
        tokens: how many were scored.
        unknown: how many different characters or words the model does not know.
        text: the line.
    """

    line: int
    nats: float
    nats_per_token: float
    bits_per_character: float
    tokens: int
    unknown: int
    text: str


class ScoreOptions(Options):
    """Options of scoring lines."""

    encoding: Encoding | None = encoding_setting()


class StreamOptions(Options):
    """Options of a session of a language model."""

    guesses: int = Field(
        3, ge=0, description="how many of the tokens most expected come with each token"
    )


@final
class LanguageModelPredictor(Predictor[LineScore]):
    """A language model with its tokenizer.

    `predict` takes lines of text, in files or as strings, and gives a `LineScore` for each; a
    session takes text or its bytes and gives a `ReadToken` for each token.

    Args:
        model: over the tokenizer's vocabulary.
        tokenizer: turns text into the model's ids.
        architecture: what `model` was made from.
        name: what messages call it.
        encoding: of the files of training, for others that are not UTF-8.

    Raises:
        InputError: a tokenizer of another model.
    """

    kind: ClassVar[str] = "language-model"
    Prediction: ClassVar[type[Options]] = ScoreOptions
    Streaming: ClassVar[type[Options]] = StreamOptions

    def __init__(
        self,
        model: LanguageModel,
        tokenizer: Tokenizer,
        architecture: Architecture,
        name: str = "the language model",
        *,
        encoding: str = "",
    ) -> None:
        super().__init__(model, name)
        if model.vocab_size != tokenizer.vocab_size:
            raise InputError(
                f"the model knows {model.vocab_size} tokens and the tokenizer "
                f"{tokenizer.vocab_size}: they do not belong together"
            )
        self.model = model
        self.tokenizer = tokenizer
        self.architecture = architecture
        self.encoding = encoding

    @classmethod
    def of(cls, parts: Parts, name: str) -> Self:
        settings = dict(parts.settings)
        encoding = str(settings.pop("encoding", ""))
        architecture = adapter(Architecture).validate_python(settings)
        tokenizer = tokenizer_from_bytes(parts.files[TOKENIZER], f"{name}: {TOKENIZER}")
        model = architecture.make(tokenizer.vocab_size)
        return cls(model, tokenizer, architecture, name, encoding=encoding)

    def parts(self) -> Parts:
        settings = {**asdict(self.architecture), "encoding": self.encoding}
        return Parts(settings, {TOKENIZER: self.tokenizer.to_bytes()})

    def answers(self, inputs: Given | None, options: Options) -> Iterator[LineScore]:
        arriving = isinstance(inputs, Texts) and inputs.arriving
        assert isinstance(options, ScoreOptions)
        lines = _lines(inputs, options.encoding or "", self.encoding)
        return score_lines(self.model, self.tokenizer, lines, arriving=arriving)

    def open_session(self, options: Options) -> LanguageModelSession:
        assert isinstance(options, StreamOptions)
        return LanguageModelSession(self, self.model, self.tokenizer, options.guesses)

    def generate(
        self,
        prompt: str = "",
        length: int = 500,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float = 1.0,
        seed: int | None = None,
        samples: int | None = None,
        state: Snapshot | None = None,
    ) -> Generation:
        """Go on writing after `prompt`, token by token.

        Args:
            prompt: what stands before the text; characters the model does not know are replaced.
            length: tokens to draw.
            temperature: 0 is greedy, 1 the model's own distribution.
            top_k: draw from so many of the most probable tokens; None for all.
            top_p: draw from the fewest tokens that together have this probability.
            seed: makes the text reproducible; None for another each time or, with the `state` of
                a generation, for the text that comes next there.
            samples: how many texts to write side by side; None for the state's number, or 1.
            state: where to go on, as `Generation.state` or a session's `state` gave it.

        Raises:
            InputError: an option out of range, or a state of another model or number of samples.
        """
        if samples is None:
            layers = None if state is None else state.states.get("layers")
            samples = 1 if layers is None else layers.batch_size
        if samples < 1:
            raise InputError(f"samples must be at least 1, got {samples}")
        return Generation(
            LanguageModelSession(self, self.model, self.tokenizer, rows=samples),
            *(prompt, length, seed, state),
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
        )

    def activations(self, text: str, guesses: int = 5) -> Activations:
        """The states and gates after each token of `text`, what was expected, and the surprise.

        Tokens, bits and guesses are those of a session.

        Raises:
            InputError: an empty text, or one of more than `MOST_TOKENS` tokens.
            RunFailed: states that are not finite numbers.
        """
        tokens = len(self.tokenizer.encode(text))
        if not tokens:
            raise InputError("the text to show is empty; give some with --text")
        if tokens > MOST_TOKENS:
            raise InputError(
                f"the text has {tokens:,} tokens; at most {MOST_TOKENS:,} can be shown: "
                "give a part of it"
            )
        session = LanguageModelSession(self, self.model, self.tokenizer, guesses)
        read = [*session.push(text), *session.flush()]
        device = next(self.model.parameters()).device
        ids = torch.tensor([self.tokenizer.start_id, *(token.id for token in read)], device=device)
        with evaluating(self.model), torch.inference_mode():
            traces = trace(
                self.model, lambda: self.model(ids[:, None], self.model.initial_state(1))
            )
        return Activations(
            self.name,
            [Step(token.text, token.bits, _expected(token.guesses)) for token in read],
            panels_of(traces, begin=1),  # without the newline that stands before every text
            _expected(session.peek(guesses)),
        )


def _expected(guesses: tuple[Guess, ...]) -> tuple[Expected, ...]:
    return tuple(Expected(guess.text, guess.probability) for guess in guesses)


def _lines(inputs: Given | None, encoding: str, kept: str) -> Iterable[str]:
    """The texts to score, a row each: those given, or the lines of the files."""
    match inputs:
        case Texts():
            return inputs.texts
        case Files():
            each = (lines_of(path, encoding, kept) for path in inputs.paths)
            return chain.from_iterable(each)
        case Columns():
            return texts_of(inputs).texts
        case _:
            raise InputError("a language model scores lines of text; give files, texts or a table")


def score_lines(
    model: LanguageModel, tokenizer: Tokenizer, lines: Iterable[str], *, arriving: bool = False
) -> Iterator[LineScore]:
    """The loss of each line.

    Each line begins from the initial state and is scored with the newline that ends it, so that
    an empty line has a loss too. Lines are scored in groups of `grouped`, in constant memory.
    """
    for group in grouped(enumerate(lines, 1), LINES_AT_ONCE, arriving=arriving):
        texts = [line.rstrip("\r\n") for _, line in group]
        totals, counts = _nats(model, tokenizer, [f"{text}\n" for text in texts])
        for (number, _), text, nats, tokens in zip(group, texts, totals, counts, strict=True):
            characters = CharacterCount(collapsed=tokenizer.collapses_space)
            characters.push(f"{text}\n")
            spelled = nats + tokenizer.left_out(text)[1]
            yield LineScore(
                line=number,
                nats=nats,
                nats_per_token=nats / tokens,
                bits_per_character=spelled / math.log(2) / characters.total,
                tokens=tokens,
                unknown=len(tokenizer.unknown(text)),
                text=text,
            )


def _nats(
    model: LanguageModel, tokenizer: Tokenizer, texts: list[str]
) -> tuple[list[float], list[int]]:
    """The nats of each text in all, and its tokens."""
    device = next(model.parameters()).device
    rows = [tokenizer.encode(text) for text in texts]
    sizes = torch.tensor([len(row) for row in rows])
    longest = int(sizes.max())
    tokens = np.full((longest + 1, len(rows)), tokenizer.start_id, dtype=np.int64)
    for column, row in enumerate(rows):
        tokens[1 : len(row) + 1, column] = row
    inputs = torch.from_numpy(tokens[:-1])
    targets = torch.from_numpy(tokens[1:]).masked_fill(
        torch.arange(longest).unsqueeze(1) >= sizes, IGNORE
    )
    totals = torch.zeros(len(rows), dtype=torch.float64)
    with evaluating(model), torch.inference_mode():
        state = model.initial_state(len(rows))
        for start in range(0, longest, LENGTH):
            chunk = slice(start, start + LENGTH)
            lengths = (sizes - start).clamp(0, len(inputs[chunk])).to(device)
            features, state = model(inputs[chunk].to(device), state, lengths)
            wanted = targets[chunk].to(device)
            for column in range(len(rows)):
                loss, units = model.loss(features[:, [column]], wanted[:, [column]])
                totals[column] += float(loss) * units
    return totals.tolist(), sizes.tolist()

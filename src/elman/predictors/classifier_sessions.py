"""Live sequences of a classifier: words or numbers in as they come, an answer after each.

Legend: T time, C channels, K classes.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Self, TypeVar, final

import numpy as np
from torch import Tensor

from elman.data.labeled.rows import Floats
from elman.data.labeled.standardize import Standardizer
from elman.data.labeled.words import LONGEST, WordEncoder
from elman.errors import InputError
from elman.models.classifier import Classifier
from elman.predictors.classifier_inputs import Schema
from elman.predictors.classifier_outputs import answered, softened
from elman.streaming.session import Identified, Session, Snapshot
from elman.streaming.stream import Stream
from elman.streaming.text_input import LineInput, TextInput

_NEXT = re.compile(r"\n|[^\S\n]+|\S+")

_DIGITS = 64
"""A line has at most so many characters a number, so that what is held back is bounded."""

Chunk = TypeVar("Chunk")
Row = Mapping[str, Any]


class ClassifierSession(Session[Chunk, Row]):
    """A one-direction classifier that answers after each step, in constant memory.

    After the last step of a sequence the answer is that of `predict` for all of it. With a label
    at each step, each is answered with its own.
    """

    kind = "classifier"

    def __init__(self, identified: Identified, model: Classifier, schema: Schema) -> None:
        super().__init__(identified)
        self._model, self._schema = model, schema
        self._stream = Stream(model)

    def reset(self) -> None:
        self._stream.reset()
        self._sequence, self._steps = 1, 0
        self._hold(None)

    def _answer(self, logits: Tensor) -> Row:
        many = self._schema.kind == "many"
        probabilities = softened(logits, self._model.temperature, many=many).cpu().numpy()
        return answered(self._schema, probabilities)

    def _snapshot(self) -> Snapshot:
        values = {"sequence": self._sequence, "steps": self._steps, "held": self._held()}
        states = {"model": self._stream.state}
        return Snapshot(self.kind, self._identified.fingerprint, states, {}, values)

    def _restore(self, snapshot: Snapshot) -> None:
        values = snapshot.values
        sequence, steps = int(values["sequence"]), int(values["steps"])
        self._stream.state = snapshot.states["model"]
        self._hold(values["held"])
        self._sequence, self._steps = sequence, steps

    @abstractmethod
    def _held(self) -> Mapping[str, Any]:
        """The input that was held back, as JSON values."""

    @abstractmethod
    def _hold(self, held: Mapping[str, Any] | None) -> None:
        """Hold back what `_held` gave; None for nothing."""


@final
class WordSession(ClassifierSession[str | bytes]):
    """Reads text, a line a sequence, and answers after each word."""

    def __init__(
        self, identified: Identified, model: Classifier, schema: Schema, words: WordEncoder
    ) -> None:
        super().__init__(identified, model, schema)
        self._words = words
        self._text = TextInput()
        self._pending = ""
        self.reset()

    def _read(self, chunk: str | bytes) -> Iterator[Row]:
        for piece in _NEXT.findall(self._text.read(chunk)):
            if not piece.isspace():
                self._pending += piece
                while len(self._pending) > LONGEST:
                    word, self._pending = self._pending[:LONGEST], self._pending[LONGEST:]
                    yield self._word(word)
                continue
            yield from self._complete()
            if piece == "\n":
                self._sequence += 1
                self._steps = 0
        self._text.check()

    def _end(self) -> Iterator[Row]:
        self._text.end()
        yield from self._complete()
        self.reset()

    def _complete(self) -> Iterator[Row]:
        word, self._pending = self._pending, ""
        if word:
            yield self._word(word)

    def _word(self, word: str) -> Row:
        first = self._steps == 0
        if first:
            self._stream.reset()
            self._stream.push(self._words.start)
        logits = self._stream.push(self._words.ids(word, first))[-1]
        self._steps += 1
        return {"line": self._sequence, "word": word, **self._answer(logits)}

    def _another(self) -> Self:
        return type(self)(self._identified, self._model, self._schema, self._words)

    def _held(self) -> Mapping[str, Any]:
        return {"text": self._text.state, "pending": self._pending}

    def _hold(self, held: Mapping[str, Any] | None) -> None:
        if held is None:
            self._text.reset()
        else:
            self._text.state = held["text"]
        self._pending = "" if held is None else str(held["pending"])


@final
class NumberSession(ClassifierSession[str | bytes | np.ndarray]):
    """Reads steps of C numbers and answers after each.

    A chunk is an array (C,) or (T, C), or text: a line a step, with commas or white space between
    the numbers, and an empty line at the end of a sequence.
    """

    def __init__(
        self,
        identified: Identified,
        model: Classifier,
        schema: Schema,
        scale: Standardizer | None,
    ) -> None:
        super().__init__(identified, model, schema)
        self._scale = scale
        self._lines = LineInput(longest=_DIGITS * (len(schema.channels) + 1))
        self.reset()

    def _read(self, chunk: str | bytes | np.ndarray) -> Iterator[Row]:
        if isinstance(chunk, str | bytes):
            return self._read_lines(self._lines.read(chunk))
        return map(self._step, self._steps_of(np.asarray(chunk)))

    def _end(self) -> Iterator[Row]:
        yield from self._read_lines(self._lines.end())
        self.reset()

    def _read_lines(self, lines: Iterator[str]) -> Iterator[Row]:
        for line in lines:
            if line.strip():
                yield self._step(self._numbers(line))
                continue
            self._stream.reset()
            self._sequence += self._steps > 0
            self._steps = 0

    def _step(self, values: np.ndarray) -> Row:
        """The answer after a step (C,) of finite numbers."""
        read: Floats = values.astype(np.float32)
        logits = self._stream.push(read if self._scale is None else self._scale.apply(read))
        self._steps += 1
        return {"sequence": self._sequence, "step": self._steps, **self._answer(logits)}

    def _numbers(self, line: str) -> np.ndarray:
        """Those of a line, (C,)."""
        where = self._lines.place
        try:
            values = np.array([float(part) for part in line.replace(",", " ").split()])
        except ValueError as error:
            raise InputError(f"{where}: {error}; expected {self._expected}") from error
        if len(values) != len(self._schema.channels):
            raise InputError(f"{where}: {len(values)} numbers, expected {self._expected}")
        return self._finite(values, where)

    def _steps_of(self, array: np.ndarray) -> Iterator[np.ndarray]:
        """The steps (C,) of an array."""
        where = f"sequence {self._sequence}"
        channels = len(self._schema.channels)
        if self._lines.state["pending"]:
            raise InputError(f"{where}: an array in the middle of a line; end the line first")
        one = array.ndim == 1 and (channels == 1 or len(array) == channels)
        rows = array.reshape(-1, channels) if one else array
        if rows.dtype.kind not in "biuf" or rows.ndim != 2 or rows.shape[1] != channels:
            raise InputError(
                f"{where}: {array.dtype} of shape {array.shape}, expected numbers of shape"
                f" ({channels},) or (steps, {channels})"
            )
        for row in rows:
            yield self._finite(row, f"{where}, step {self._steps + 1}")

    def _finite(self, values: np.ndarray, where: str) -> np.ndarray:
        if not (np.abs(values) <= np.finfo(np.float32).max).all():
            raise InputError(f"{where}: a number that is not finite, expected {self._expected}")
        return values

    def _another(self) -> Self:
        return type(self)(self._identified, self._model, self._schema, self._scale)

    def _held(self) -> Mapping[str, Any]:
        return self._lines.state

    def _hold(self, held: Mapping[str, Any] | None) -> None:
        if held is None:
            self._lines.reset()
        else:
            self._lines.state = held

    @property
    def _expected(self) -> str:
        channels = len(self._schema.channels)
        return (
            f"{channels} finite number{'s' if channels > 1 else ''} with commas or spaces between"
        )

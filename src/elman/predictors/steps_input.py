"""Live input as steps: the words of lines of text, or rows of numbers.

Both give each step with its sequence and its place in it, counted from 1, and keep what a chunk
left unfinished in `state`.

Legend: T time, C channels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar, final

import numpy as np
from torch import Tensor

from elman.data.labeled.rows import Floats
from elman.data.labeled.words import LONGEST
from elman.errors import InputError
from elman.streaming.text_input import LineInput, TextInput

_NEXT = re.compile(r"\n|[^\S\n]+|\S+")

_DIGITS = 64
"""A line has at most so many characters a number, so that what is held back is bounded."""

Rows: TypeAlias = str | bytes | np.ndarray | Tensor | Sequence[Any]
Input = TypeVar("Input", TextInput, LineInput)


class _Counted(Generic[Input]):
    """An input of text with the place of the last step."""

    def __init__(self, text: Input) -> None:
        self._text: Input = text
        self.reset()

    def reset(self) -> None:
        self._text.reset()
        self._sequence, self._steps, self._pending = 1, 0, ""

    @property
    def state(self) -> Mapping[str, Any]:
        return {
            "text": self._text.state,
            "sequence": self._sequence,
            "steps": self._steps,
            "pending": self._pending,
        }

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        sequence, steps = int(state["sequence"]), int(state["steps"])
        self._text.state = state["text"]
        self._sequence, self._steps, self._pending = sequence, steps, str(state["pending"])


@final
class WordInput(_Counted[TextInput]):
    """Words of text; each line is a sequence."""

    def __init__(self) -> None:
        super().__init__(TextInput())

    def read(self, chunk: str | bytes) -> Iterator[tuple[int, int, str]]:
        """The words that are complete."""
        for piece in _NEXT.findall(self._text.read(chunk)):
            if not piece.isspace():
                self._pending += piece
                while len(self._pending) > LONGEST:
                    word, self._pending = self._pending[:LONGEST], self._pending[LONGEST:]
                    yield self._step(word)
                continue
            yield from self._complete()
            if piece == "\n":
                self._sequence += 1
                self._steps = 0
        self._text.check()

    def end(self) -> Iterator[tuple[int, int, str]]:
        """The last word, if nothing ended it."""
        self._text.end()
        yield from self._complete()

    def _complete(self) -> Iterator[tuple[int, int, str]]:
        word, self._pending = self._pending, ""
        if word:
            yield self._step(word)

    def _step(self, word: str) -> tuple[int, int, str]:
        self._steps += 1
        return self._sequence, self._steps, word


@final
class NumberInput(_Counted[LineInput]):
    """Steps (C,) of finite numbers, from arrays (C,) or (T, C), or from text.

    A line of text is a step, with commas or white space between the numbers, and an empty line
    ends a sequence.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(LineInput(longest=_DIGITS * (channels + 1)))
        self._channels = channels
        self._expected = (
            f"{channels} finite number{'s' if channels > 1 else ''} with commas or spaces between"
        )

    def read(self, chunk: Rows) -> Iterator[tuple[int, int, Floats]]:
        """The steps that are complete."""
        if isinstance(chunk, str | bytes):
            yield from self._lines(self._text.read(chunk))
            return
        where, channels = f"sequence {self._sequence}", self._channels
        if self._text.state["pending"]:
            raise InputError(f"{where}: an array in the middle of a line; end the line first")
        try:
            array = np.asarray(chunk)
        except (RuntimeError, TypeError, ValueError) as error:
            raise InputError(f"{where}: rows must be numbers of one shape ({error})") from error
        one = array.ndim == 1 and (channels == 1 or len(array) == channels)
        rows = array.reshape(-1, channels) if one else array
        if rows.dtype.kind not in "biuf" or rows.ndim != 2 or rows.shape[1] != channels:
            raise InputError(
                f"{where}: {array.dtype} of shape {array.shape}, expected numbers of shape"
                f" ({channels},) or (steps, {channels})"
            )
        for row in rows:
            yield self._step(row, f"{where}, step {self._steps + 1}")

    def end(self) -> Iterator[tuple[int, int, Floats]]:
        """The last line, if nothing ended it."""
        yield from self._lines(self._text.end())

    def _lines(self, lines: Iterator[str]) -> Iterator[tuple[int, int, Floats]]:
        for line in lines:
            where = self._text.place
            if not line.strip():
                self._sequence += self._steps > 0
                self._steps = 0
                continue
            try:
                values = np.array([float(part) for part in line.replace(",", " ").split()])
            except ValueError as error:
                raise InputError(f"{where}: {error}; expected {self._expected}") from error
            if len(values) != self._channels:
                raise InputError(f"{where}: {len(values)} numbers, expected {self._expected}")
            yield self._step(values, where)

    def _step(self, values: np.ndarray, where: str) -> tuple[int, int, Floats]:
        if not (np.abs(values) <= np.finfo(np.float32).max).all():
            raise InputError(f"{where}: a number that is not finite, expected {self._expected}")
        self._steps += 1
        return self._sequence, self._steps, values.astype(np.float32)

"""Numbers in as they come, a line a step; out comes what a classifier thinks after each.

Legend: C channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np

from elman.data.labeled.rows import Floats
from elman.data.labeled.standardize import Standardizer
from elman.errors import InputError
from elman.models.classifier import Classifier
from elman.predictors.classifier import probabilities_of
from elman.predictors.classifier_answers import answered
from elman.predictors.classifier_inputs import Schema
from elman.streaming.stream import Stream

_DIGITS = 64
"""The most characters that a number may be written with, so that what is held is bounded."""


@final
class NumberStream:
    """A one-direction classifier that reads steps of C numbers; an empty line ends a sequence.

    The numbers of a line stand between commas or white space. After the last step of a sequence
    the answer is that of `predict` for the whole; with a label at every step, each step is
    answered with its own. The memory that it takes does not grow.

    Args:
        model: one that reads in one direction.
        schema: its classes and channels.
        scale: what the numbers are standardized by; None leaves them as they are.
    """

    def __init__(self, model: Classifier, schema: Schema, scale: Standardizer | None) -> None:
        self._stream = Stream(model)
        self._model, self._schema, self._scale = model, schema, scale
        self._pending = ""
        self._line = 0
        self._sequence = 1
        self._read = 0

    def push(self, text: str) -> Sequence[Mapping[str, Any]]:
        """Read on; an answer for each line that is complete.

        Raises:
            InputError: a line without C finite numbers; what was read before it stays read.
        """
        *lines, self._pending = (self._pending + text).split("\n")
        answers = [self._step(line) for line in lines]
        if len(self._pending) > _DIGITS * (len(self._schema.channels) + 1):
            raise InputError(f"standard input:{self._line + 1}: too long for {self._expected}")
        return [answer for answer in answers if answer is not None]

    def flush(self) -> Sequence[Mapping[str, Any]]:
        """The line that was held back, when the numbers have ended."""
        return self.push("\n") if self._pending else []

    def _step(self, line: str) -> Mapping[str, Any] | None:
        self._line += 1
        if not line.strip():
            self._stream.reset()
            self._sequence += self._read > 0
            self._read = 0
            return None
        values = self._numbers(line)
        if self._scale is not None:
            values = self._scale.apply(values)
        logits = self._stream.push(values)
        self._read += 1
        many = self._schema.kind == "many"
        found = probabilities_of(logits, self._model.temperature, many=many).cpu().numpy()
        return {"sequence": self._sequence, "step": self._read, **answered(self._schema, found)}

    def _numbers(self, line: str) -> Floats:
        """Those of a line, (C,)."""
        try:
            values = np.array([float(part) for part in line.replace(",", " ").split()])
        except ValueError as error:
            raise InputError(f"{self._where}: {error}; expected {self._expected}") from error
        if len(values) != len(self._schema.channels):
            raise InputError(f"{self._where}: {len(values)} numbers, expected {self._expected}")
        if not (np.abs(values) <= np.finfo(np.float32).max).all():
            raise InputError(
                f"{self._where}: a number that is not finite, expected {self._expected}"
            )
        return values.astype(np.float32)

    @property
    def _where(self) -> str:
        return f"standard input:{self._line}"

    @property
    def _expected(self) -> str:
        channels = len(self._schema.channels)
        return (
            f"{channels} finite number{'s' if channels > 1 else ''} with commas or spaces between"
        )

"""Text in as it comes; out comes what a classifier thinks after each word.

Legend: K classes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, final

from elman.data.labeled.words import LONGEST, WordEncoder
from elman.models.classifier import Classifier
from elman.predictors.classifier import probabilities_of
from elman.predictors.classifier_answers import answered
from elman.predictors.classifier_inputs import Schema
from elman.streaming.stream import Stream

_NEXT = re.compile(r"\n|[^\S\n]+|\S+")


@final
class ClassifierStream:
    """A one-direction classifier that reads text in chunks of any size; a line is a text.

    After the last word of a line the answer is that of `predict` for the whole line. With a label
    at every step, each word is answered with its own. The memory that it takes does not grow.

    Args:
        model: one that reads in one direction.
        schema: its classes.
        words: its words.
    """

    def __init__(self, model: Classifier, schema: Schema, words: WordEncoder) -> None:
        self._stream = Stream(model)
        self._model, self._schema, self._words = model, schema, words
        self._pending = ""
        self._line = 1
        self._read = 0

    def push(self, text: str) -> Sequence[Mapping[str, Any]]:
        """Read on; an answer for each word that is complete."""
        answers = []
        for piece in _NEXT.findall(text):
            if not piece.isspace():
                self._pending += piece
                while len(self._pending) > LONGEST:
                    answers.append(self._word(self._pending[:LONGEST]))
                    self._pending = self._pending[LONGEST:]
                continue
            answers += self.flush()
            if piece == "\n":
                self._line += 1
                self._read = 0
        return answers

    def flush(self) -> Sequence[Mapping[str, Any]]:
        """The word that was held back, when the text has ended."""
        word, self._pending = self._pending, ""
        return [self._word(word)] if word else []

    def _word(self, word: str) -> Mapping[str, Any]:
        if not self._read:
            self._stream.reset()
            self._stream.push(self._words.start)
        logits = self._stream.push(self._words.ids(word, self._read == 0))[-1]
        self._read += 1
        many = self._schema.kind == "many"
        found = probabilities_of(logits, self._model.temperature, many=many).cpu().numpy()
        return {"line": self._line, "word": word, **answered(self._schema, found)}

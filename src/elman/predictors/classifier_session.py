"""Live sequences of a classifier: words or numbers in as they come, an answer after each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import starmap
from typing import Any, ClassVar, Self, final

from elman.data.labeled.rows import Floats
from elman.models.classifier import Classifier
from elman.predictors.classifier_inputs import Encoder, Schema
from elman.predictors.classifier_outputs import answered, softened
from elman.predictors.steps_input import NumberInput, WordInput
from elman.streaming.session import Identified, Session, Snapshot
from elman.streaming.stream import Stream

Row = Mapping[str, Any]


@final
class ClassifierSession(Session[Any, Row]):
    """A one-direction classifier that answers after each step, in constant memory.

    A chunk is text, each line a sequence of words, or steps of numbers as `NumberInput` reads
    them. After the last step of a sequence the answer is that of `predict` for all of it. With a
    label at each step, each is answered with its own.
    """

    kind: ClassVar[str] = "classifier"

    def __init__(
        self, identified: Identified, model: Classifier, schema: Schema, encoder: Encoder
    ) -> None:
        super().__init__(identified)
        self._model, self._schema, self._encoder = model, schema, encoder
        self._stream = Stream(model)
        self._input: WordInput | NumberInput = WordInput()
        if encoder.words is None:
            self._input = NumberInput(len(schema.channels))

    def reset(self) -> None:
        self._stream.reset()
        self._input.reset()

    def _read(self, chunk: Any) -> Iterator[Row]:
        return starmap(self._answer, self._input.read(chunk))

    def _end(self) -> Iterator[Row]:
        yield from starmap(self._answer, self._input.end())
        self.reset()

    def _answer(self, sequence: int, step: int, read: str | Floats) -> Row:
        words, scale = self._encoder.words, self._encoder.scale
        if step == 1:
            self._stream.reset()
        warning = {}
        if isinstance(read, str):
            assert words is not None
            if step == 1:
                self._stream.push(words.start)
            place, inputs = {"line": sequence, "word": read}, words.ids(read, step == 1)
            logits = self._stream.push(inputs)[-1]
            warning["warning"] = words.word_warning(inputs)
        else:
            place = {"sequence": sequence, "step": step}
            logits = self._stream.push(read if scale is None else scale.apply(read))
        many = self._schema.kind == "many"
        probabilities = softened(logits, self._model.temperature, many=many).cpu()
        return {**place, **answered(self._schema, probabilities.numpy()), **warning}

    def _another(self) -> Self:
        return type(self)(self._identified, self._model, self._schema, self._encoder)

    def _snapshot(self) -> Snapshot:
        states = {"model": self._stream.state}
        return Snapshot(self.kind, self._identified.fingerprint, states, {}, self._input.state)

    def _restore(self, snapshot: Snapshot) -> None:
        self._stream.state = snapshot.states["model"]
        self._input.state = snapshot.values

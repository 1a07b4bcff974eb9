"""A network for one problem of memory: sequences of numbers in, an answer at each step out.

Legend: T time, I input.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self, TypeAlias, final

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from elman.data.given import Arrays, Given
from elman.data.memory import problem_named
from elman.errors import InputError
from elman.models.cells import CellOptions, recurrent_layer
from elman.models.memory import MemoryNetwork
from elman.predictors.predictor import Parts, Predictor
from elman.settings import Options
from elman.streaming.session import Session, Snapshot
from elman.streaming.stream import Stream
from elman.streaming.text_input import LineInput

Rows: TypeAlias = str | bytes | np.ndarray | Tensor | Sequence[Any]


@dataclass(frozen=True)
class MemoryAnswer:
    """What the network answers after a step: the most probable class, or a number.

    Attributes:
        sequence: counted from 1.
        step: counted from 1.
        answer: a class or a number.
        probability: of the class; 1 for a number.
    """

    sequence: int
    step: int
    answer: float
    probability: float


@dataclass(frozen=True)
class Architecture:
    """What a `MemoryNetwork` is made of: a problem, a cell, its hidden size and options."""

    problem: str
    cell: str
    hidden_size: int
    options: CellOptions

    def make(self) -> MemoryNetwork:
        """The network, with fresh weights."""
        problem = problem_named(self.problem)
        layer = recurrent_layer(self.cell, problem.input_size, self.hidden_size, self.options)
        return MemoryNetwork(layer, self.hidden_size, problem.output_size)


@final
class MemoryPredictor(Predictor):
    """A trained `MemoryNetwork`; `predict` takes arrays (T, I), a session rows (I,).

    Args:
        model: the network.
        architecture: what `model` was made from.
        name: what messages call it.
    """

    kind: ClassVar[str] = "memory"

    def __init__(
        self, model: MemoryNetwork, architecture: Architecture, name: str = "the predictor"
    ) -> None:
        super().__init__(model, name)
        self.model, self.architecture = model, architecture
        self.problem = problem_named(architecture.problem)

    @classmethod
    def of(cls, parts: Parts, name: str) -> Self:
        architecture = TypeAdapter(Architecture).validate_python(parts.settings)
        return cls(architecture.make(), architecture, name)

    def parts(self) -> Parts:
        return Parts(asdict(self.architecture))

    def answers(self, inputs: Given | None, options: Options) -> Iterator[MemoryAnswer]:
        if not isinstance(inputs, Arrays):
            raise InputError(
                f"{self.name}: reads sequences of numbers, (steps, {self.problem.input_size})"
                " arrays; to measure a run on its own problem use `elman evaluate`"
            )
        for number, array in enumerate(inputs.arrays, 1):
            session = MemorySession(self, number)
            yield from session.push(array)

    def open_session(self, options: Options) -> MemorySession:
        return MemorySession(self)


@final
class MemorySession(Session[Rows, MemoryAnswer]):
    """One sequence: a chunk is rows (T, I), one row (I,), or text with a row a line.

    `flush` ends the sequence; what comes after it is the first one again.
    """

    kind: ClassVar[str] = MemoryPredictor.kind

    def __init__(self, predictor: MemoryPredictor, sequence: int = 1) -> None:
        super().__init__(predictor)
        self._predictor = predictor
        self._sequence = sequence
        self._lines = LineInput()
        self._stream = Stream(predictor.model)
        self.reset()

    def reset(self) -> None:
        self._lines.reset()
        self._stream.reset()
        self._steps = 0

    def _read(self, chunk: Rows) -> Iterator[MemoryAnswer]:
        if isinstance(chunk, str | bytes):
            yield from map(self._line, self._lines.read(chunk))
            return
        try:
            rows = np.atleast_2d(np.asarray(chunk))
        except (RuntimeError, TypeError, ValueError) as error:
            raise InputError(f"rows must be numbers of one shape ({error})") from error
        for row in rows:
            yield self._answer(row, f"step {self._steps + 1}")

    def _end(self) -> Iterator[MemoryAnswer]:
        yield from map(self._line, self._lines.end())
        self.reset()

    def _another(self) -> MemorySession:
        return MemorySession(self._predictor, self._sequence)

    def _snapshot(self) -> Snapshot:
        values = {"steps": self._steps, "lines": self._lines.state}
        fingerprint = self._predictor.fingerprint
        return Snapshot(self.kind, fingerprint, {"layer": self._stream.state}, {}, values)

    def _restore(self, snapshot: Snapshot) -> None:
        self._lines.state = snapshot.values["lines"]
        self._stream.state = snapshot.states["layer"]
        self._steps = int(snapshot.values["steps"])

    def _line(self, line: str) -> MemoryAnswer:
        return self._answer(line.replace(",", " ").split(), self._lines.place)

    def _answer(self, values: Iterable[Any], where: str) -> MemoryAnswer:
        problem = self._predictor.problem
        try:
            row = torch.tensor([float(value) for value in values])
        except (TypeError, ValueError) as error:
            raise InputError(f"{where}: {error}; expected {problem.input_size} numbers") from error
        if len(row) != problem.input_size:
            raise InputError(f"{where}: {len(row)} numbers, expected {problem.input_size}")
        if not row.isfinite().all():
            raise InputError(f"{where}: a number that is not finite; leave the row out")
        outputs = self._stream.push(row)
        self._steps += 1
        if problem.output_size == 1:
            return MemoryAnswer(self._sequence, self._steps, float(outputs[0]), 1.0)
        share, place = outputs.softmax(-1).max(-1)
        return MemoryAnswer(self._sequence, self._steps, int(place), float(share))

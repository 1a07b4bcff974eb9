"""A network for one problem of memory: sequences of numbers in, an answer at each step out.

Legend: T time, I input.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import starmap
from typing import ClassVar, Self, final

import torch

from elman.data.given import Arrays, Given
from elman.data.labeled.rows import Floats
from elman.data.memory import problem_named
from elman.errors import InputError
from elman.layers.state import State
from elman.models.cells import CellOptions, recurrent_layer
from elman.models.memory import MemoryNetwork
from elman.predictors.predictor import Parts, Predictor
from elman.predictors.steps_input import NumberInput, Rows
from elman.settings import Options, adapter
from elman.streaming.session import Session, Snapshot
from elman.streaming.stream import evaluating


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
class MemoryPredictor(Predictor[MemoryAnswer]):
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
        architecture = adapter(Architecture).validate_python(parts.settings)
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
            for answer in MemorySession(self).push(array):
                yield replace(answer, sequence=number)

    def open_session(self, options: Options) -> MemorySession:
        return MemorySession(self)


@final
class MemorySession(Session[Rows, MemoryAnswer]):
    """Rows of numbers, as `NumberInput` reads them, with an answer to each."""

    kind: ClassVar[str] = MemoryPredictor.kind

    def __init__(self, predictor: MemoryPredictor) -> None:
        super().__init__(predictor)
        self._predictor = predictor
        self._input = NumberInput(predictor.problem.input_size)
        self.reset()

    def reset(self) -> None:
        self._input.reset()
        self._state = self._begun()

    def _read(self, chunk: Rows) -> Iterator[MemoryAnswer]:
        return starmap(self._answer, self._input.read(chunk))

    def _end(self) -> Iterator[MemoryAnswer]:
        yield from starmap(self._answer, self._input.end())
        self.reset()

    def _another(self) -> MemorySession:
        return MemorySession(self._predictor)

    def _snapshot(self) -> Snapshot:
        states = {"layer": self._state.clone()}
        return Snapshot(self.kind, self._predictor.fingerprint, states, {}, self._input.state)

    def _restore(self, snapshot: Snapshot) -> None:
        state = snapshot.states["layer"].like(self._state, "the state of the layer")
        self._input.state = snapshot.values
        self._state = state

    def _begun(self) -> State:
        with torch.inference_mode():
            return self._predictor.model.initial_state(1)

    def _answer(self, sequence: int, step: int, values: Floats) -> MemoryAnswer:
        model = self._predictor.model
        row = torch.from_numpy(values).to(model.readout.weight.device)
        with evaluating(model), torch.inference_mode():
            before = self._begun() if step == 1 else self._state
            outputs, self._state = model.step(row[None], before)
        if self._predictor.problem.output_size == 1:
            return MemoryAnswer(sequence, step, float(outputs[0, 0]), 1.0)
        share, place = outputs[0].softmax(-1).max(-1)
        return MemoryAnswer(sequence, step, int(place), float(share))

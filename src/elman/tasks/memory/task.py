"""The task `memory`: one network, one classic test of memory, one lag.

Its data are drawn as they are needed, so it takes no files; `elman probe` trains many of these.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, final

import torch

from elman.data.given import Files, Given
from elman.data.memory import PROBLEMS, Problem
from elman.diagnostics.activations import Activations
from elman.diagnostics.diagnosis_input import DiagnosisInput
from elman.errors import InputError
from elman.evaluation.report import Report, Score
from elman.models.cells import cell_options, check_cell
from elman.predictors.memory import Architecture, MemoryPredictor
from elman.settings import Options
from elman.streaming.stream import evaluating
from elman.tasks.memory.activations import read_sequence
from elman.tasks.memory.config import MemoryConfig
from elman.tasks.memory.data import Sequences, held_out
from elman.tasks.memory.diagnosis_input import ROWS, diagnosis_input
from elman.tasks.memory.objective import MemoryObjective, score
from elman.tasks.task import Task


@final
class MemoryTask(Task[MemoryConfig, Problem, MemoryPredictor]):
    """Remember something for a while, then answer."""

    name: ClassVar[str] = "memory"
    summary: ClassVar[str] = "A classic test of memory: data are drawn on the fly, no files."
    Config = MemoryConfig
    counted: ClassVar[str] = "answers"
    takes_data: ClassVar[bool] = False
    common: ClassVar[tuple[str, ...]] = (
        *("problem", "lag", "cell", "hidden_size", "init", "forget_bias", "chrono"),
        *("batch_size", "learning_rate", "max_steps", "max_minutes"),
        *("eval_every", "checkpoint_every", "seed", "threads", "device"),
    )

    @classmethod
    def prepare(cls, config: MemoryConfig, given: Given | None, folder: Path) -> Problem:
        check_cell(config.cell)
        _refuse(given)
        problem = cls.open(config, folder)
        problem.batch(config.lag, 1, seed=config.seed, split="valid")  # a lag it can't have
        return problem

    @classmethod
    def open(cls, config: MemoryConfig, folder: Path) -> Problem:
        return PROBLEMS[config.problem]

    def describe(self) -> list[str]:
        problem, lag = self.data, self.config.lag
        return [
            f"{problem.name}, lag {lag}: {problem.summary}",
            f"guessing {problem.guess:.3g} {problem.metric}, mastered at {problem.mastered:.3g}",
        ]

    def make(self) -> MemoryPredictor:
        config = self.config
        architecture = Architecture(
            config.problem, config.cell, config.hidden_size, cell_options(config)
        )
        return MemoryPredictor(architecture.make(), architecture)

    def source(self) -> Sequences:
        return Sequences(self.data, self.config)

    def objective(self, predictor: MemoryPredictor) -> MemoryObjective:
        return MemoryObjective(predictor.model, self.data, self.config)

    def evaluate(self, predictor: MemoryPredictor, given: Given | None, options: Options) -> Report:
        _refuse(given)
        problem, device = self.data, _device(predictor)
        batches = [batch.to(device) for batch in held_out(problem, self.config, "test")]
        with evaluating(predictor.model):
            value = score(predictor.model, batches)[1]
        unit = "of the answers" if problem.counts_up else "mean"
        return Report(
            [
                Score("test", problem.metric, value, unit),
                Score("guess", problem.metric, problem.guess, unit),
            ]
        )

    def activations(self, predictor: MemoryPredictor, text: str | None) -> Activations:
        """What can be seen as the network reads one new sequence."""
        if text is not None:
            raise InputError(
                f"{predictor.name}: a memory run reads no text but a sequence of its own problem;"
                " leave --text out"
            )
        batch = self.data.batch(self.config.lag, 1, seed=self.config.seed, split="valid")
        return read_sequence(predictor.model, batch.to(_device(predictor)), predictor.name)

    def diagnosis_input(
        self,
        predictor: MemoryPredictor,
        given: Given | None = None,
        *,
        max_lag: int | None = None,
        needs: int | None = None,
    ) -> DiagnosisInput:
        """The network on new sequences, all of the length that the lag asks for."""
        _refuse(given)
        config = self.config
        batch = self.data.batch(config.lag, ROWS, seed=config.seed, split="valid")
        return diagnosis_input(predictor.model, batch.to(_device(predictor)), config, needs=needs)

    def next_steps(self, run: str) -> list[str]:
        return [f"elman evaluate {run}", f"elman show {run}", f"elman diagnose {run}"]


def _device(predictor: MemoryPredictor) -> torch.device:
    return next(predictor.model.parameters()).device


def _refuse(given: Given | None) -> None:
    if given is not None:
        where = f"{given.paths[0]}: " if isinstance(given, Files) else ""
        raise InputError(f"{where}the task memory draws its own data; give none")

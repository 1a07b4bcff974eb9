"""The task `memory`: one network, one classic test of memory, one lag.

Its data are drawn as they are needed, so it takes no files; `elman probe` trains many of these.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, final

import torch
from torch import Tensor

from elman.data.batching import IGNORE, Batch
from elman.data.given import Files, Given
from elman.data.memory import PROBLEMS, Problem
from elman.diagnostics.activations import Activations, Expected, Step, panels_of
from elman.diagnostics.diagnosis_input import DiagnosisInput, Lags
from elman.diagnostics.losses import losses_of
from elman.diagnostics.trace import trace
from elman.errors import InputError
from elman.evaluation.report import Report, Score
from elman.models.cells import cell_options, check_cell
from elman.models.memory import MemoryNetwork
from elman.predictors.memory import Architecture, MemoryPredictor
from elman.settings import Options, adapter
from elman.streaming.stream import evaluating
from elman.tasks.memory.config import MemoryConfig
from elman.tasks.memory.data import Sequences, held_out
from elman.tasks.memory.objective import MemoryObjective, score
from elman.tasks.task import Task, text_of

ROWS = 16
"""Sequences of a diagnosis."""

_GUESSES = 3


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
        settings = {**self.config.model_dump(), "options": cell_options(self.config)}
        architecture = adapter(Architecture).validate_python(settings)
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

    def activations(self, predictor: MemoryPredictor, sequence: str | Path | None) -> Activations:
        """What can be seen as the network reads one new sequence."""
        if text_of(sequence, predictor.name) is not None:
            raise InputError(
                f"{predictor.name}: a memory run reads no text but a sequence of its own problem;"
                " leave --text out"
            )
        batch = self.data.batch(self.config.lag, 1, seed=self.config.seed, split="valid")
        return read_sequence(predictor.model, batch.to(_device(predictor)), predictor.name)

    def diagnosis_input(
        self, predictor: MemoryPredictor, given: Given | None, lags: Lags
    ) -> DiagnosisInput:
        """Of new sequences, only the steps with an answer; what is needed is the lag."""
        _refuse(given)
        config, model = self.config, predictor.model
        batch = self.data.batch(config.lag, ROWS, seed=config.seed, split="valid")
        batch = batch.to(_device(predictor))
        targets = batch.targets
        scored = tuple((targets != IGNORE).any(1).nonzero().flatten().tolist())

        def outputs(x: Tensor) -> Tensor:
            answers: Tensor = model(x)[0]
            return answers

        def losses(x: Tensor) -> Tensor:
            if not targets.is_floating_point():
                return losses_of(outputs(x), targets)
            found = losses_of(outputs(x), targets.unsqueeze(-1))
            return found.masked_fill(targets == IGNORE, 0)

        return DiagnosisInput(
            model,
            batch.inputs,
            losses,
            outputs,
            categorical=not targets.is_floating_point(),
            scored=scored,
            needs=min(config.lag, scored[-1]) if lags.needs is None else lags.needs,
            cell=config.cell,
        )

    def next_steps(self, run: str) -> list[str]:
        return [f"elman evaluate {run}", f"elman show {run}", f"elman diagnose {run}"]


def _device(predictor: MemoryPredictor) -> torch.device:
    return next(predictor.model.parameters()).device


def _refuse(given: Given | None) -> None:
    if given is not None:
        where = f"{given.paths[0]}: " if isinstance(given, Files) else ""
        raise InputError(f"{where}the task memory draws its own data; give none")


def read_sequence(model: MemoryNetwork, batch: Batch, title: str) -> Activations:
    """The states and gates after each step of the batch's first row, and the answer as it forms.

    A step's surprise is that at the right answer, where one is asked for: in bits, or for a
    problem that is answered with a number the squared error.
    """
    inputs, targets = batch.inputs[:, :1], batch.targets[:, 0]
    outputs: list[Tensor] = []
    with evaluating(model), torch.inference_mode():
        traces = trace(model, lambda: outputs.append(model(inputs)[0][:, 0]))
    answers = outputs[0].float().cpu()  # (T, K)
    number = targets.is_floating_point()
    expected = [_expected(row, number) for row in answers]
    steps = [
        Step(_label(row), _surprise(answer, target, number), before)
        for row, answer, target, before in zip(
            inputs[:, 0].tolist(), answers, targets.tolist(), [(), *expected[:-1]], strict=True
        )
    ]
    unit = "squared error" if number else "bits"
    return Activations(
        title, steps, panels_of(traces), expected[-1], unit, is_text=False, ahead="answer"
    )


def _label(row: Sequence[float]) -> str:
    """The number of the symbol where one is given, or else the values."""
    if len(row) > 1 and sorted(row) == [0.0] * (len(row) - 1) + [1.0]:
        return str(row.index(1.0))
    return " ".join(f"{value:.2g}" for value in row)


def _expected(answer: Tensor, number: bool) -> tuple[Expected, ...]:
    if number:
        return (Expected(f"{float(answer[0]):.3f}", 1.0),)
    shares, places = answer.softmax(-1).topk(min(_GUESSES, len(answer)))
    pairs = zip(places.tolist(), shares.tolist(), strict=True)
    return tuple(Expected(str(place), share) for place, share in pairs)


def _surprise(answer: Tensor, target: float, number: bool) -> float | None:
    if target == IGNORE:
        return None
    if number:
        return (float(answer[0]) - target) ** 2
    return -float(answer.log_softmax(-1)[int(target)]) / math.log(2)

"""The task `memory`: one network, one classic test of memory, one lag.

Its data are drawn as they are needed, so it takes no files; `elman probe` trains many of these.

Legend: T time, B batch.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, final

import torch
from torch import nn

from elman.data.batching import IGNORE, Batch
from elman.data.memory import PROBLEMS, Problem, Split
from elman.diagnostics.activations import Activations
from elman.diagnostics.diagnosis_input import DiagnosisInput
from elman.errors import InputError
from elman.layers.state import State
from elman.models.cells import cell_options, check_cell, recurrent_layer
from elman.models.memory import MemoryNetwork, answer_loss, answer_score
from elman.tasks.diagnosis_input import ROWS, memory_diagnosis_input
from elman.tasks.memory.activations import read_sequence
from elman.tasks.memory.config import MemoryConfig
from elman.tasks.task import NO_OPTIONS, FrontEnd, Given, Options, Record, Report, Score, Task
from elman.training.contracts import StepLoss

# The most steps, of all rows together, that a batch of an evaluation reads at once.
_STEPS_AT_ONCE = 50_000


@final
class MemoryTask(Task):
    """Remember something for a while, then say it."""

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
    config: MemoryConfig

    @property
    def problem(self) -> Problem:
        """What is being remembered."""
        return PROBLEMS[self.config.problem]

    def prepare(self, paths: Sequence[Path]) -> None:
        """Nothing to read; only see that the problem can be drawn. See `Task.prepare`."""
        check_cell(self.config.cell)
        self._refuse(paths)
        self.problem.batch(self.config.lag, 1, seed=self.config.seed, split="valid")

    def describe(self) -> list[str]:
        problem, lag = self.problem, self.config.lag
        return [
            f"{problem.name}, lag {lag}: {problem.summary}",
            f"guessing {problem.guess:.3g} {problem.metric}, mastered at {problem.mastered:.3g}",
        ]

    def build_model(self) -> MemoryNetwork:
        config = self.config
        options = cell_options(config)
        layer = recurrent_layer(config.cell, self.problem.input_size, config.hidden_size, options)
        return MemoryNetwork(layer, config.hidden_size, self.problem.output_size)

    def source(self) -> Sequences:
        return Sequences(self.problem, self.config)

    def objective(self, model: nn.Module) -> MemoryObjective:
        assert isinstance(model, MemoryNetwork)
        return MemoryObjective(model, self)

    def held_out(self, split: Split) -> list[Batch]:
        """The fresh sequences that an evaluation ("valid") or the test answers, cut into batches.

        Those of the test are drawn from a seed of their own, so they are the same for all.
        """
        config, problem = self.config, self.problem
        wanted = config.eval_sequences * (4 if split == "test" else 1)
        seed = config.seed if split == "valid" else 0
        steps = len(problem.batch(config.lag, 1, seed=seed, split=split).inputs)
        size = wanted if problem.finite else max(1, min(wanted, _STEPS_AT_ONCE // steps))
        return [
            problem.batch(
                config.lag, min(size, wanted - begin), seed=seed, index=begin // size, split=split
            )
            for begin in range(0, wanted, size)
        ]

    @torch.no_grad()
    def score(self, model: nn.Module, batches: Sequence[Batch]) -> tuple[float, float]:
        """The mean loss and the mean score of all answers in `batches`."""
        assert isinstance(model, MemoryNetwork)
        loss = score = 0.0
        units = 0
        for batch in batches:
            answers, targets = answered(model, batch)
            loss += len(targets) * float(answer_loss(answers, targets))
            score += len(targets) * float(answer_score(answers, targets))
            units += len(targets)
        return loss / units, score / units

    def evaluate(
        self, model: nn.Module, paths: Sequence[Path] = (), options: Options = NO_OPTIONS
    ) -> Report:
        self._refuse(paths)
        problem = self.problem
        device = next(model.parameters()).device
        batches = [batch.to(device) for batch in self.held_out("test")]
        unit = "of the answers" if problem.counts_up else "mean"
        measured = Score("test", problem.metric, self.score(model, batches)[1], unit)
        return Report([measured, Score("guess", problem.metric, problem.guess, unit)])

    def diagnosis_input(
        self,
        model: nn.Module,
        path: Path | None = None,
        *,
        max_lag: int | None = None,
        needs: int | None = None,
    ) -> DiagnosisInput:
        """The model on fresh sequences; see `elman.tasks.diagnosis_input`."""
        assert isinstance(model, MemoryNetwork)
        self._refuse([] if path is None else [path])
        config = self.config
        batch = self.problem.batch(config.lag, ROWS, seed=config.seed, split="valid")
        device = next(model.parameters()).device
        return memory_diagnosis_input(model, batch.to(device), config, needs=needs)

    def read(self, model: nn.Module, text: str | None) -> Activations:
        """What can be seen of the model as it reads one fresh sequence."""
        assert isinstance(model, MemoryNetwork)
        if text is not None:
            raise InputError(
                f"{self.run.path}: a memory run reads no text but a sequence of its own problem;"
                " leave --text out"
            )
        batch = self.problem.batch(self.config.lag, 1, seed=self.config.seed, split="valid")
        device = next(model.parameters()).device
        return read_sequence(model, batch.to(device), str(self.run.path))

    def predict(
        self, model: nn.Module, given: Given, options: Options = NO_OPTIONS
    ) -> Iterator[Record]:
        raise InputError(f"{self.run.path}: a memory run reads no text; use `elman evaluate`")

    def stream(self, model: nn.Module, options: Options = NO_OPTIONS) -> FrontEnd:
        raise InputError(f"{self.run.path}: a memory run reads no text; use `elman evaluate`")

    def next_steps(self) -> list[str]:
        run = shlex.quote(str(self.run.path))
        return [f"elman evaluate {run}", f"elman show {run}", f"elman diagnose {run}"]

    def _refuse(self, paths: Sequence[Path]) -> None:
        if paths:
            raise InputError(f"{paths[0]}: the task memory draws its own data; give no files")


@final
class MemoryObjective:
    """The loss of the scored answers, and how well fresh sequences are answered."""

    unit = "answers"

    def __init__(self, model: MemoryNetwork, task: MemoryTask) -> None:
        self.model: nn.Module = model
        self._network = model
        self._task = task

    def loss(self, batch: Batch, state: State | None) -> StepLoss:
        answers, targets = answered(self._network, batch)
        return StepLoss(answer_loss(answers, targets), len(targets), None)

    def advance(self, batch: Batch, state: State) -> State:
        raise AssertionError("each batch is whole sequences, so no state is carried")

    @cached_property
    def _valid(self) -> list[Batch]:
        device = next(self.model.parameters()).device
        return [batch.to(device) for batch in self._task.held_out("valid")]

    def evaluate(self) -> dict[str, float]:
        loss, score = self._task.score(self._network, self._valid)
        name = self._task.problem.metric.replace(" ", "_")
        solved = self._task.config.early_stop and self._task.problem.is_solved(score)
        return {"loss": loss, name: score, "solved": float(solved)}


@final
class Sequences:
    """An endless source of batches; its place is the index of the next."""

    def __init__(self, problem: Problem, config: MemoryConfig) -> None:
        self._problem = problem
        self._config = config
        self._index = 0

    @property
    def steps_per_epoch(self) -> int:
        """All of training: no sequence comes twice."""
        return self._config.max_steps

    def __next__(self) -> Batch:
        config = self._config
        batch = self._problem.batch(
            config.lag, config.batch_size, seed=config.seed, index=self._index, split="train"
        )
        self._index += 1
        return batch

    def state_dict(self) -> dict[str, Any]:
        return {"index": self._index}

    def load_state_dict(self, state: Mapping[str, Any], /) -> None:
        self._index = int(state["index"])


def answered(model: MemoryNetwork, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """The outputs (N, K) at the scored steps of `batch`, and what they should be (N)."""
    scored = batch.targets != IGNORE
    outputs, _ = model(batch.inputs)
    return outputs[scored], batch.targets[scored]

"""How far back cells remember: each classic problem at rising lags, until a cell fails.

A trial is one training: problem, cell, learning rate, lag, seed. All trials have the same sizes,
the same optimizer and the same limit of updates. A cell climbs through the lags at each learning
rate by itself, and stops at the first that not most of its seeds master.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

from elman.data.memory import PROBLEMS, problem_named
from elman.errors import InputError, RunFailed
from elman.files import write_json
from elman.models.cells import CellOptions, is_custom, recurrent_layer
from elman.settings import Options, configure
from elman.studies.probe.trials import Result, Study, Trial
from elman.studies.probe.workers import spread
from elman.tasks.memory.config import MemoryConfig
from elman.tasks.memory.task import MemoryTask
from elman.tasks.runs import refit
from elman.training.contracts import StepEvent

LAG = "the lag"
"""Stands for the lag in an initialization that depends on how long to remember."""

CELLS: dict[str, dict[str, Any]] = {
    "rnn": {"cell": "rnn"},
    "rnn-orthogonal": {"cell": "rnn", "init": "orthogonal"},
    "rnn-relu-identity": {"cell": "rnn-relu", "init": "identity"},
    "gru": {"cell": "gru"},
    "gru-chrono": {"cell": "gru", "chrono": LAG},
    "lstm": {"cell": "lstm"},
    "lstm-forget-1": {"cell": "lstm", "forget_bias": 1.0},
    "lstm-chrono": {"cell": "lstm", "chrono": LAG},
}
"""What a name of `--cells` sets; "rnn", "gru" and "lstm" have torch's default start."""


@dataclass(frozen=True)
class Plan:
    """Which trials a study is made of.

    Cells are names of `CELLS`, or classes as package.module:Class. Each learning rate is tried by
    itself, and the best counts; lags rise; there are `seeds` seeds from 0 on.
    """

    problems: tuple[str, ...]
    cells: tuple[str, ...]
    learning_rates: tuple[float, ...]
    lags: tuple[int, ...]
    seeds: int

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise InputError for what could not be run, before anything is."""
        for name in ("problems", "cells", "learning_rates", "lags"):
            given = getattr(self, name)
            if not given or len(set(given)) < len(given):
                flag = name.replace("_", "-")
                raise InputError(f"--{flag}: expected one or more, none of them twice")
        if list(self.lags) != sorted(self.lags):
            raise InputError(f"--lags {','.join(map(str, self.lags))}: expected rising numbers")
        if self.seeds < 1:
            raise InputError(f"--seeds {self.seeds}: must be at least 1")
        for problem in self.problems:
            problem_named(problem).batch(self.lags[0], 1, seed=0, split="train")
        for problem, cell, rate in self.climbs():
            config = configured(Trial(problem, cell, rate, self.lags[0], 0), settings)
            if is_custom(cell):
                width = PROBLEMS[problem].input_size
                recurrent_layer(cell, width, config.hidden_size, CellOptions())

    def trials(self, problem: str, cell: str, rate: float, lag: int) -> list[Trial]:
        """One for each seed."""
        return [Trial(problem, cell, rate, lag, seed) for seed in range(self.seeds)]

    def climbs(self) -> Iterator[tuple[str, str, float]]:
        """Each problem, cell and learning rate."""
        return product(self.problems, self.cells, self.learning_rates)


DEFAULT = Plan(
    problems=("recall", "adding"),
    cells=("rnn", "rnn-orthogonal", "rnn-relu-identity", "gru", "lstm", "lstm-chrono"),
    learning_rates=(0.01, 0.003, 0.001),
    lags=(10, 20, 50, 100, 200, 400, 800, 1600),
    seeds=3,
)
SETTINGS: dict[str, Any] = {
    "max_steps": 3000,
    "hidden_size": 32,
    "batch_size": 16,
    "clip_norm": 1.0,
    "early_stop": True,
    "threads": 1,
}
"""Of every training, unless a study says otherwise; the rest are the defaults of `MemoryConfig`."""


def is_mastered(results: Sequence[Result]) -> bool:
    """Whether most of the seeds, more than half, master a lag."""
    return 2 * sum(result.mastered for result in results) > len(results)


def upcoming(plan: Plan, done: Mapping[Trial, Result]) -> list[Trial]:
    """The trials that can be started now, those of the longest lags first.

    It depends on nothing but what has been done, so a study that was killed goes on where it was.
    """
    found: list[Trial] = []
    for climb in plan.climbs():
        for lag in plan.lags:
            trials = plan.trials(*climb, lag)
            missing = [trial for trial in trials if trial not in done]
            found += missing
            if missing or not is_mastered([done[trial] for trial in trials]):
                break
    # The last of the long ones would otherwise keep one process busy while the others idle.
    return sorted(found, key=lambda trial: -trial.lag)


def run(study: Study, plan: Plan, processes: int) -> Iterator[Result]:
    """Do all trials that are not done yet, and keep and give each result as it comes.

    The results are the same whatever the number of processes.
    """
    plan.check(study.settings)
    if processes < 1:
        raise InputError(f"--processes {processes}: must be at least 1")
    study.clear_leftovers()
    done = study.results()
    if upcoming(plan, done):
        work = partial(train_trial, study.path, study.settings)
        for trial, result in spread(work, lambda: upcoming(plan, done), processes):
            done[trial] = result
            yield result


def configured(trial: Trial, settings: Mapping[str, Any]) -> MemoryConfig:
    """The settings of one training."""
    if trial.cell not in CELLS and not is_custom(trial.cell):
        raise InputError(
            f"--cells {trial.cell}: no such cell; choose from {', '.join(CELLS)}, or give a class"
            " of your own as package.module:Class"
        )
    start = CELLS.get(trial.cell, {"cell": trial.cell})
    given = {name: max(3, trial.lag) if value == LAG else value for name, value in start.items()}
    own = {name: value for name, value in vars(trial).items() if name != "cell"}
    # Nobody looks at the gradients of one of hundreds of trainings.
    return configure(MemoryConfig, {"watch": 0, **settings, **given, **own})


def train_trial(path: Path, settings: Mapping[str, Any], trial: Trial) -> Result:
    """Train one network and leave its predictor and result in the study, whole or not at all.

    A loss or gradient that is no longer a number ends a training, as a failure of the cell.
    """
    began = perf_counter()
    study = Study(path, settings)
    counted = _Updates()
    config = configured(trial, settings)
    task = MemoryTask(config, PROBLEMS[trial.problem])
    scratch = study.scratch_path(trial)
    score: float | None = None
    try:
        predictor, outcome = refit(task, observers=[counted])
        score = task.evaluate(predictor, None, Options()).scores[0].value
        ended = outcome.reason
        predictor.save(scratch)
    except RunFailed:
        ended = "diverged"
        scratch.mkdir(parents=True)
    mastered = score is not None and task.data.is_mastered(score)
    seconds = round(perf_counter() - began, 2)
    result = Result(trial, score, mastered, counted.made, ended, seconds)
    write_json(scratch / "result.json", result.as_dict())
    study.keep(trial, scratch)
    return result


class _Updates:
    """How many updates have been made."""

    made = 0

    def after_backward(self, event: StepEvent) -> None:
        self.made = event.step

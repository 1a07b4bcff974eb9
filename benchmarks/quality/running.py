"""Train a recipe in a folder, or go on with it there, and measure the result."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.quality.curves import Point, read_run
from elman.errors import InputError
from elman.settings import configure
from elman.tasks import runs
from elman.training.log import open_log
from elman.training.loop import Outcome

RECIPES = Path(__file__).parent / "recipes"
TASK = "language-model"
OTHER_NAMES = {"penn-treebank": ("ptb",)}
"""What people's own copies of a data set are called."""


@dataclass(frozen=True)
class Options:
    """What the command line gave.

    Attributes:
        out: the folder that keeps runs, so that a benchmark that was cut off can go on.
        threads: CPU threads to train with.
        seeds: how many seeds, where a figure is over several.
        command: the command itself, for RESULTS.md.
        seed: the only one to train now; the section is written by the command without it.
    """

    out: Path
    threads: int
    seeds: int
    command: str
    seed: int | None = None

    @property
    def chosen(self) -> Sequence[int]:
        """The seeds to train."""
        return range(1, self.seeds + 1) if self.seed is None else (self.seed,)


@dataclass(frozen=True)
class Trained:
    """A finished run."""

    run: runs.Run
    outcome: Outcome
    curve: list[Point]

    @property
    def parameters(self) -> int:
        """How many numbers were trained; tied ones count once."""
        return sum(p.numel() for p in self.run.predictor.network.parameters())

    @property
    def minutes(self) -> float:
        """Training time, without evaluations and checkpoints."""
        return self.outcome.seconds / 60

    @property
    def milliseconds(self) -> float:
        """Training time of a step."""
        return 1000 * self.outcome.seconds / self.outcome.step

    def scores(self, metric: str) -> dict[str, float]:
        """A metric of the best weights, by split of the run's own data."""
        return {s.split: s.value for s in self.run.evaluate() if s.metric == metric}


def data_file(dataset: str, file: str) -> Path:
    """A file of a data set, below the folder that the environment names as ELMAN_DATA.

    Raises:
        InputError: the variable is not set, or the file is not there.
    """
    root = os.environ.get("ELMAN_DATA")
    if not root:
        raise InputError(
            "ELMAN_DATA is not set; let it name the folder that"
            f" `elman data get {dataset}` fetched to"
        )
    folders = (dataset, *OTHER_NAMES.get(dataset, ()))
    paths = [Path(root, folder, file) for folder in folders]
    found = next((path for path in paths if path.is_file()), None)
    if found is None:
        raise InputError(f"{paths[0]}: there is no such file; ELMAN_DATA is {root}")
    return found


def task_of(recipe: Path) -> str:
    """The task that a recipe is for."""
    tree = tomllib.loads(recipe.read_text(encoding="utf-8"))
    return str(tree.get("elman", {}).get("task", TASK))


def train(
    recipe: str,
    data: Sequence[Path],
    name: str,
    options: Options,
    **settings: Any,
) -> Trained:
    """Train the recipe on `data` in `options.out / name`; a run that is there goes on.

    A run that has ended is only loaded. `settings` beat the recipe, whose table `elman` names the
    task, where it is not a language model.

    Raises:
        InputError: the run that is there has other settings.
    """
    folder, file = options.out / name, RECIPES / f"{recipe}.toml"
    task = task_of(file)
    kind = runs.task_class(task)
    settings |= {"threads": options.threads}
    config = configure(kind.Config, settings, file)
    if (folder / "config.toml").exists():
        run, checkpoint = runs.reopen(folder)
        if run.task.config != config:
            raise InputError(
                f"{folder}: a run with other settings than {recipe}.toml and these flags;"
                " remove it or choose another --out"
            )
    else:
        run, checkpoint = runs.begin(task, list(data), folder, config), None
        sys.stderr.write("\n".join(run.task.describe()) + "\n")
    sys.stderr.write(f"{name}: {f'goes on from {checkpoint.name}' if checkpoint else 'begins'}\n")
    run, outcome = runs.fit(run, open_log(sys.stderr, kind.counted), resume_from=checkpoint)
    return Trained(run, outcome, read_run(run.directory.metrics_path))

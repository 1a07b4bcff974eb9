"""From data to a run and back: begin, fit, resume, load. The command line is made of these."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from torch import nn

from elman.diagnostics.diagnosis import Diagnosis, diagnose_specimen
from elman.diagnostics.reading import Reading
from elman.errors import InputError
from elman.streaming.stream import Steppable, Stream
from elman.tasks.abilities import Diagnosable, Reads, Writes
from elman.tasks.cells import is_custom
from elman.tasks.configure import configure, validated
from elman.tasks.generation import Generation, Request
from elman.tasks.task import FrontEnd, Given, Options, Record, Report, Score, Task
from elman.tasks.watch import GradientWatch
from elman.tasks.watch_plot import draw
from elman.training import loop
from elman.training.checkpoint import load_model
from elman.training.config import TrainingConfig
from elman.training.contracts import Observer
from elman.training.log import Log, QuietLog
from elman.training.loop import Outcome
from elman.training.machine import seed_everything, use_device
from elman.training.run_directory import RunDirectory

TASKS: dict[str, str] = {
    "language-model": "elman.tasks.language_model:LanguageModelTask",
    "sentiment": "elman.tasks.classify.task:SentimentTask",
    "classify": "elman.tasks.classify.task:ClassifyTask",
    "translation": "elman.tasks.translation.task:TranslationTask",
    "forecast": "elman.tasks.forecast.task:ForecastTask",
    "memory": "elman.tasks.memory:MemoryTask",
}

Paths = str | Path | Sequence[str | Path]


@dataclass(frozen=True)
class Run:
    """A task with a model: trained and loaded again, or about to be trained."""

    task: Task
    model: nn.Module

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.task.run.path

    def evaluate(self, data: Paths = (), **options: Any) -> list[Score]:
        """The task's metrics on the run's own held-out data, or on other files."""
        return list(self.report(data, **options).scores)

    def report(self, data: Paths = (), **options: Any) -> Report:
        """The same with what the numbers mean.

        Args:
            data: other files; by default the run's own held-out data.
            options: the fields of the task's `Evaluation`.

        Raises:
            InputError: data that can't be read, or an option that the task does not have.
        """
        chosen = self.options(self.task.Evaluation, options)
        return self.task.evaluate(self.model, _paths(data), chosen)

    def predict(
        self, data: str | Path | Iterable[str] | None = None, **options: Any
    ) -> Iterator[Record]:
        """The model applied to a file or to lines, a row at a time.

        Args:
            data: a path, or the lines themselves.
            options: the fields of the task's `Prediction`.

        Raises:
            InputError: data that can't be read, or an option that the task does not have.
        """
        chosen = self.options(self.task.Prediction, options)
        if isinstance(data, str | Path):
            given = Given(Path(data))
        else:
            given = Given(None, () if data is None else data)
        return self.task.predict(self.model, given, chosen)

    def options(self, kind: type[Options], given: Mapping[str, Any]) -> Options:
        """What one use of the run was told, checked.

        Raises:
            InputError: a field that the task does not have, or a value that does not fit.
        """
        for name in given:
            if name not in kind.model_fields:
                flag = name.replace("_", "-")
                raise InputError(f"--{flag}: a {self.task.name} run has no such setting here")
        return validated(kind, {}, given, str(self.path))

    def generate(self, prompt: str = "", length: int = 500, **options: Any) -> Generation:
        """What the model goes on to write after `prompt`; iterate over it, or `read()` it.

        Args:
            prompt: what stands before.
            length: tokens to draw.
            options: the other fields of `elman.tasks.generation.Request`.

        Raises:
            InputError: a task that doesn't write, or an option out of range.
        """
        if not hasattr(self.task, "generate"):
            raise InputError(f"{self.path}: a {self.task.name} run does not write text")
        request = Request(prompt, length, **options)
        return cast("Writes", self.task).generate(self.model, request)

    def read(self, text: str | None = None) -> Reading:
        """The states and gates after each step, and what was expected; see `Reading`.

        Args:
            text: what is read; None for a task that reads data of its own.

        Raises:
            InputError: a task that can't be shown, a text that is missing, empty, too long, or
                not what the task reads.
        """
        if not hasattr(self.task, "read"):
            raise InputError(f"{self.path}: a {self.task.name} run cannot be shown")
        return cast("Reads", self.task).read(self.model, text)

    def diagnose(
        self,
        data: str | Path | None = None,
        *,
        max_lag: int | None = None,
        needs: int | None = None,
    ) -> Diagnosis:
        """How far the memory of the model reaches, why, and what to do; see `elman.diagnose`.

        Args:
            data: a file of the task's kind; by default the run's validation data.
            max_lag: the largest lag to look at; by default what suits the truncation.
            needs: the lag that the task needs, where the task does not say so itself.

        Raises:
            InputError: data shorter than the lags, or a task that can't be diagnosed.
        """
        if not hasattr(self.task, "specimen"):
            raise InputError(f"{self.path}: a {self.task.name} run cannot be diagnosed")
        path = None if data is None else Path(data)
        task = cast("Diagnosable", self.task)
        specimen = task.specimen(self.model, path, max_lag=max_lag, needs=needs)
        return diagnose_specimen(specimen, max_lag=max_lag)

    def stream(self, **options: Any) -> FrontEnd:
        """The model as something that text is pushed into, step by step.

        Args:
            options: the fields of the task's `Streaming`.

        Raises:
            InputError: an option that the task does not have.
        """
        return self.task.stream(self.model, self.options(self.task.Streaming, options))


def begin(task: str, data: Paths, out: str | Path, config: TrainingConfig) -> Run:
    """Read the data into a new run directory and build the model; nothing is trained yet.

    Raises:
        InputError: data, settings or a place that can't be used. Nothing is left behind then.
    """
    kind = task_class(task)
    use_device(config.device)
    out = Path(out)
    existed = out.is_dir()
    run = RunDirectory.create(out, task, config.model_dump(mode="json"))
    try:
        bound = kind(config, run)
        bound.prepare(_paths(data))
        return Run(bound, build(bound))
    except BaseException:
        # A folder that was there stays itself: it may be where we are, a link or a mount.
        for path in list(out.iterdir()) if existed else [out]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        raise


def fit(
    run: Run,
    log: Log | None = None,
    observers: Sequence[Observer] = (),
    resume_from: Path | None = None,
) -> tuple[Run, Outcome]:
    """Train until the budget is used; the run with its best weights, and how training ended.

    Raises:
        RunFailed: the loss or a gradient is no longer a number.
        elman.training.signals.Interrupted: a signal came; a checkpoint was written.
    """
    objective, config = run.task.objective(run.model), run.task.config
    outcome = loop.train(
        objective,
        run.task.source(),
        config,
        run.task.run,
        log or QuietLog(),
        [GradientWatch(objective, config), *observers],
        resume_from,
    )
    draw(run.task.run.metrics_path, run.path / "gradients.png")
    load_model(run.task.run.model_path, run.model)
    run.model.eval()
    return run, outcome


def train(
    task: str, data: Paths, out: str | Path, *, config: str | Path | None = None, **settings: Any
) -> Run:
    """Train on `data` and return the run: `elman train` without its printing.

    Args:
        task: such as "language-model".
        data: a file, a folder, or the files of the splits.
        out: the run directory to make.
        config: a TOML file of settings, which `settings` beat.
        settings: the fields of the task's config.

    Raises:
        InputError: anything that can't be worked with.
        RunFailed: training could not go on.
    """
    kind = task_class(task)
    chosen = configure(kind.Config, settings, None if config is None else Path(config))
    return fit(begin(task, data, out, chosen))[0]


def resume(path: str | Path, *, cell: str | None = None, **changes: Any) -> Run:
    """Go on with a run from its latest checkpoint and return it trained.

    Args:
        path: the run directory.
        cell: the class of a run whose cell is the user's own.
        changes: settings of this sitting, such as max_minutes; they are not recorded.
    """
    run, checkpoint = reopen(path, cell=cell, **changes)
    return fit(run, resume_from=checkpoint)[0]


def reopen(path: str | Path, *, cell: str | None = None, **changes: Any) -> tuple[Run, Path | None]:
    """A run to be trained on, and the checkpoint to go on from (None before the first)."""
    task = _open(path, cell, changes)
    return Run(task, build(task)), task.run.latest_checkpoint()


def load(path: str | Path, *, cell: str | None = None, device: str | None = None) -> Run:
    """A trained run with its best weights.

    Args:
        path: the run directory.
        cell: the class, `package.module:Class`, of a run whose cell is the user's own; such code
            is only ever loaded when it is named here.
        device: where to run it; by default where it was trained.

    Raises:
        InputError: no run, one of another version, no weights yet, or damaged files.
    """
    task = _open(path, cell, {} if device is None else {"device": device})
    weights = task.run.model_path
    if not weights.exists():
        raise InputError(f"{path}: has no weights yet; go on with `elman resume {path}`")
    model = build(task)
    load_model(weights, model)
    return Run(task, model.to(task.config.device).eval())


def stream(source: Run | str | Path | Steppable, **options: Any) -> FrontEnd | Stream:
    """A stream over a run (text in, records out) or over any model (items in, outputs out).

    Args:
        source: a `Run`, the path of one, or a model with `initial_state` and `step`.
        options: for a run the fields of its task's `Streaming`, for a model those of
            `elman.streaming.stream.Stream`.
    """
    if isinstance(source, str | Path):
        source = load(source)
    if isinstance(source, Run):
        return source.stream(**options)
    return Stream(source, **options)


def task_class(name: str) -> type[Task]:
    """The task of that name.

    Raises:
        InputError: there is none.
    """
    if name not in TASKS:
        raise InputError(f"{name}: no such task; choose from {', '.join(TASKS)}")
    module, _, attribute = TASKS[name].partition(":")
    return cast("type[Task]", getattr(importlib.import_module(module), attribute))


def _open(path: str | Path, cell: str | None, changes: Mapping[str, Any]) -> Task:
    run = RunDirectory.open(path)
    name, settings = run.read_config()
    kind = task_class(name)
    config = validated(kind.Config, settings, changes, str(run.config_path))
    recorded = str(getattr(config, "cell", ""))
    if is_custom(recorded) and cell is None:
        raise InputError(
            f"{path}: its cell is code of one's own; give --cell {recorded} to load and run it"
        )
    if cell is not None and cell != recorded:
        if not is_custom(recorded):
            raise InputError(f"--cell {cell}: {path} was trained with {recorded}; leave it out")
        config = config.model_copy(update={"cell": cell})
    use_device(config.device)
    return kind(config, run)


def build(task: Task) -> nn.Module:
    """The model of a task, with the weights that its config's seed draws.

    Raises:
        InputError: it does not fit into memory.
    """
    seed_everything(task.config.seed)
    try:
        return task.build_model()
    except RuntimeError as error:
        if "alloc" not in str(error):
            raise
        raise InputError(
            "the model does not fit into memory; make --hidden-size, --num-layers or "
            "--vocab-size smaller"
        ) from error


def _paths(data: Paths) -> list[Path]:
    if hasattr(data, "columns"):  # a pandas frame, for a task that reads tables
        return [cast("Path", data)]
    return [Path(data)] if isinstance(data, str | Path) else [Path(item) for item in data]

"""From data to a run and back: begin, fit, resume, open. The command line is made of these.

A run directory holds config.toml, `data/` (what the task prepared), `predictor/` (what `elman.load`
takes), checkpoints and the record of training.
"""

from __future__ import annotations

import math
import shlex
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Generic, Self, final

from typing_extensions import TypeVar

from elman.checksums import check_listed, write_list
from elman.data.given import Data, Given, given, splits
from elman.diagnostics.activations import Activations
from elman.diagnostics.diagnosis import Diagnosis, diagnose_input
from elman.diagnostics.diagnosis_input import Lags
from elman.errors import InputError, RunFailed
from elman.evaluation.report import Report, Score
from elman.files import as_path, full_disk
from elman.machine import seed_everything, use_device
from elman.models.cells import is_custom, trusted_code
from elman.predictors.predictor import Predictor, load, write_parts
from elman.settings import configure, validated
from elman.streaming.session import Session
from elman.streaming.stream import Steppable, Stream
from elman.tasks.kept import begin_record, end_record, keep_report, list_record, read_kept
from elman.tasks.network_config import CellConfig
from elman.tasks.record import circumstances
from elman.tasks.task import AnyTask, PredictorT, Task
from elman.tensors import load_model
from elman.training import loop
from elman.training.config import TrainingConfig
from elman.training.contracts import Observer
from elman.training.gradient_watch import GradientWatch
from elman.training.log import Log, QuietLog, read_metrics
from elman.training.loop import Outcome
from elman.training.preparation import own, preparing
from elman.training.run_directory import RunDirectory
from elman.training.run_lock import RunLock
from elman.training.signals import Interrupted

TASKS: dict[str, str] = {
    "language-model": "elman.tasks.language_model.task:LanguageModelTask",
    "sentiment": "elman.tasks.classify.task:SentimentTask",
    "classify": "elman.tasks.classify.task:ClassifyTask",
    "translation": "elman.tasks.translation.task:TranslationTask",
    "forecast": "elman.tasks.forecast.task:ForecastTask",
    "speech": "elman.tasks.speech.task:SpeechTask",
    "video": "elman.tasks.video.task:VideoTask",
    "memory": "elman.tasks.memory.task:MemoryTask",
}


PredictorT_co = TypeVar("PredictorT_co", bound=Predictor, default=Predictor, covariant=True)
ConfigT_co = TypeVar("ConfigT_co", bound=CellConfig, default=CellConfig, covariant=True)


@final
class Run(Generic[PredictorT_co, ConfigT_co]):
    """A training and what came of it; opens the run directory at `path` with its best weights.

    Args:
        path: the run directory.
        cell: the class, `package.module:Class`, of a run whose cell is the user's own.
        device: where to run it; by default where it was trained.

    Attributes:
        path: the run directory.
        task: its settings and data.
        predictor: with the best weights so far; what answers.
        lock: keeps other processes from training it; only a run that is about to be trained has
            one.
        temporary: what removes its folder once no run is held that has it; only a run that was
            trained without `out` has one.

    Raises:
        InputError: no run, one of another format, no weights yet, or damaged files.
    """

    path: Path
    task: AnyTask
    predictor: PredictorT_co
    lock: RunLock | None = None
    temporary: TemporaryPlace | None = None

    def __init__(
        self, path: str | Path, *, cell: str | None = None, device: str | None = None
    ) -> None:
        task = open_task(path, cell, {} if device is None else {"device": device})
        predictor: Any = load(path, cell=cell, device=task.config.device)
        self.path, self.task, self.predictor = as_path(path, "path"), task, predictor

    @classmethod
    def of(cls, path: Path, task: AnyTask, predictor: Any, lock: RunLock | None = None) -> Self:
        """A run whose parts are at hand, such as one that is about to be trained."""
        run = cls.__new__(cls)
        run.path, run.task, run.predictor, run.lock = path, task, predictor, lock
        return run

    def evaluate(self, data: Data | Given | None = None, **options: Any) -> list[Score]:
        """The task's metrics on the run's own held-out data, or on other data."""
        return list(self.report(data, **options).scores)

    def report(self, data: Data | Given | None = None, **options: Any) -> Report:
        """The same with what the numbers mean; figures of the run's own data go into its folder.

        Args:
            data: other data; by default the run's own held-out data.
            options: the fields of the task's `Evaluation`.

        Raises:
            InputError: data that can't be read, or an option that the task does not have.
        """
        chosen = self.predictor.options(self.task.Evaluation, options)
        found = None if data is None else given(data)
        report: Report = self.task.evaluate(self.predictor, found, chosen)
        if found is None:
            keep_report(self.path, self.predictor, report, chosen)
        return report

    def activations(self, sequence: str | Path | None = None) -> Activations:
        """The states and gates after each step, and what was expected; see `Activations`.

        Args:
            sequence: a text that is read, or the path of a recording that is heard; None for a
                task that reads data of its own.

        Raises:
            InputError: a task that can't be shown, a text that is missing, empty or too long.
        """
        return self.task.activations(self.predictor, sequence)

    def diagnose(
        self,
        data: Data | Given | None = None,
        *,
        max_lag: int | None = None,
        needs: int | None = None,
    ) -> Diagnosis:
        """How far the memory of the network reaches, why, and what to do; see `elman.diagnose`.

        Args:
            data: data of the task's kind; by default the run's validation data.
            max_lag: the largest lag to look at; by default what suits the truncation.
            needs: the lag that the task needs, where the task does not say so itself.

        Raises:
            InputError: data shorter than the lags, or a task that can't be diagnosed.
        """
        found = None if data is None else given(data)
        taken = self.task.diagnosis_input(self.predictor, found, Lags(max_lag, needs))
        return diagnose_input(taken, max_lag=max_lag)

    def next_steps(self) -> Sequence[str]:
        """What to type next."""
        return self.task.next_steps(shlex.quote(str(self.path)))

    def resume(self, **changes: Any) -> Self:
        """Train on from the latest checkpoint, as `elman.resume`; the run with its best weights.

        Args:
            changes: settings of this sitting, such as max_minutes; they are not recorded.
        """
        cell = self.task.config.cell
        run = resume(self.path, cell=cell if is_custom(cell) else None, **changes)
        same = type(self).of(run.path, run.task, run.predictor)
        same.temporary = self.temporary
        return same

    @property
    def config(self) -> ConfigT_co:
        """The settings that it was trained with."""
        config: ConfigT_co = self.task.config
        return config

    @property
    def history(self) -> list[dict[str, float | None]]:
        """What training recorded, a mapping a report, oldest first; see `metrics.jsonl`.

        None stands for what was no finite number.
        """
        return read_metrics(self.directory.metrics_path)

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """The scores on the run's own held-out data, such as `metrics["test"]["accuracy"]`.

        They are computed when first asked for, and kept in the run's folder.
        """
        kept = read_kept(self.path)
        if kept is not None and kept.fingerprint == self.predictor.fingerprint:
            values = [(each.split, each.metric, each.value) for each in kept.scores]
        else:
            values = [(each.split, each.metric, each.value) for each in self.evaluate()]
        found: dict[str, dict[str, float]] = {}
        for split, metric, value in values:
            found.setdefault(split, {})[metric] = math.nan if value is None else value
        return found

    @property
    def directory(self) -> RunDirectory:
        """The places inside the run's folder."""
        return RunDirectory(self.path)

    def __repr__(self) -> str:
        weights = sum(p.numel() for p in self.predictor.network.parameters())
        return f"<Run {self.path}: {self.task.name}, {weights:,} weights>"


@final
class TemporaryPlace:
    """A folder that is removed when this is collected, or when Python ends."""

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix="elman-")
        self.path = Path(folder) / "run"
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)


def begin(
    task: str,
    data: Data | Given | None,
    out: str | Path,
    config: TrainingConfig,
    *,
    overwrite: bool = False,
) -> Run:
    """Read the data into a new run directory and make the predictor; nothing is trained yet.

    Where it fails, nothing is left behind, and with `overwrite` the run that was there stays. The
    run belongs to this process until `fit` ends.
    """
    kind = task_class(task)
    use_device(config.device)
    out, lock = as_path(out, "out"), None
    found = None if data is None else given(data)
    with preparing(out, overwrite=overwrite) as preparation:
        place = preparation.place
        prepared = kind.prepare(config, found, place.data)
        write_list(place.data)
        predictor = make(kind(config, prepared), str(out))
        write_parts(place.predictor, predictor.kind, predictor.parts())
        write_list(place.path, {})
        record = circumstances(config, found)
        place.write_config(task, config.model_dump(mode="json"), record)
        lock = preparation.publish()
    try:
        # What is open under the old place is opened again under the new one.
        bound = kind(config, kind.open(config, RunDirectory(out).data))
    except BaseException:
        lock.release()
        raise
    return Run.of(out, bound, predictor, lock)


def fit(
    run: Run,
    log: Log | None = None,
    observers: Sequence[Observer] = (),
    resume_from: Path | None = None,
) -> tuple[Run, Outcome]:
    """Train until the budget is used; the run with its best weights, and how training ended."""
    place, lock = run.directory, run.lock
    with lock if lock is not None and lock.held else own(place):
        try:
            begin_record(place)
            place.go_back_to(resume_from)
            # What only finished weights can tell, such as a calibration, goes before they change.
            write_parts(place.predictor, run.predictor.kind, run.predictor.parts())
            try:
                outcome = _train(run.task, run.predictor, place, log, observers, resume_from)
            except Interrupted:
                list_record(place)
                raise
            end_record(place)
            load_model(place.model_path, run.predictor.network)
            run.predictor.network.eval()
            finished: Predictor = run.task.finish(run.predictor)
            write_parts(place.predictor, finished.kind, finished.parts())
        except OSError as error:
            if full_disk(error) is None:
                raise
            raise RunFailed(
                f"{error}: nothing was half-written; free some space and go on with"
                f" `elman resume {run.path}`"
            ) from error
    return Run.of(run.path, run.task, finished), outcome


def refit(
    task: Task[Any, Any, PredictorT], log: Log | None = None, observers: Sequence[Observer] = ()
) -> tuple[PredictorT, Outcome]:
    """A predictor trained as `task` says, in memory alone: nothing is written anywhere."""
    predictor = make(task)
    outcome = _train(task, predictor, None, log, observers, None)
    predictor.network.eval()
    return task.finish(predictor), outcome


def _train(
    task: AnyTask,
    predictor: Predictor,
    place: RunDirectory | None,
    log: Log | None,
    observers: Sequence[Observer],
    resume_from: Path | None,
) -> Outcome:
    objective = task.objective(predictor)
    watch = GradientWatch(objective, task.config.watch, task.config.cell)
    return loop.train(
        objective,
        task.source(),
        task.config,
        place,
        log or QuietLog(),
        [watch, *observers],
        resume_from,
    )


def train(
    task: str,
    data: Data | Given | None = None,
    out: str | Path | None = None,
    *,
    valid: Data | Given | None = None,
    test: Data | Given | None = None,
    config: str | Path | None = None,
    overwrite: bool = False,
    **settings: Any,
) -> Run:
    """What `elman.train` does, for a task whose name is not known beforehand."""
    kind = task_class(task)
    chosen = configure(kind.Config, settings, None if config is None else as_path(config, "config"))
    if data is None and not (valid is None and test is None):
        raise InputError("valid= and test= without data; give the training data too")
    parts = None if data is None else splits(data, valid, test)
    place = TemporaryPlace() if out is None else None
    target = out if place is None else place.path
    assert target is not None
    run, _ = fit(begin(task, parts, target, chosen, overwrite=overwrite))
    run.temporary = place
    return run


def resume(path: str | Path, *, cell: str | None = None, **changes: Any) -> Run:
    """Go on with a run from its latest checkpoint and return it trained.

    Args:
        path: the run directory.
        cell: the class of a run whose cell is the user's own.
        changes: settings of this sitting, such as max_minutes; they are not recorded.

    Raises:
        InputError: no run, or a checkpoint that can't be used.
        RunFailed: training could not go on.
    """
    run, checkpoint = reopen(path, cell=cell, **changes)
    return fit(run, resume_from=checkpoint)[0]


def reopen(path: str | Path, *, cell: str | None = None, **changes: Any) -> tuple[Run, Path | None]:
    """A run to be trained on, and the checkpoint to go on from (None before the first).

    It belongs to this process until `fit` ends.
    """
    lock = own(RunDirectory(as_path(path, "path")))
    try:
        task = open_task(path, cell, changes)
        run = Run.of(Path(path), task, make(task, str(path)), lock)
        return run, run.directory.usable_checkpoint()
    except BaseException:
        lock.release()
        raise


def open_task(path: str | Path, cell: str | None, changes: Mapping[str, Any]) -> AnyTask:
    """The task of a run directory on its data, with changes of settings."""
    run = RunDirectory(as_path(path, "path"))
    name, settings = run.read_config()
    kind = task_class(name)
    config = validated(kind.Config, settings, changes, str(run.config_path))
    config = config.model_copy(update=trusted_code(str(path), config.model_dump(), cell))
    use_device(config.device)
    check_listed(run.data)
    return kind(config, kind.open(config, run.data))


def stream(
    source: Run | Predictor | str | Path | Steppable, **options: Any
) -> Session[Any, Any] | Stream:
    """A session of a predictor (raw input in, answers out), or a stream over any model.

    Args:
        source: a run, a predictor, the path of either, or a model that has `initial_state` and
            `step`.
        options: for a predictor the fields of its `Streaming`, for a model those of
            `elman.streaming.stream.Stream`.
    """
    if isinstance(source, str | Path):
        source = load(source)
    if isinstance(source, Run):
        source = source.predictor
    if isinstance(source, Predictor):
        return source.session(**options)
    if not isinstance(source, Steppable):
        raise TypeError(
            "source: expected a run, a predictor, the path of one, or a model with initial_state"
            f" and step, got {type(source).__name__}"
        )
    return Stream(source, **options)


def task_class(name: str) -> type[AnyTask]:
    """The task of that name."""
    if not isinstance(name, str):
        raise TypeError(f"task: expected a str, got {type(name).__name__}")
    if name not in TASKS:
        raise InputError(f"{name}: no such task; choose from {', '.join(TASKS)}")
    found: type[AnyTask] = resolve_name(TASKS[name])
    return found


def make(task: Task[Any, Any, PredictorT], name: str = "the predictor") -> PredictorT:
    """The predictor of a task, with the weights that its config's seed draws."""
    seed_everything(task.config.seed)
    try:
        predictor = task.make()
    except RuntimeError as error:
        if "alloc" not in str(error):
            raise
        raise InputError(
            "the model does not fit into memory; make --hidden-size, --num-layers or "
            "--vocab-size smaller"
        ) from error
    predictor.name = name
    return predictor

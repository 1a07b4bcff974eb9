"""Whether a run is what training left: the hashes of its files, and its figures computed again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from elman.checksums import LIST, RESTORE, damaged, fault, is_file_intact, names_in, read_list
from elman.errors import InputError
from elman.files import as_path
from elman.machine import untouched_randomness
from elman.predictors.predictor import HEADER, WEIGHTS, read_parts
from elman.streaming.stream import evaluating
from elman.tasks.kept import read_kept
from elman.tasks.runs import Run
from elman.training.log import WITHOUT, read_metrics
from elman.training.progress import reported_in
from elman.training.run_directory import RunDirectory

TOLERANCE = 1e-3
"""By so much, relatively, a figure may differ on another machine or with other versions."""

_LEAST = 1e-6


@dataclass(frozen=True)
class Comparison:
    """A figure as it was stored and as it is computed now; None for one that is not finite."""

    name: str
    stored: float | None
    computed: float | None

    @property
    def agrees(self) -> bool:
        """Whether both are the same within `TOLERANCE`."""
        if self.stored is None or self.computed is None:
            return self.stored is self.computed
        return math.isclose(self.stored, self.computed, rel_tol=TOLERANCE, abs_tol=_LEAST)


@dataclass(frozen=True)
class Verification:
    """What `verify` found.

    Attributes:
        path: of the run.
        record: what config.toml says of versions, hardware and data.
        intact: files whose content is what was written.
        problems: a line for each file that is missing or damaged.
        unlisted: files that have no checksum, since elman did not write them or training has not
            ended.
        comparisons: stored figures beside those computed now; none where there are problems.
        notes: what was not compared, and why.
    """

    path: Path
    record: Mapping[str, Any]
    intact: tuple[str, ...]
    problems: tuple[str, ...]
    unlisted: tuple[str, ...]
    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether no file is missing or damaged and no figure differs."""
        return not self.problems and all(each.agrees for each in self.comparisons)


def verify(
    path: str | Path, *, metrics: bool = True, cell: str | None = None, device: str | None = None
) -> Verification:
    """Check every file of a run against its checksum, and compute its figures again.

    Args:
        path: the run directory.
        metrics: whether to compute figures; without, only checksums are checked.
        cell: the class, `package.module:Class`, of a run whose cell is the user's own.
        device: where to compute; by default where it was trained.

    Raises:
        InputError: no run, or one of another format.
    """
    place = RunDirectory(as_path(path, "path"))
    if not place.config_path.is_file():
        raise place.why_no_run()
    found: dict[str, str | None] = {}
    for name, problem in _files(place):
        found[name] = found.get(name) or problem
    problems = tuple(problem for problem in found.values() if problem is not None)
    intact = tuple(sorted(name for name, problem in found.items() if problem is None))
    unlisted = tuple(name for name in names_in(place.path) if name not in {LIST, *found})
    record = {} if place.config_path.name not in intact else place.read_record()
    if problems:
        return Verification(place.path, record, intact, problems, unlisted)
    comparisons: list[Comparison] = []
    notes: list[str] = []
    ended = place.metrics_path.name in read_list(place.path)
    if not ended:
        lost = _lost_checkpoint(place)
        notes += [_NOT_ENDED] if lost is None else [_NOT_ENDED, lost]
    if metrics and place.model_path.exists():
        comparisons, more = _figures(Run(path, cell=cell, device=device), ended=ended)
        notes += more
    return Verification(
        place.path, record, intact, problems, unlisted, tuple(comparisons), tuple(notes)
    )


_NOT_ENDED = (
    "training has not ended: lines of metrics.jsonl after the newest checkpoint could be missing"
    " unseen, and the weights may be newer than the last line"
)


def _files(place: RunDirectory) -> Iterator[tuple[str, str | None]]:
    """Each file that has a checksum or should be there, and what is wrong with it.

    A file may come more than once.
    """

    def name(path: Path) -> str:
        return path.relative_to(place.path).as_posix()

    try:
        place.read_config()
        yield name(place.config_path), None
    except InputError as error:
        yield name(place.config_path), str(error)
    for folder in (place.path, place.data, *_lists_below(place)):
        for path, problem in _listed(folder):
            yield name(path), problem
    yield from ((name(path), problem) for path, problem in _predictor(place))
    newest: Path | None = None
    for path in place.all_checkpoints():
        try:
            intact = is_file_intact(path)
        except FileNotFoundError:  # training has just replaced it by a newer one
            continue
        newest = path if intact else newest
        yield name(path), None if intact else str(damaged(path, _OLDER))
    if newest is not None or place.metrics_path.exists():
        wrong = _metrics(place, newest)
        yield name(place.metrics_path), None if wrong is None else str(wrong)
    for inner in sorted(place.path.rglob(place.config_path.name)):
        if inner != place.config_path:  # a run of `elman diagnose --try`
            for below, problem in _files(RunDirectory(inner.parent)):
                yield f"{name(inner.parent)}/{below}", problem


def _metrics(place: RunDirectory, checkpoint: Path | None) -> InputError | None:
    """What is wrong with the record of training, which has what a checkpoint counts on."""
    path = place.metrics_path
    try:
        reported = 0 if checkpoint is None else reported_in(checkpoint)
        records = read_metrics(path)
    except InputError as error:
        return error
    if reported and not path.exists():
        remedy = f"restore it from a copy, or `elman resume {place.path}` goes on without it"
        return InputError(f"{path}: is missing; {remedy}")
    if reported > (records[-1]["step"] if records else 0):
        return damaged(path, WITHOUT, "the end")
    return None


def _lost_checkpoint(place: RunDirectory) -> str | None:
    """A note on a checkpoint that a training without an end has lost; None where all are there."""
    _, settings = place.read_config()
    every, records = settings.get("checkpoint_every"), read_metrics(place.metrics_path)
    if not isinstance(every, int) or every < 1 or not records:
        return None
    expected = (records[-1]["step"] - 1) // every * every
    newest = next(reversed(place.all_checkpoints()), None)
    if expected < 1 or (newest is not None and newest >= place.checkpoint_path(expected)):
        return None
    where = "the beginning" if newest is None else newest.name
    return (
        f"{place.checkpoint_path(expected)}: is not there, though training went on after it;"
        f" `elman resume {place.path}` goes on from {where}"
    )


_OLDER = "restore it from a copy, or delete it to resume from the one before"


def _lists_below(place: RunDirectory) -> Iterator[Path]:
    """The folders that keep a list beside the run's own and that of its data."""
    for path in sorted(place.path.glob(f"*/{LIST}")):
        if path.parent != place.data:
            yield path.parent
    diagnosis = place.path / "diagnosis"
    if not (diagnosis / LIST).exists() and any(names_in(diagnosis)):
        yield diagnosis


def _listed(folder: Path) -> Iterator[tuple[Path, str | None]]:
    remedy = {"diagnosis": "`elman diagnose` writes it again"}.get(folder.name, RESTORE)
    try:
        listed = read_list(folder, remedy)
    except InputError as error:
        yield folder / LIST, str(error)
        return
    yield folder / LIST, None
    for name, hashes in listed.items():
        reason = fault(folder / name, hashes, remedy)
        if reason is not None:  # another process may have replaced the file since the list was read
            reason = fault(folder / name, read_list(folder, remedy).get(name, hashes), remedy)
        yield folder / name, None if reason is None else str(reason)


def _predictor(place: RunDirectory) -> Iterator[tuple[Path, str | None]]:
    header, weights = place.predictor / HEADER, place.predictor / WEIGHTS
    try:
        _, parts = read_parts(place.predictor)
        yield header, None
        yield from ((place.predictor / name, None) for name in parts.files)
    except InputError as error:
        yield header, str(error)
    if weights.exists():
        yield weights, None if is_file_intact(weights) else str(damaged(weights))
    elif place.all_checkpoints() or place.metrics_path.exists():
        yield weights, f"{weights}: is missing; {RESTORE}"


def _figures(run: Run, *, ended: bool) -> tuple[list[Comparison], list[str]]:
    """The validation at the best step and the scores that `evaluate` stored, computed again.

    Before training has `ended`, the weights may be those of a validation that is not recorded yet.
    """
    comparisons, notes = [], []
    evaluations = [record for record in run.history if "validation_loss" in record]
    known = [
        (loss, record) for record in evaluations if (loss := record["validation_loss"]) is not None
    ]
    if ended and known:
        _, best = min(known, key=lambda pair: pair[0])
        objective = run.task.objective(run.predictor)
        with evaluating(objective.model), untouched_randomness(), torch.no_grad():
            scores = objective.evaluate()
        comparisons += [
            Comparison(f"validation {name}", best[key], _finite(value))
            for name, value in scores.items()
            if (key := f"validation_{name}") in best
        ]
    elif ended:
        notes.append("metrics.jsonl has no evaluation to compare with")
    kept = read_kept(run.path)
    if kept is None:
        notes.append(f"no scores are stored; `elman evaluate {run.path}` stores them")
    elif kept.fingerprint != run.predictor.fingerprint:
        notes.append(
            f"the stored scores are of earlier weights; `elman evaluate {run.path}` renews them"
        )
    else:
        computed = run.task.evaluate(run.predictor, None, run.task.Evaluation())
        values = {(s.split, s.metric): _finite(s.value) for s in computed.scores}
        comparisons += [
            Comparison(f"{s.split} {s.metric}", s.value, values.get((s.split, s.metric)))
            for s in kept.scores
        ]
    return comparisons, notes


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

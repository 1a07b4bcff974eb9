"""`elman diagnose --try`: train what the verdicts suggest for a while, beside the original."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from elman.data.given import Given
from elman.diagnostics.diagnosis import Diagnosis, diagnose_input
from elman.diagnostics.diagnosis_input import Lags
from elman.diagnostics.reach import Reach
from elman.errors import InputError, RunFailed
from elman.predictors.predictor import HEADER
from elman.settings import validated
from elman.streaming.stream import evaluating
from elman.tasks.runs import Run, refit
from elman.tasks.task import AnyTask

MOST_STEPS = 1000
MOST_REMEDIES = 3
ORIGINAL = "as it is"


@dataclass(frozen=True)
class Attempt:
    """One training of a run's task with some settings changed.

    Attributes:
        name: the changed settings in words, or `ORIGINAL`.
        updates: of the weights; fewer than allowed where the task was solved before.
        scores: on the validation data at the end.
        solved: whether nothing is left to learn, or None for a task that never says so.
        reach: the longest by gradient.
        failed: why training could not go on; there is nothing else then.
    """

    name: str
    updates: int = 0
    seconds: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)
    solved: bool | None = None
    reach: Reach | None = None
    verdicts: tuple[str, ...] = ()
    failed: str | None = None


def remedies(task: AnyTask, diagnosis: Diagnosis) -> list[dict[str, Any]]:
    """The changes of settings that the verdicts suggest, each once; then all together."""
    config = task.config
    found: list[dict[str, Any]] = []
    for verdict in diagnosis.verdicts:
        changes = {
            name: value
            for name, value in verdict.settings.items()
            if name in type(config).model_fields and getattr(config, name) != value
        }
        # They are two ways to set the same biases.
        if "forget_bias" in changes and config.chrono is not None:
            changes["chrono"] = None
        if "chrono" in changes and config.forget_bias is not None:
            changes["forget_bias"] = None
        if changes and changes not in found:
            found.append(changes)
    if not found:
        names = ", ".join(verdict.name for verdict in diagnosis.verdicts)
        if all(verdict.is_healthy for verdict in diagnosis.verdicts):
            raise InputError("--try: the verdict is healthy; there is nothing to try")
        raise InputError(
            f"--try: nothing to try where the verdict is {names}; no setting of the task"
            f" {task.name} is a remedy"
        )
    found = found[:MOST_REMEDIES]
    together = {name: value for changes in reversed(found) for name, value in changes.items()}
    if together.get("chrono") is not None:
        together.pop("forget_bias", None)
    return found if together in found else [*found, together]


def try_remedies(
    run: Run,
    diagnosis: Diagnosis,
    out: Path,
    *,
    max_steps: int | None = None,
    data: Given | None = None,
    report: Callable[[Attempt], None] = lambda attempt: None,
) -> list[Attempt]:
    """Train the original and each remedy afresh, with the same seed, data and limit of updates.

    The predictors go to the folder `out`, from which those of an earlier trial are removed. The
    limit is `max_steps`, by default that of the run, `MOST_STEPS` at most. `data` is diagnosed
    afterwards, as in `Run.diagnose`, and `report` is called with each attempt when it is over.
    """
    task: AnyTask = run.task
    changes = remedies(task, diagnosis)
    _clear(out)
    steps = max_steps or min(task.config.max_steps, MOST_STEPS)
    budget = {
        "max_steps": steps,
        "eval_every": min(task.config.eval_every, steps),
        "checkpoint_every": steps,
        "patience": 0,
    }
    needs = diagnosis.measured.needs
    attempts = []
    for number, change in enumerate([{}, *changes]):
        changed = variant(task, {**budget, **change})
        attempts.append(_attempt(changed, change, out / str(number), data, needs))
        report(attempts[-1])
    return attempts


def _clear(out: Path) -> None:
    """Remove the predictors of an earlier trial, and nothing else."""
    if not out.exists():
        return
    for path in [out] if not out.is_dir() else out.iterdir():
        if not (path.name.isdigit() and (path / HEADER).is_file()):
            raise InputError(
                f"{path}: --try did not leave this there and will not remove it; move it away, or"
                " give another --out"
            )
    shutil.rmtree(out)


def table(attempts: Sequence[Attempt]) -> tuple[list[str], list[list[str]]]:
    """Head and rows, for people."""
    shown = list(dict.fromkeys(name for one in attempts for name in one.scores))
    known = any(one.solved is not None for one in attempts)
    answers = ["solved"] if known else []
    head = ["settings", "updates", "seconds", *shown, *answers, "reach", "then"]
    rows = []
    for one in attempts:
        answer = ["yes" if one.solved else "no"] if known else []
        values = [f"{one.scores[name]:.4g}" if name in one.scores else "-" for name in shown]
        reach = "-" if one.reach is None else f"{'≥ ' * one.reach.censored}{one.reach.steps:.1f}"
        then = one.failed or ", ".join(one.verdicts)
        took = (str(one.updates), f"{one.seconds:.0f}")
        rows.append([one.name, *took, *values, *answer, reach, then])
    return head, rows


def _attempt(
    task: AnyTask, change: Mapping[str, Any], out: Path, data: Given | None, needs: int | None
) -> Attempt:
    parts = [f"{key}={value}" for key, value in change.items() if value is not None]
    name = ", ".join(parts) or ORIGINAL
    try:
        predictor, outcome = refit(task)
    except RunFailed as error:
        return Attempt(name, failed=str(error))
    predictor.save(out)
    with evaluating(predictor.network), torch.no_grad():
        scores = dict(task.objective(predictor).evaluate())
    solved = scores.pop("solved", None)
    after = diagnose_input(task.diagnosis_input(predictor, data, Lags(needs=needs)))
    reach = max((layer.reach for layer in after.measured.layers), key=lambda r: r.steps)
    answer = None if solved is None else bool(solved)
    verdicts = tuple(dict.fromkeys(verdict.name for verdict in after.verdicts))
    return Attempt(name, outcome.step, outcome.seconds, scores, answer, reach, verdicts)


def variant(task: AnyTask, changes: Mapping[str, Any]) -> AnyTask:
    """The same data under other settings; one that is changed to None goes back to its default."""
    given = {name: value for name, value in changes.items() if value is not None}
    kept = task.config.model_dump(mode="json", exclude_none=True, exclude=set(changes))
    return type(task)(validated(type(task.config), kept, given, "--try"), task.data)

"""`elman diagnose --try`: train what the verdicts suggest for a while, beside the original."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from elman.diagnostics.diagnosis import Diagnosis
from elman.diagnostics.reach import Reach
from elman.errors import InputError, RunFailed
from elman.settings import validated
from elman.streaming.stream import evaluating
from elman.tasks.runs import Run, build, fit
from elman.training.run_directory import RunDirectory

MOST_STEPS = 1000
MOST_MENDS = 3
ORIGINAL = "as it is"


@dataclass(frozen=True)
class Attempt:
    """One training of a run's task with some settings changed.

    Attributes:
        name: the settings in words, or `ORIGINAL`.
        settings: what was changed.
        updates: of the weights; fewer than allowed where the task was solved before.
        seconds: of training.
        scores: of the validation data, in the end; empty where training failed.
        solved: whether the task says that nothing is left to learn, or None where it never says.
        reach: the longest by gradient, or None where training failed.
        verdicts: the names of what still ails it.
        failed: why training could not go on, or None.
    """

    name: str
    settings: Mapping[str, object]
    updates: int
    seconds: float
    scores: Mapping[str, float]
    solved: bool | None
    reach: Reach | None
    verdicts: tuple[str, ...]
    failed: str | None = None


def mends(run: Run, diagnosis: Diagnosis) -> list[dict[str, Any]]:
    """The changes of settings that the verdicts on `run` suggest, each once; then all together.

    Raises:
        InputError: none can be said in this task's settings.
    """
    config = run.task.config
    found: list[dict[str, Any]] = []
    for verdict in diagnosis.verdicts:
        changes = {
            name: value
            for name, value in verdict.settings.items()
            if name in type(config).model_fields and getattr(config, name) != value
        }
        # They are two ways to set the same biases.
        for one, other in (("forget_bias", "chrono"), ("chrono", "forget_bias")):
            if one in changes and getattr(config, other, None) is not None:
                changes[other] = None
        if changes and changes not in found:
            found.append(changes)
    if not found:
        names = ", ".join(verdict.name for verdict in diagnosis.verdicts)
        raise InputError(
            f"--try: nothing to try for {run.path}, whose verdict is {names}; no setting of the"
            f" task {run.task.name} would mend it"
        )
    found = found[:MOST_MENDS]
    together = {name: value for changes in reversed(found) for name, value in changes.items()}
    if together.get("chrono") is not None:
        together.pop("forget_bias", None)
    return found if together in found else [*found, together]


def try_mends(
    run: Run,
    diagnosis: Diagnosis,
    out: Path,
    *,
    max_steps: int | None = None,
    data: Path | None = None,
    told: Callable[[Attempt], None] = lambda attempt: None,
) -> list[Attempt]:
    """Train the original and each mend afresh, with the same seed, data and limit of updates.

    Args:
        run: what was diagnosed.
        diagnosis: with the verdicts.
        out: a folder for the runs; those of an earlier trial there are removed.
        max_steps: updates of each at most; by default those of the run, `MOST_STEPS` at most.
        data: what is diagnosed afterwards, as in `Run.diagnose`.
        told: is told of each attempt when it is over.

    Raises:
        InputError: there is nothing to try, or `out` holds something else.
    """
    changes = mends(run, diagnosis)
    _clear(out)
    steps = max_steps or min(run.task.config.max_steps, MOST_STEPS)
    budget = {
        "max_steps": steps,
        "eval_every": min(run.task.config.eval_every, steps),
        "checkpoint_every": steps,
        "patience": 0,
    }
    needs = diagnosis.measured.needs
    attempts = []
    for number, change in enumerate([{}, *changes]):
        name = ", ".join(f"{key}={value}" for key, value in change.items() if value is not None)
        attempt = _attempt(
            run, name or ORIGINAL, change, budget, out / str(number), needs=needs, data=data
        )
        told(attempt)
        attempts.append(attempt)
    return attempts


def _clear(out: Path) -> None:
    """Take away the runs of an earlier trial, and nothing that anybody else put there."""
    if not out.exists():
        return
    for path in [out] if not out.is_dir() else out.iterdir():
        if not (path.name.isdigit() and (path / "config.toml").is_file()):
            raise InputError(
                f"{path}: --try did not leave this there and will not remove it; move it away, or"
                " give another --out"
            )
    shutil.rmtree(out)


def table(attempts: Sequence[Attempt]) -> tuple[list[str], list[list[str]]]:
    """Head and rows, for people."""
    scores = list(dict.fromkeys(name for one in attempts for name in one.scores))
    shown = [name for name in scores if name != "solved"]
    says = any(one.solved is not None for one in attempts)
    head = [
        "settings",
        "updates",
        "seconds",
        *shown,
        *(["solved"] if says else []),
        "reach",
        "then",
    ]
    rows = []
    for one in attempts:
        answer = ["yes" if one.solved else "no"] if says else []
        values = [f"{one.scores[name]:.4g}" if name in one.scores else "-" for name in shown]
        reach = "-" if one.reach is None else f"{'≥ ' * one.reach.censored}{one.reach.steps:.1f}"
        then = one.failed or ", ".join(one.verdicts)
        rows.append(
            [one.name, str(one.updates), f"{one.seconds:.0f}", *values, *answer, reach, then]
        )
    return head, rows


def _attempt(
    run: Run,
    name: str,
    change: Mapping[str, Any],
    budget: Mapping[str, Any],
    out: Path,
    *,
    needs: int | None,
    data: Path | None,
) -> Attempt:
    fresh = variant(run, out, {**budget, **change})
    try:
        trained, outcome = fit(fresh)
    except RunFailed as error:
        return Attempt(name, change, 0, 0.0, {}, None, None, (), str(error))
    with evaluating(trained.model), torch.no_grad():
        scores = dict(trained.task.objective(trained.model).evaluate())
    solved = scores.pop("solved", None)
    after = trained.diagnose(data, needs=needs)
    reach = max((layer.reach for layer in after.measured.layers), key=lambda r: r.steps)
    return Attempt(
        name,
        change,
        outcome.step,
        outcome.seconds,
        scores,
        None if solved is None else bool(solved),
        reach,
        tuple(dict.fromkeys(verdict.name for verdict in after.verdicts)),
    )


def variant(run: Run, out: Path, changes: Mapping[str, Any]) -> Run:
    """The task of `run` on the same data with other settings, untrained, in a new run directory.

    A setting changed to None goes back to its default.

    Raises:
        InputError: settings that the task does not have, or a place that can't be used.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    kept = run.task.config.model_dump(mode="json", exclude_none=True)
    kept = {name: value for name, value in kept.items() if name not in changes}
    config = validated(type(run.task.config), kept, given, str(run.task.run.config_path))
    place = RunDirectory.create(out, run.task.name, config.model_dump(mode="json"))
    # What `prepare` made of the data: all that neither training nor a diagnosis has left.
    trained = {"config.toml", "model.safetensors", "metrics.jsonl", "checkpoints", "tensorboard"}
    within = Path(out).resolve().parents
    for prepared in run.path.iterdir():
        if prepared.name in trained or prepared.resolve() in within:
            continue
        if prepared.is_dir():
            shutil.copytree(prepared, place.path / prepared.name)
        else:
            shutil.copy2(prepared, place.path / prepared.name)
    task = type(run.task)(config, place)
    return Run(task, build(task))

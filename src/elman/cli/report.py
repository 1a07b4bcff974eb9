"""What `train`, `resume` and `demo` tell before and after."""

from __future__ import annotations

from collections.abc import Sequence

from elman.tasks.runs import Run
from elman.tasks.task import Score
from elman.training.loop import Outcome


def announce(run: Run) -> None:
    """What was read, and the model that will be trained on it."""
    for line in run.task.describe():
        print(line)
    parameters = sum(p.numel() for p in run.model.parameters())
    steps = run.task.source().steps_per_epoch
    print(f"model {parameters:,} parameters, on {run.task.config.device}")
    print(
        f"training up to {run.task.config.max_steps:,} steps, {steps:,} steps an epoch; "
        f"the run is {run.path}",
        flush=True,
    )


def conclude(run: Run, outcome: Outcome) -> None:
    """How training ended, the scores of the best weights, and what to type next."""
    print(
        f"stopped by {outcome.reason} after {outcome.step:,} steps and "
        f"{outcome.seconds / 60:.1f} minutes of training; best at step {outcome.best_step:,}"
    )
    print_scores(run.evaluate())
    print("\nnext:")
    for line in run.task.next_steps():
        print(f"  {line}")


def print_scores(scores: Sequence[Score]) -> None:
    """A table, each number with its unit."""
    width = max((len(score.split) for score in scores), default=0)
    for score in scores:
        print(f"{score.split:<{width}}  {score.metric:<10} {score.value:>10.4f} {score.unit}")

"""What `train`, `resume` and `demo` print before and after training."""

from __future__ import annotations

import shutil
import sys
from textwrap import fill

from elman.evaluation.report import Report
from elman.numbers import significant
from elman.tasks.runs import Run
from elman.training.loop import Outcome


def announce(run: Run) -> None:
    """What was read, and the model that will be trained on it."""
    for line in run.task.describe():
        print(line)
    parameters = sum(p.numel() for p in run.predictor.network.parameters())
    steps = run.task.source().steps_per_epoch
    print(f"model {parameters:,} parameters, on {run.task.config.device}")
    print(
        f"training up to {run.task.config.max_steps:,} steps, {steps:,} steps an epoch; "
        f"the run is {run.path}",
        flush=True,
    )


def conclude(run: Run, outcome: Outcome) -> None:
    """How training ended, the scores of the best weights, and which commands come next."""
    print(
        f"stopped by {outcome.reason} after {outcome.step:,} steps and "
        f"{outcome.seconds / 60:.1f} minutes of training; best at step {outcome.best_step:,}"
    )
    print_report(run.report())
    print("\nnext:")
    for line in run.next_steps():
        print(f"  {line}")


def print_report(report: Report) -> None:
    """What was found in words, then a table, each number with its unit."""
    wrapped = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in report.verdict:
        print(line if wrapped is None else fill(line, wrapped, subsequent_indent="  "))
    split = max((len(score.split) for score in report.scores), default=0)
    metric = max((len(score.metric) for score in report.scores), default=0)
    for score in report.scores:
        value = f"{significant(score.value):>10} {score.unit}".rstrip()
        print(f"{score.split:<{split}}  {score.metric:<{max(metric, 10)}} {value}")

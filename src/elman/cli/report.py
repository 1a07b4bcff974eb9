"""What `train`, `resume` and `demo` print before and after training."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from textwrap import fill
from typing import TextIO, final

from elman.evaluation.report import Report
from elman.numbers import significant
from elman.tasks.runs import Run
from elman.training.loop import Outcome


@contextmanager
def reading() -> Iterator[Collection[str]]:
    """Print what a task says while it reads data, and yield the lines that were printed.

    What was read goes to standard output, what is being done to standard error.
    """
    found = _Lines(sys.stdout)
    handlers = {"elman.data": found, "elman.progress": _Lines(sys.stderr)}
    levels = {name: logging.getLogger(name).level for name in handlers}
    for name, handler in handlers.items():
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        yield found.lines
    finally:
        for name, handler in handlers.items():
            logging.getLogger(name).removeHandler(handler)
            logging.getLogger(name).setLevel(levels[name])


@final
class _Lines(logging.Handler):
    """Prints lines as they are, and keeps them."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        print(record.getMessage(), file=self._stream, flush=True)


def announce(run: Run, printed: Collection[str] = ()) -> None:
    """What was read, but for the lines printed already, and the model that will be trained."""
    for line in run.task.describe():
        if line not in printed:
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
        print(line if wrapped is None else _wrapped(line, wrapped))
    split = max((len(score.split) for score in report.scores), default=0)
    metric = max((len(score.metric) for score in report.scores), default=0)
    for score in report.scores:
        value = f"{significant(score.value):>10} {score.unit}".rstrip()
        print(f"{score.split:<{split}}  {score.metric:<{max(metric, 10)}} {value}")


def _wrapped(line: str, width: int) -> str:
    return fill(line, width, subsequent_indent="  ", break_on_hyphens=False)

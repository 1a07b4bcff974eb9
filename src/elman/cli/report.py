"""What `train`, `resume` and `demo` print before and after training."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from textwrap import fill, wrap
from typing import TextIO, final

from elman.evaluation.report import Report
from elman.numbers import measured
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
    """Prints lines, as wide as the terminal is, and keeps them as they are."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        print(_fitted(record.getMessage(), self._stream), file=self._stream, flush=True)


def announce(run: Run, printed: Collection[str] = ()) -> None:
    """What was read, but for the lines printed already, and the model that will be trained."""
    for line in run.task.describe():
        if line not in printed:
            print(_fitted(line, sys.stdout))
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
    took = outcome.seconds
    print(
        f"stopped by {outcome.reason} after {outcome.step:,} steps and "
        f"{f'{took:.1f} seconds' if took < 60 else f'{took / 60:.1f} minutes'} of training; "
        f"best at step {outcome.best_step:,}"
    )
    print_report(run.report())
    print("\nnext:")
    for line in run.next_steps():
        print(f"  {line}")


def print_report(report: Report) -> None:
    """What was found in words, then a table, each number with its unit."""
    for line in report.verdict:
        print(_fitted(line, sys.stdout))
    split = max((len(score.split) for score in report.scores), default=0)
    unit = max((len(score.unit) for score in report.scores), default=0)
    metric = max(10, *(len(score.metric) for score in report.scores), 0)
    if sys.stdout.isatty():
        metric = min(metric, max(20, _width() - split - unit - 14))
    for score in report.scores:
        *above, name = wrap(score.metric, metric, subsequent_indent="  ") or [""]
        value = f"{measured(score.value):>10} {score.unit}".rstrip()
        for part in above:
            print(f"{score.split:<{split}}  {part}")
        print(f"{'' if above else score.split:<{split}}  {name:<{metric}} {value}")


def _fitted(line: str, stream: TextIO) -> str:
    """`line` as wide as the terminal, or as it is where `stream` is none."""
    if not stream.isatty():
        return line
    return fill(line, _width(), subsequent_indent="  ", break_on_hyphens=False)


def _width() -> int:
    return shutil.get_terminal_size().columns

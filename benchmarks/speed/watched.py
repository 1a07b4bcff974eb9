"""What watching the gradients costs at its default: the share of the time of a training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks.quality.running import RECIPES, TASK
from benchmarks.results import circumstances, table, write_section
from benchmarks.speed.options import Options
from benchmarks.speed.training_step import RECIPE, random_text
from benchmarks.speed.verify import tests_pass
from elman.settings import configure
from elman.tasks import runs
from elman.training import gradient_watch as watch
from elman.training import loop
from elman.training.contracts import Observation, StepEvent
from elman.training.log import QuietLog

TITLE = "Speed: watching the gradients"
AIM = 0.02
SECONDS = 60.0
"""Of training; a measurement waits until it fits into its share, so a short run says nothing."""
NETWORKS: Mapping[str, Mapping[str, Any]] = {
    "the recipe": {},
    "LSTM, 2 layers of 128": {"hidden_size": 128, "num_layers": 2},
    "RNN, 1 layer of 128": {"cell": "rnn", "hidden_size": 128},
}


class Timed:
    """A watch, with the time that it takes."""

    def __init__(self, watching: watch.GradientWatch) -> None:
        self._watching = watching
        self.seconds, self.measured = 0.0, 0

    def after_backward(self, event: StepEvent) -> Observation | None:
        """What the watch says."""
        began = perf_counter()
        seen = self._watching.after_backward(event)
        self.seconds += perf_counter() - began
        self.measured += seen is not None
        return seen


def watched(options: Options) -> None:
    """Write the section.

    Raises:
        RunFailed: a test is red.
    """
    tests_pass(options.out)
    threads = max(options.threads)
    rows = []
    for name, settings in NETWORKS.items():
        steps, seconds, timed = trained({**settings, "threads": threads})
        share = timed.seconds / seconds
        met = "met" if share <= AIM else "missed"
        rows.append([name, str(steps), str(timed.measured), f"{share:.2%}", f"≤ {AIM:.0%}", met])
    columns = ["network", "steps", "measurements", "share of the time", "aim", "verdict"]
    text = f"""\
{SECONDS:g} seconds of training with {RECIPE}.toml on random characters, and with the same for other
networks; `--watch` as it is by default. The share is the time within the watch over the time of all
steps.

{table(columns, rows)}

{circumstances(options.command, threads)}"""
    print(f"## {TITLE}\n\n{text}")
    if options.results is not None:
        write_section(TITLE, text, options.results)


def trained(settings: Mapping[str, Any]) -> tuple[int, float, Timed]:
    """Steps, seconds of training and the watch of a run that is thrown away."""
    limits = {
        "max_minutes": SECONDS / 60, "max_steps": 10**6, "eval_every": 10**6,
        "checkpoint_every": 10**6, "eval_tokens": 1000,
    }  # fmt: skip
    with TemporaryDirectory() as folder:
        config = configure(
            runs.task_class(TASK).Config, {**limits, **settings}, RECIPES / f"{RECIPE}.toml"
        )
        run = runs.begin(TASK, [random_text(Path(folder))], Path(folder, "run"), config)
        objective = run.task.objective(run.predictor)
        timed = Timed(watch.GradientWatch(objective, config.watch, config.cell))
        outcome = loop.train(
            objective, run.task.source(), config, run.directory, QuietLog(), [timed]
        )
    return outcome.step, outcome.seconds, timed

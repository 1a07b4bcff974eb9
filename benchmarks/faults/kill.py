"""Small trainings that are killed at random moments, and such whose disk is full.

After each kill, the one of `elman train` and `elman resume` that works is found, and named by the
other; the run goes on with it, is perhaps killed again, and has to end with the weights of a
training that nobody disturbed, to the bit.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.faults.children import import_everything
from benchmarks.faults.full_disk import fill, small_disk
from benchmarks.faults.small_trainings import TRAININGS
from benchmarks.faults.survival import Moment, Reference, Trial, survive, unbroken
from benchmarks.results import RESULTS, circumstances, table, write_section

_MOMENTS: tuple[Moment, ...] = (
    *("in preparation", "near a write", "at any time"),
    *("near a write", "in preparation", "at any time", "in preparation"),
)
_TITLE = "Killed trainings and full disks"


def main(arguments: Sequence[str]) -> int:
    """Run the study, print its table and put it into the results; 1 where something went wrong."""
    tasks = [training.name for training in TRAININGS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults kill")
    parser.add_argument("--count", type=int, default=200, help="how many kills")
    parser.add_argument("--full", type=int, default=20, help="how many full disks")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--tasks", nargs="+", default=tasks, choices=tasks)
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the table goes")
    given = parser.parse_args(arguments)
    import_everything()
    began, draw = time.monotonic(), random.Random(given.seed)
    chosen = [training for training in TRAININGS if training.name in given.tasks]
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        references = [unbroken(training, folder) for training in chosen]
        trials = kill_all(references, given.count, folder, draw)
        trials += fill_all(references, given.full, folder, draw)
    faults = [f"{trial.task}: {fault}" for trial in trials for fault in trial.faults]
    minutes = (time.monotonic() - began) / 60
    command = f"python -m benchmarks.faults kill --count {given.count} --seed {given.seed}"
    body = f"{circumstances(command, 1)}\n\n{_report(given.tasks, trials, faults, minutes)}"
    print(body)
    write_section(_TITLE, body, given.results)
    return 1 if faults else 0


def kill_all(
    references: list[Reference], count: int, folder: Path, draw: random.Random
) -> list[Trial]:
    """Trainings in turn until `count` of them were killed."""
    trials: list[Trial] = []
    done = 0
    while done < count:
        number = len(trials)
        reference = references[number % len(references)]
        moment = _MOMENTS[number % len(_MOMENTS)]
        trials.append(survive(reference, moment, folder, draw, count - done))
        done += len(trials[-1].kills)
        _progress(f"{done} of {count} kills", trials[-1])
    return trials


def fill_all(
    references: list[Reference], count: int, folder: Path, draw: random.Random
) -> list[Trial]:
    """Trainings in turn on a disk that is full."""
    trials = []
    with small_disk(folder / "disk") as mounted:
        for number in range(count):
            reference = references[number % len(references)]
            trials.append(fill(reference, folder, draw, mounted=mounted))
            _progress(f"{number + 1} of {count} full disks", trials[-1])
    return trials


def _progress(what: str, trial: Trial) -> None:
    sys.stderr.write(f"{what}: {trial.task}{''.join(f'; {fault}' for fault in trial.faults)}\n")
    sys.stderr.flush()


def _report(tasks: list[str], trials: list[Trial], faults: list[str], minutes: float) -> str:
    rows = [_row(task, [trial for trial in trials if trial.task == task]) for task in tasks] + [
        _row("all", trials)
    ]
    head = ["task", "kills", "in preparation", "at most 50 ms after a write", "full disks"]
    head += ["`resume` went on", "`train` started anew", "ended with other weights, or not at all"]
    text = (
        "Each training is killed at one to three random moments, or has its disk filled at one. Of"
        " `elman train` and `elman resume`, tried on copies, exactly one works and the other names"
        " it; the run goes on with it until it is done. The predictor's files, and weights and"
        " optimizer of the last checkpoint, are compared byte by byte with those of a training"
        f" that nobody disturbed. All of it took {minutes:.0f} minutes."
    )
    listed = "".join(f"\n- {fault}" for fault in faults)
    return f"{text}\n\n{table(head, rows)}{f'{chr(10)}{listed}' if listed else ''}"


def _row(name: str, trials: list[Trial]) -> list[str]:
    kills = [kill for trial in trials for kill in trial.kills]
    counts = [
        len(kills),
        sum(kill.preparing for kill in kills),
        sum(kill.near_a_write for kill in kills),
        sum(trial.filled for trial in trials),
        sum(trial.resumed for trial in trials),
        sum(trial.started for trial in trials),
        sum(bool(trial.faults) for trial in trials),
    ]
    return [name, *map(str, counts)]

"""`python -m benchmarks.speed.before_after --before DIR --after DIR`: two checkouts compared.

Each works with the code, the interpreter (``.venv`` where there is one) and the kernels of its own
folder, on runs that it trained itself on the same synthetic data. What is timed, each as a whole
process and as a call inside of one that has imported everything: `elman stream` and `elman predict`
of a language model, `elman predict` of the other tasks, and training by the recipe tinyshakespeare.
The two take turns, and who goes first alternates.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Self

from benchmarks.quality.running import RECIPES, data_file
from benchmarks.results import RESULTS, circumstances, table, write_section
from benchmarks.speed.summary import paired_ratio
from elman.errors import ElmanError, InputError, RunFailed
from elman.studies.timing import seconds

TITLE = "Speed: before and after"
RECIPE = "tinyshakespeare"
AIM = 1.03
"""Times the time before, at most."""
SIDES = ("before", "after")
COLUMNS = ("what", "how", "before, s", "after, s", "after / before", f"≤ {AIM}")
WORDS = "the cat sat on a mat and dog ran to far red hill good bad fine poor".split()  # noqa: SIM905
LABELS = ("good", "bad")
TINY = ("--max-steps", "5", "--eval-every", "5", "--hidden-size", "128")

# Reads commands as JSON lines and runs each in this process, standard input from a file.
WORKER = """
import json, os, sys
orders, told = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
from elman.cli.main import main
for line in orders:
    order = json.loads(line)
    given, out = os.open(order["stdin"], os.O_RDONLY), os.open(os.devnull, os.O_WRONLY)
    os.dup2(given, 0), os.dup2(out, 1), os.close(given), os.close(out)
    code = main(order["arguments"])
    sys.stdout.flush()
    told.write(f"{code}\\n"), told.flush()
"""
SINGLE = "import sys; from elman.cli.main import main; sys.exit(main(sys.argv[1:]))"
WHERE = "import elman, sys; sys.stdout.write(elman.__file__)"


@dataclass(frozen=True)
class Work:
    """A command line; ``{run}`` and ``{out}`` are folders of the side that runs it."""

    name: str
    arguments: tuple[str, ...]
    stdin: Path = Path(os.devnull)


class Side:
    """One checkout, with a worker process that has imported everything."""

    def __init__(self, name: str, checkout: Path, folder: Path, threads: int) -> None:
        self.name, self.folder = name, folder / name
        self.folder.mkdir()
        own = checkout / ".venv" / "bin" / "python"
        self.python = str(own) if own.exists() else sys.executable
        source, count = checkout / "src", str(threads)
        self.environment = os.environ | {
            "PYTHONPATH": str(source),
            **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), count),
        }
        self.environment.pop("ELMAN_KERNELS", None)
        found = self._process("-c", WHERE, stdout=subprocess.PIPE).stdout
        if not Path(found).is_relative_to(source):
            raise InputError(f"{checkout}: its Python imports {found or 'no elman'}")
        self._made = 0
        self._worker = subprocess.Popen(
            [self.python, "-c", WORKER],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.terminate()
        self._worker.wait()

    def as_process(self, work: Work) -> None:
        """Run `work` in a process of its own."""
        with work.stdin.open("rb") as given:
            self._process("-c", SINGLE, *self._filled(work), stdin=given)

    def inside(self, work: Work) -> None:
        """Run `work` in the worker."""
        order = {"arguments": self._filled(work), "stdin": str(work.stdin)}
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.write(json.dumps(order) + "\n")
        self._worker.stdin.flush()
        if (code := self._worker.stdout.readline().strip()) != "0":
            raise RunFailed(f"{self.name}: {work.name} ended with {code or 'the worker'}")

    def _filled(self, work: Work) -> list[str]:
        self._made += 1
        places = {"run": str(self.folder), "out": str(self.folder / f"out{self._made}")}
        return [argument.format(**places) for argument in work.arguments]

    def _process(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [self.python, *arguments],
            env=self.environment,
            cwd=self.folder,
            **({"stdout": subprocess.DEVNULL} | options),
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RunFailed(f"{self.name}: {' '.join(arguments[1:])}: {done.stderr[-500:]}")
        return done


def data(folder: Path) -> Mapping[str, Path]:
    """Synthetic data of each task, the same at every call."""
    draw = random.Random(0)

    def words(count: int) -> str:
        return " ".join(draw.choices(WORDS, k=count))

    day = date(2020, 1, 1)
    files = {
        "text.txt": "".join(words(8) + "\n" for _ in range(700)),  # some 20 kB
        "rows.tsv": "text\tlabel\n"
        + "".join(f"{words(12)}\t{draw.choice(LABELS)}\n" for _ in range(600)),
        "unlabeled.txt": "".join(words(12) + "\n" for _ in range(600)),
        "pairs.tsv": "".join(f"{words(6)}\t{words(6)}\n" for _ in range(400)),
        "sources.txt": "".join(words(6) + "\n" for _ in range(40)),
        "series.csv": "unique_id,ds,y\n"
        + "".join(
            f"s{s},{day + timedelta(n)},{10 + n % 7 + draw.random():.3f}\n"
            for s in range(20)
            for n in range(200)
        ),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return {name.split(".")[0]: folder / name for name in files}


def trainings(files: Mapping[str, Path]) -> list[Work]:
    """What makes the runs that are then timed."""

    def train(task: str, given: str, *flags: str) -> Work:
        out = f"{{run}}/{task}"
        return Work(
            f"train {task}", ("train", task, str(files[given]), "--out", out, *TINY, *flags)
        )

    return [
        train("language-model", "text", "--unit", "char"),
        train("classify", "rows"),
        train("translation", "pairs"),
        train("forecast", "series", "--horizon", "7"),
    ]


def timed_work(files: Mapping[str, Path]) -> list[Work]:
    """What is timed with short calls."""

    def predict(task: str, given: str) -> Work:
        return Work(f"predict, {task}", ("predict", f"{{run}}/{task}", str(files[given])))

    return [
        Work("stream, language-model", ("stream", "{run}/language-model"), files["text"]),
        predict("language-model", "text"),
        predict("classify", "unlabeled"),
        predict("translation", "sources"),
        predict("forecast", "series"),
    ]


def training(steps: int) -> Work:
    """The recipe for so many steps."""
    given = str(data_file("tinyshakespeare", "input.txt"))
    count = str(steps)
    flags = ("--config", str(RECIPES / f"{RECIPE}.toml"), "--max-steps", count)
    ends = ("--eval-every", count, "--checkpoint-every", count)
    arguments = ("train", "language-model", given, "--out", "{out}", *flags, *ends)
    return Work(f"train, {RECIPE}, {steps} steps", arguments)


def compare(work: Work, sides: Sequence[Side], rounds: int) -> list[list[str]]:
    """A row for each way of running: a process of its own, and inside of one."""
    rows = []
    for how in ("process", "inside"):
        calls: dict[str, Callable[[], object]] = {
            side.name: partial(side.as_process if how == "process" else side.inside, work)
            for side in sides
        }
        times: dict[str, list[float]] = {name: [] for name in calls}
        if how == "inside":  # what is imported late is imported now
            for call in calls.values():
                call()
        for turn in range(rounds):
            order = list(calls.items())
            for name, call in order[:: -1 if turn % 2 else 1]:
                times[name].append(seconds(call))
        rows.append(row(work.name, how, times))
        sys.stderr.write("  ".join(rows[-1]) + "\n")
    return rows


def row(name: str, how: str, times: Mapping[str, Sequence[float]]) -> list[str]:
    """A line of the table."""
    before, after = (times[side] for side in SIDES)
    ratio = paired_ratio(after, before)
    shown = "process" if how == "process" else "without start-up"
    verdict = "met" if ratio <= AIM else "missed"
    return [name, shown, f"{median(before):.3f}", f"{median(after):.3f}", f"{ratio:.3f}", verdict]


def main() -> int:
    """Measure and print; the exit code is that of `elman`."""
    flags = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.before_after",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name in SIDES:
        flags.add_argument(f"--{name}", type=Path, required=True, help="a checkout")
    flags.add_argument("--rounds", type=int, default=11, help="turns of each in short work")
    flags.add_argument("--train-rounds", type=int, default=3, help="turns in training; 0: none")
    flags.add_argument("--steps", type=int, default=200, help="of training")
    flags.add_argument("--threads", type=int, default=1)
    flags.add_argument("--only", default="", help="a part of the names of what is timed")
    flags.add_argument("--write", action="store_true", help="write the section of RESULTS.md")
    given = flags.parse_args()
    try:
        _measure(given)
    except ElmanError as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, InputError) else 1
    return 0


def _measure(given: argparse.Namespace) -> None:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files = data(folder)
        before = Side("before", given.before.absolute(), folder, given.threads)
        after = Side("after", given.after.absolute(), folder, given.threads)
        with before, after:
            sides = (before, after)
            works = [work for work in timed_work(files) if given.only in work.name]
            for made in trainings(files):
                for side in sides:
                    if any(made.name.removeprefix("train ") in work.name for work in works):
                        side.inside(made)
            rows = [line for work in works for line in compare(work, sides, given.rounds)]
            if given.train_rounds and (not given.only or given.only in "train"):
                rows += compare(training(given.steps), sides, given.train_rounds)
    command = (
        f"python -m benchmarks.speed.before_after --rounds {given.rounds}"
        f" --train-rounds {given.train_rounds} --steps {given.steps} --threads {given.threads}"
    )
    text = f"""\
Two checkouts in turn, each on runs that it trained itself on the same synthetic data. Medians of
{given.rounds} rounds ({given.train_rounds} of training), and the median ratio within a round.

{table(COLUMNS, rows)}

{circumstances(command, given.threads)}"""
    print(f"## {TITLE}\n\n{text}")
    if given.write:
        write_section(TITLE, text, RESULTS)


if __name__ == "__main__":
    sys.exit(main())

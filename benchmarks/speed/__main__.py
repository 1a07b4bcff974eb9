"""`python -m benchmarks.speed [WHAT]`: time elman, and report.

`measure` (what is done unless another is named) keeps raw results in --out, cell by cell: what
has been measured at this commit is not measured again, and the report is of all that is there.
`shared` looks at a machine whose other core is busy, `memory` at the memory of a training step,
`layer-norm` at layer normalization, `training-step` at a training step of a language model,
`watched` at the cost of watching its gradients.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.results import RESULTS
from benchmarks.speed.cells import DTYPES, MODES
from benchmarks.speed.layer_norm import layer_norm
from benchmarks.speed.match import Effort
from benchmarks.speed.measure import measure
from benchmarks.speed.memory import memory
from benchmarks.speed.options import Options
from benchmarks.speed.peers import OURS, PEERS
from benchmarks.speed.shared import shared
from benchmarks.speed.training_step import training_step
from benchmarks.speed.watched import watched
from elman.errors import ElmanError, InputError

COMMANDS: dict[str, Callable[[Options], None]] = {
    "measure": measure,
    "shared": shared,
    "memory": memory,
    "layer-norm": layer_norm,
    "training-step": training_step,
    "watched": watched,
}


def _several(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _one_of(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        wrong = [part for part in _several(text) if part not in known]
        if wrong:
            raise argparse.ArgumentTypeError(f"{wrong[0]!r} is not one of {', '.join(known)}")
        return _several(text)

    return parse


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in _several(text))


def parser() -> argparse.ArgumentParser:
    """The flags."""
    flags = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    flags.add_argument("what", nargs="?", choices=COMMANDS, default="measure")
    flags.add_argument("--threads", type=_numbers, default=(1, 2), help="numbers of threads: 1,2")
    flags.add_argument("--modes", type=_one_of(MODES), default=MODES, help=", ".join(MODES))
    flags.add_argument(
        "--cells", type=_several, default=(), help="parts of names: 'LSTM train,B1 '"
    )
    peers = tuple(name for name in PEERS if name != OURS)
    flags.add_argument("--peers", type=_one_of(peers), default=peers, help=", ".join(peers))
    flags.add_argument("--dtypes", type=_one_of(DTYPES), default=("fp32",), help="fp32, bf16")
    flags.add_argument("--rounds", type=int, default=15, help="turns that everyone has in a cell")
    flags.add_argument(
        "--seconds", type=float, default=60.0, help="end a cell early, after 5 rounds at least"
    )
    flags.add_argument(
        "--envs", type=Path, default=Path("runs/speed/envs"), help="folder of environments"
    )
    flags.add_argument("--out", type=Path, default=Path("runs/speed"), help="folder of raw results")
    flags.add_argument("--again", action="store_true", help="measure what was measured before")
    flags.add_argument("--report-only", action="store_true", help="measure nothing")
    flags.add_argument("--results", type=Path, default=RESULTS, help="the report's file")
    flags.add_argument("--print-only", action="store_true", help="write no report, CSV or picture")
    return flags


def spelled(given: argparse.Namespace) -> str:
    """The command that was given, without its folders: these are the machine's own affair."""
    words = ["python", "-m", "benchmarks.speed"]
    if given.what != "measure":
        words.append(given.what)
    for name in ("threads", "modes", "cells", "peers", "dtypes", "rounds", "seconds"):
        value = getattr(given, name)
        if value != parser().get_default(name):
            text = ",".join(map(str, value)) if isinstance(value, tuple) else f"{value:g}"
            words += [f"--{name}", text]
    return shlex.join(words)


def main() -> int:
    """Measure; its exit code is that of `elman`."""
    given = parser().parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    options = Options(
        given.threads,
        given.modes,
        given.cells,
        given.peers,
        given.dtypes,
        Effort(given.rounds, given.seconds),
        given.envs,
        given.out,
        given.again,
        given.report_only,
        None if given.print_only else given.results.absolute(),
        spelled(given),
    )
    try:
        COMMANDS[given.what](options)
    except ElmanError as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, InputError) else 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was measured is kept, and the same command goes on\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

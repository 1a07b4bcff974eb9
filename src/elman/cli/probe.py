"""`elman probe`: how far back each cell remembers, side by side, on the classic problems."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Annotated, Literal, TypeVar

from cyclopts import Parameter

from elman.data.memory import PROBLEMS
from elman.errors import InputError
from elman.plots.probe import draw_probe
from elman.plots.style import is_available
from elman.studies.probe.probe import CELLS, DEFAULT, SETTINGS, Plan, run
from elman.studies.probe.report import cell_scores, relevant, summary, table
from elman.studies.probe.trials import Result, Study, Trial, csv_text

Value = TypeVar("Value")


def probe(
    problems: Annotated[
        list[str] | None,
        Parameter(
            help=f"{', '.join(PROBLEMS)}; default: {' '.join(DEFAULT.problems)}", show_default=False
        ),
    ] = None,
    /,
    *,
    cells: Annotated[
        str,
        Parameter(help=f"{', '.join(CELLS)}, or package.module:Class, with commas between"),
    ] = ",".join(DEFAULT.cells),
    lags: Annotated[str, Parameter(help="tried one after the other until a cell fails")] = ",".join(
        map(str, DEFAULT.lags)
    ),
    seeds: Annotated[int, Parameter(help="trainings of each cell at each lag")] = DEFAULT.seeds,
    learning_rates: Annotated[
        str, Parameter(help="each cell is tried at each; the best counts")
    ] = ",".join(map(str, DEFAULT.learning_rates)),
    max_steps: Annotated[int, Parameter(help="updates of each training, at most")] = SETTINGS[
        "max_steps"
    ],
    hidden_size: Annotated[int, Parameter(help="units of each network")] = SETTINGS["hidden_size"],
    batch_size: Annotated[int, Parameter(help="sequences of an update")] = SETTINGS["batch_size"],
    clip_norm: Annotated[float, Parameter(help="longest gradient; 0: no clipping")] = SETTINGS[
        "clip_norm"
    ],
    early_stop: Annotated[
        bool, Parameter(help="stop a training at half the error that mastery allows")
    ] = SETTINGS["early_stop"],
    out: Annotated[
        Path, Parameter(help="the study; one that is there goes on where it was")
    ] = Path("runs/probe"),
    processes: Annotated[int, Parameter(help="0: one for each core")] = 0,
    format: Annotated[  # noqa: A002  (the flag's name)
        Literal["table", "json", "csv"], Parameter(help="how the result is written")
    ] = "table",
) -> None:
    """Train small networks on tests of memory with rising lags, until they fail.

    Prints the longest lag that each cell masters, and leaves the networks, results.json,
    results.csv and a picture in --out. Killed and started again, it trains nothing twice.
    """
    plan = Plan(
        tuple(problems or DEFAULT.problems),
        _listed("--cells", cells, str),
        _listed("--learning-rates", learning_rates, float),
        _listed("--lags", lags, int),
        seeds,
    )
    settings = SETTINGS | {
        "max_steps": max_steps,
        "hidden_size": hidden_size,
        "batch_size": batch_size,
        "clip_norm": clip_norm,
        "early_stop": early_stop,
    }
    plan.check(settings)
    study = Study.open(out, settings)
    began, trained = perf_counter(), 0
    for result in run(study, plan, processes or _cores()):
        trained += 1
        print(_line(result), file=sys.stderr, flush=True)
    done = study.results()
    results = relevant(plan, done)
    study.write_tables(results, summary(plan, done))
    picture = _picture(study, plan, done)
    if format == "table":
        print("\n".join(table(plan, done)))
    elif format == "csv":
        print(csv_text([result.as_dict() for result in results]), end="")
    else:
        print((study.path / "results.json").read_text(encoding="utf-8"), end="")
    print(
        f"\n{trained} of {len(results)} trainings now, in {(perf_counter() - began) / 60:.1f}"
        f" minutes; at most {max_steps:,} updates each; {picture}",
        file=sys.stderr,
    )


def _line(result: Result) -> str:
    said = "diverged"
    if result.score is not None:
        said = f"{'mastered' if result.mastered else 'not mastered'}, {result.score:.4g}"
    return f"{result.trial}: {said}, {result.updates:,} updates, {result.seconds:.1f} s"


def _picture(study: Study, plan: Plan, done: Mapping[Trial, Result]) -> str:
    path = study.path / "probe.png"
    if not is_available():
        return f'{study.path}; for a figure too: pip install "elman[plot]"'
    draw_probe(path, plan.lags, cell_scores(plan, done))
    return f"{study.path}, figure {path.name}"


def _cores() -> int:
    """The cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _listed(flag: str, text: str, kind: Callable[[str], Value]) -> tuple[Value, ...]:
    try:
        return tuple(kind(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise InputError(f"{flag} {text}: expected numbers with commas between") from error

"""How far back each cell remembers: the study that `elman probe` makes, into RESULTS.md."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from textwrap import fill
from time import perf_counter

from benchmarks.quality.running import Options
from benchmarks.results import circumstances, table, write_section
from elman.data.memory import PROBLEMS
from elman.plots.probe import draw_probe
from elman.studies.probe.probe import DEFAULT, SETTINGS, Plan, run
from elman.studies.probe.report import cell_scores, reach, relevant, summary
from elman.studies.probe.trials import Result, Study, Trial

TITLE = "How long each cell remembers"
CURVES = Path(__file__).parent / "curves"
PICTURE = Path(__file__).parents[2] / "docs" / "assets" / "probe.png"
TIMES = 10
"""A gated cell should master so many times the lag of the tanh network."""
ADDING_LAG = 400


def probe(options: Options) -> None:
    """Run the study, or go on with it; one process for each of `options.threads`."""
    plan = replace(DEFAULT, seeds=options.seeds)
    study = Study.open(options.out / "probe", SETTINGS)
    began, trained = perf_counter(), 0
    for result in run(study, plan, options.threads):
        trained += 1
        sys.stderr.write(f"{result.trial}: {result.score} after {result.updates} updates\n")
    minutes = (perf_counter() - began) / 60
    done = study.results()
    results = relevant(plan, done)
    study.write_tables(results, summary(plan, done))
    shutil.copyfile(study.path / "results.csv", CURVES / "probe.csv")
    draw_probe(PICTURE, plan.lags, cell_scores(plan, done))
    taken = f"{minutes:.1f} minutes" if trained == len(results) else "not timed, cut off once"
    work = sum(result.seconds for result in results) / 60
    write_section(TITLE, _body(options, plan, done, f"{taken} ({work:.1f} of one core)"))


def _body(options: Options, plan: Plan, done: Mapping[Trial, Result], taken: str) -> str:
    rows = []
    for cell in plan.cells:
        reaches = [reach(plan, done, problem, cell) for problem in plan.problems]
        rows.append([cell, *map(str, reaches), *(f"{found.seconds:.0f}" for found in reaches)])
    columns = (
        "cell",
        *(f"{name}: longest lag mastered" for name in plan.problems),
        *(f"{name}: seconds of one core" for name in plan.problems),
    )
    mastered = "; ".join(
        f"{name}, {PROBLEMS[name].metric} {PROBLEMS[name].mastered:.3g}"
        f" (guessing {PROBLEMS[name].guess:.3g})"
        for name in plan.problems
    )
    rates = ", ".join(f"{rate:g}" for rate in plan.learning_rates)
    lags = ", ".join(map(str, plan.lags))
    trained = (
        f"Every network has {SETTINGS['hidden_size']} units, and every training at every lag the"
        f" same limit of {SETTINGS['max_steps']:,} updates of {SETTINGS['batch_size']} fresh"
        f" sequences (AdamW, gradients clipped to {SETTINGS['clip_norm']:g}); it ends early at half"
        f" the error that mastery allows. Each cell is tried at each of the learning rates {rates},"
        f" and the best counts. A lag is mastered when most of {plan.seeds} seeds reach, on 2,000"
        f" test sequences: {mastered}. Lags {lags}, until a cell fails; ≥ where it mastered the"
        f" last. The study took {taken}."
    )
    machine = circumstances(options.command, options.threads)
    return "\n\n".join(
        [
            _verdict(plan, done),
            table(columns, rows),
            fill(trained, 100),
            "![Scores by lag, and the longest lag mastered](../docs/assets/probe.png)",
            machine,
        ]
    )


def _verdict(plan: Plan, done: Mapping[Trial, Result]) -> str:
    """The aims, with what was measured."""
    said = []
    for problem in plan.problems:
        plain = reach(plan, done, problem, "rnn").longest
        gated = max(
            (reach(plan, done, problem, cell) for cell in plan.cells if cell[:3] in ("lst", "gru")),
            key=lambda found: found.longest,
        )
        met = "met" if plain and gated.longest >= TIMES * plain else "missed"
        said.append(
            f"{problem}: {gated.cell} {gated}, tanh network {plain}, so the aim of {TIMES} times is"
            f" {met}"
        )
    lstm = max(
        reach(plan, done, "adding", cell).longest for cell in plan.cells if cell.startswith("lstm")
    )
    met = "met" if lstm >= ADDING_LAG else "missed"
    text = f"{'; '.join(said)}. An LSTM adds over {lstm} steps: the aim of {ADDING_LAG} is {met}."
    return fill(text, 100)

"""Measure what is asked for and not there yet, then write the report of all that is there."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from benchmarks.results import cpu_name, write_section
from benchmarks.speed import machine, medians, plot, records, report
from benchmarks.speed.bound import Machine, bound
from benchmarks.speed.cells import CELLS, MODES, Cell, Dtype, Mode, chosen
from benchmarks.speed.environments import Environments
from benchmarks.speed.match import Entry, entries, play
from benchmarks.speed.options import Options, commit
from benchmarks.speed.pool import Workers
from benchmarks.speed.records import Key, Match
from benchmarks.speed.verify import tests_pass

PICTURES = "speed"
"""The folder beside the report that its pictures and the CSV go to."""
TITLES: dict[Mode, str] = {
    "train": "Speed: training",
    "infer": "Speed: inference",
    "step": "Speed: single steps",
}
NOT_QUIET = 0.05
"""Of the processors' time, taken by others."""


def measure(options: Options) -> None:
    """The whole: tests, bound, matches, report.

    Raises:
        RunFailed: the tests are red, or the bound cannot be measured.
    """
    if not options.report_only:
        tests = tests_pass(options.out)
        if machine.others_share() > NOT_QUIET:
            sys.stderr.write("THE MACHINE IS NOT QUIET: times and the bound itself will be off\n")
        limits = machine.measure()
        sys.stderr.write(f"{limits}\n")
        here = commit()
        with Workers(Environments(options.envs), options.out / "logs") as workers:
            for cell, dtype, threads, taking in _due(options, tests):
                match = _match(cell, dtype, threads, taking, limits, here, tests, workers, options)
                records.append(options.matches, match.to_json())
                sys.stderr.write(_line(match))
    write_report(options)


def _due(options: Options, tests: str) -> Iterator[tuple[Cell, Dtype, int, list[Entry]]]:
    """What is asked for, in the order that starts the fewest processes."""
    known = {} if options.again else records.read(options.matches)
    for threads in options.threads:
        for dtype in options.dtypes:
            for cell in chosen(options.modes, options.cells):
                taking = entries(cell, dtype, options.peers)
                if cell.ragged and dtype != "fp32":
                    continue
                if not _is_known(known, (cell, dtype, threads), taking, tests):
                    yield cell, dtype, threads, taking


def _is_known(known: Mapping[Key, Match], key: Key, taking: list[Entry], tests: str) -> bool:
    match = known.get(key)
    labels = {entry.label for entry in taking}
    return match is not None and match.tests == tests and labels <= set(match.timings)


def _match(
    cell: Cell,
    dtype: Dtype,
    threads: int,
    taking: list[Entry],
    limits: Machine,
    here: str,
    tests: str,
    workers: Workers,
    options: Options,
) -> Match:
    timings, versions = play(taking, threads, workers, options.effort)
    return Match(
        cell,
        dtype,
        threads,
        bound(cell, threads, dtype, limits),
        timings,
        limits,
        here,
        tests,
        datetime.now(tz=UTC).isoformat(timespec="seconds"),
        cpu_name(),
        versions,
    )


def _line(match: Match) -> str:
    """One cell as it is measured, for whoever watches."""
    times = ", ".join(
        f"{label} {report.number(1e3 * timing.median)}" for label, timing in match.timed().items()
    )
    missing = [label for label, timing in match.timings.items() if timing.reason]
    return (
        f"{match.cell.name} {match.dtype} {match.threads} thr, ms: bound"
        f" {report.number(1e3 * match.bound)}, {times}"
        f"{'; without ' + ', '.join(missing) if missing else ''}\n"
    )


def write_report(options: Options) -> None:
    """One section for each mode that has matches; pictures and the CSV beside this file."""
    matches = [match for match in records.read(options.matches).values() if match.cell in CELLS]
    if options.results is not None:
        (options.results.parent / PICTURES).mkdir(parents=True, exist_ok=True)
    matches.sort(key=lambda match: (match.threads, match.dtype, CELLS.index(match.cell)))
    for mode in MODES:
        here = [match for match in matches if match.cell.mode == mode]
        if not here:
            continue
        text = f"{report.body(mode, here)}\n\n`{options.command}`"
        print(f"## {TITLES[mode]}\n\n{text}\n")
        if options.results is not None:
            plot.draw(options.results.parent / PICTURES / f"{mode}.png", mode, here)
            text = f"![{mode}: times over the bound]({PICTURES}/{mode}.png)\n\n{text}"
            write_section(TITLES[mode], text, options.results)
    if options.results is not None and matches:
        medians.write_csv(options.results.parent / PICTURES / "medians.csv", matches)

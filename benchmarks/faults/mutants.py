"""`python -m benchmarks.faults mutants`: change the source in one place and see if a test fails.

Mutants are drawn with a seed over the places where one of the operators of cosmic-ray applies. Each
is run against the tests nearest to it: those that execute its line, by a map made once with
coverage, first the ones of its own test file and package, within a budget of seconds.

A mutant that no input can tell from the original is argued in equivalent.toml and not counted.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

from benchmarks.faults.mutation import Mutant, draw
from benchmarks.faults.nearest import TestMap
from benchmarks.faults.workers import Outcome, Worker
from benchmarks.results import circumstances, write_section

ROOT = Path(__file__).parents[2]
PACKAGES = ("layers", "training", "evaluation", "predictors", "data")
CONTROLS = 5
"""Files whose tests have to pass unchanged, before anything is counted."""
EQUIVALENT = Path(__file__).parent / "equivalent.toml"


def main(arguments: list[str]) -> int:
    """Draw, run, print and write the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults mutants", description=__doc__
    )
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--budget", type=float, default=30, help="seconds of tests for a mutant")
    parser.add_argument("--map", type=Path, default=Path("build/mutants"), help="folder of the map")
    parser.add_argument("--only", help="a file of mutants that survived before: run these alone")
    given = parser.parse_args(arguments)

    paths = [p for name in PACKAGES for p in sorted((ROOT / "src/elman" / name).rglob("*.py"))]
    mutants = draw(ROOT, paths, given.count, random.Random(given.seed))
    if given.only:
        wanted = set(Path(given.only).read_text(encoding="utf-8").splitlines())
        mutants = [mutant for mutant in mutants if mutant.name in wanted]
    tests = TestMap.made(ROOT, given.map, given.workers)
    began = time.monotonic()
    outcomes = run_all(mutants, tests, given.workers, given.budget, given.map)
    minutes = (time.monotonic() - began) / 60
    body = report(outcomes, minutes)
    print(body)
    survivors = [mutant.name for mutant, outcome in outcomes.items() if outcome == "survived"]
    given.map.mkdir(parents=True, exist_ok=True)
    (given.map / "survivors.txt").write_text("\n".join(survivors), encoding="utf-8")
    if not given.only and given.count >= 300:
        command = f"python -m benchmarks.faults mutants --count {given.count} --seed {given.seed}"
        write_section("Mutants", f"{body}\n\n{circumstances(command)}")
    return 0


def run_all(
    mutants: list[Mutant], tests: TestMap, count: int, budget: float, folder: Path
) -> dict[Mutant, Outcome]:
    """Each mutant with how its tests ended; what was run before in `folder` is not run again."""
    log = folder / "outcomes.jsonl"
    known = {}
    if log.exists():
        known = dict(map(json.loads, log.read_text(encoding="utf-8").splitlines()))
    free: Queue[Worker] = Queue()
    for number in range(count):
        free.put(Worker(ROOT, folder / f"tree-{number}"))

    for number, path in enumerate(dict.fromkeys(mutant.path for mutant in mutants[:CONTROLS])):
        source = (ROOT / path).read_text(encoding="utf-8")
        control = Mutant(f"control {number}", path, (1, 10**6), "", "", source)
        worker = free.get()
        if worker.run(control, tests.nearest(path, (1, 500), budget)) != "survived":
            raise SystemExit(f"{path}: its tests fail without a change")
        free.put(worker)

    def run(mutant: Mutant) -> Outcome:
        key = f"{mutant.name} {mutant.after}"
        if key in known:
            return known[key]
        worker = free.get()
        try:
            outcome = worker.run(mutant, tests.nearest(mutant.path, mutant.lines, budget))
        finally:
            free.put(worker)
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps([key, outcome]) + "\n")
        print(f"{outcome:8} {mutant.name}  {mutant.after.strip()}", file=sys.stderr, flush=True)
        return outcome

    with ThreadPoolExecutor(count) as pool:
        return dict(zip(mutants, pool.map(run, mutants), strict=True))


def report(outcomes: dict[Mutant, Outcome], minutes: float) -> str:
    """The table a package, and the survivors."""
    argued = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))
    rows, lived = [], []
    for package in (*PACKAGES, ""):
        chosen = {m: o for m, o in outcomes.items() if m.path.startswith(f"src/elman/{package}")}
        equal = [m for m, o in chosen.items() if o == "survived" and m.name in argued]
        counted = len(chosen) - len(equal)
        killed = sum(outcome != "survived" for outcome in chosen.values())
        share = f"{killed / counted:.1%}" if counted else ""
        rows.append(f"| {package or 'all'} | {len(chosen)} | {len(equal)} | {killed} | {share} |")
    for mutant, outcome in outcomes.items():
        if outcome == "survived" and mutant.name not in argued:
            lived.append(f"- `{mutant.name}`: `{mutant.before.strip()}` → `{mutant.after.strip()}`")
    table = "\n".join(
        [
            "| package | mutants | equivalent | killed | of those that count |",
            "| --- " * 5 + "|",
            *rows,
        ]
    )
    survivors = "\n".join(lived) or "None survived."
    return f"{table}\n\nIn {minutes:.0f} minutes. Survivors:\n\n{survivors}"

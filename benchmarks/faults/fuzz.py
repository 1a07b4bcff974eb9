"""Hostile inputs through the true entry points: each is read, or refused in one line.

    python -m benchmarks.faults fuzz --count 50000 --seed 1
    python -m benchmarks.faults fuzz --replay series:17 --seed 1

`--count` inputs are tables of series, and as many are all the other kinds together. Input N of a
kind depends on the seed, the kind and N alone, so any of them can be drawn again. They are read in
processes of their own, whose memory is limited; one that dies is a fault of the input it was at.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, starmap
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter

from benchmarks.faults.outcome import (
    GOOD,
    LONGEST_MESSAGE,
    SECONDS,
    WAITING,
    Generator,
    Outcome,
    drawn,
    outcome,
    write,
)
from benchmarks.results import circumstances, table, write_section

SHARES = {
    "labeled": 16,
    "pairs": 14,
    "text": 8,
    "noise": 4,
    "parquet": 12,
    "npz": 10,
    "arrays": 8,
    "tensors": 10,
    "toml": 8,
    "json": 8,
    "predictor": 1,
    "run": 1,
}
"""How many inputs of a hundred are of each kind but tables of series."""

ROOM = 2 << 30
"""Bytes of address space that a process may take on top of what it has once all is imported."""

_AT_ONCE = 250
_PATIENCE = 300


@dataclass
class Tally:
    """What came of the inputs of one kind."""

    verdicts: Counter[str] = field(default_factory=Counter)
    past: int = 0
    seconds: float = 0.0
    peak: int = 0

    def add(self, found: Outcome) -> None:
        self.verdicts[found.verdict] += 1
        self.past += found.past

    @property
    def count(self) -> int:
        return self.verdicts.total()

    @property
    def faults(self) -> int:
        return self.count - sum(self.verdicts[name] for name in GOOD)


def generators() -> dict[str, Generator]:
    """All kinds of inputs, by name."""
    from benchmarks.faults import (
        inputs_files,
        inputs_rows,
        inputs_series,
        inputs_settings,
        inputs_tensors,
    )

    modules = (inputs_series, inputs_rows, inputs_files, inputs_tensors, inputs_settings)
    return {name: made for module in modules for name, made in module.KINDS.items()}


def numbers_of(count: int) -> dict[str, int]:
    """How many inputs of each kind make `count` tables of series and `count` others."""
    parts = {name: count * share // 100 for name, share in SHARES.items()}
    parts["labeled"] += count - sum(parts.values())
    return {"series": count, **parts}


def one(name: str, seed: int, number: int, folder: Path) -> Outcome:
    """Draw one input, write it into a new folder below `folder` and read it."""
    made = drawn(generators()[name], name, seed, number)
    place = Path(tempfile.mkdtemp(dir=folder))
    try:
        write(made, place)
        return outcome(made, place)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def memory(what: str) -> int:
    """A line of this process's status, in bytes: VmHWM is the most memory it has had."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(what))


def work(name: str, seed: int, begin: int, end: int, folder: Path, pipe: Connection) -> None:
    """In a process of its own: the outcomes of some inputs, each as soon as it is there."""
    import resource

    import torch

    torch.set_num_threads(1)
    drawn(generators()[name], name, seed, begin)
    limit = memory("VmSize") + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for number in range(begin, end):
        pipe.send((number, one(name, seed, number, folder), memory("VmHWM")))
    pipe.close()


def outcomes(name: str, seed: int, count: int, folder: Path) -> Iterator[tuple[int, Outcome, int]]:
    """The number, the outcome and the peak memory of each input of a kind."""
    context = multiprocessing.get_context("fork")
    begin = 0
    while begin < count:
        end = min(count, begin + 20 * _AT_ONCE)
        ours, theirs = context.Pipe(duplex=False)
        worker = context.Process(target=work, args=(name, seed, begin, end, folder, theirs))
        worker.start()
        theirs.close()
        try:
            while begin < end:
                if not ours.poll(_PATIENCE):
                    worker.kill()
                    yield begin, Outcome("hang", "even the alarm was not heard"), 0
                    begin += 1
                    break
                yield ours.recv()
                begin += 1
        except EOFError:
            worker.join()
            yield begin, Outcome("traceback", f"the process died ({worker.exitcode})"), 0
            begin += 1
        worker.join()
        ours.close()


def keep(name: str, seed: int, number: int, found: Outcome, folder: Path) -> None:
    """Save an input that is a fault, and say how to read it again."""
    place = folder / f"{name}-{seed}-{number}"
    shutil.rmtree(place, ignore_errors=True)
    write(drawn(generators()[name], name, seed, number), place)
    (place / "outcome.txt").write_text(found.words + "\n", encoding="utf-8", errors="replace")
    last = found.words.strip().splitlines()[-1][:160]
    print(
        f"{found.verdict}: {last}\n  kept in {place}; again:"
        f" python -m benchmarks.faults fuzz --seed {seed} --replay {name}:{number}",
        flush=True,
    )


def study(counts: Mapping[str, int], seed: int, failed: Path, most: int = 20) -> dict[str, Tally]:
    """Read all inputs; the first `most` faults of each kind are kept in `failed`."""
    tallies = {name: Tally() for name in counts}
    scratch = Path(tempfile.mkdtemp(prefix="elman-fuzz-", dir=_fast()))
    try:
        for name, tally in tallies.items():
            began = perf_counter()
            for number, found, peak in outcomes(name, seed, counts[name], scratch):
                tally.add(found)
                tally.peak = max(tally.peak, peak)
                if found.verdict not in GOOD and tally.faults <= most:
                    keep(name, seed, number, found, failed)
            tally.seconds = perf_counter() - began
            print(f"{name}: {dict(tally.verdicts)}, {tally.seconds:.0f} s", flush=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return tallies


def _fast() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def report(tallies: Mapping[str, Tally], command: str) -> str:
    """The section of RESULTS.md."""
    total = sum(tally.count for tally in tallies.values())
    faults = sum(tally.faults for tally in tallies.values())
    minutes = sum(tally.seconds for tally in tallies.values()) / 60
    peak = max(tally.peak for tally in tallies.values()) / 2**20
    past = tallies["series"].past / max(tallies["series"].count, 1)
    names = ("inputs", "count", "read", "refused in a line", "traceback", "hang", "raw warning")
    return f"""{total:,} inputs in {minutes:.1f} minutes on one core: **{faults}** faults. The most
memory that a process had is {peak:,.0f} MiB (each may take {ROOM >> 30} GiB of addresses on top of
what is imported). Of the tables of series {past:.0%} got past the first check: they were read as a
table of cells.

{table((*names, "long message", "peak MiB", "a second"), [*starmap(_row, tallies.items())])}

A hang is an input that takes more than {SECONDS} s of the processor's time or {WAITING} s by the
clock, a long message one of more than {LONGEST_MESSAGE:,} characters. Other processes were running.
A fault is kept in a folder and printed with the command that reads it again.

{circumstances(command, 1)}"""


def _row(name: str, tally: Tally) -> list[str]:
    names = (*GOOD, "traceback", "hang", "warning", "long")
    found = [f"{tally.verdicts[each]:,}" for each in names]
    rate = tally.count / max(tally.seconds, 1e-9)
    return [_SPOKEN[name], f"{tally.count:,}", *found, f"{tally.peak / 2**20:,.0f}", f"{rate:.0f}"]


_SPOKEN = {
    "series": "tables of series",
    "labeled": "labeled rows",
    "pairs": "sentence pairs",
    "text": "texts and tokenizers",
    "noise": "bytes without structure",
    "parquet": "Parquet",
    "npz": ".npz",
    "arrays": ".npy of a run",
    "tensors": "safetensors",
    "toml": "TOML",
    "json": "JSON lines",
    "predictor": "folders of predictors",
    "run": "run directories",
}


def main(arguments: Sequence[str]) -> int:
    """`python -m benchmarks.faults fuzz`; exit code 1 where there is a fault."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=50_000, help="tables of series, and others")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default="", help="only these, with commas; nothing is recorded")
    parser.add_argument(
        "--replay", metavar="KIND:N", help="read one input and show what came of it"
    )
    parser.add_argument("--failed", type=Path, default=Path("build/fuzz"), help="where faults go")
    chosen = parser.parse_args(arguments)
    if chosen.replay is not None:
        name, _, number = chosen.replay.partition(":")
        with tempfile.TemporaryDirectory() as folder:
            found = one(name, chosen.seed, int(number), Path(folder))
        print(f"{found.verdict}\n{found.words}")
        return int(found.verdict not in GOOD)
    counts = numbers_of(chosen.count)
    if chosen.kinds:
        counts = {name: counts[name] for name in chosen.kinds.split(",")}
    tallies = study(counts, chosen.seed, chosen.failed)
    if not chosen.kinds:
        command = f"python -m benchmarks.faults fuzz --count {chosen.count} --seed {chosen.seed}"
        write_section("Faults: hostile inputs", report(tallies, command))
    return int(any(tally.faults for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main(list(islice(sys.argv, 1, None))))

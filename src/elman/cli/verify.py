"""`elman verify RUN`: whether a run is what training left."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from cyclopts import Parameter

from elman.cli.options import Cell, Device, RunPath, Threads
from elman.errors import InputError, RunFailed
from elman.machine import use_threads
from elman.numbers import measured
from elman.tasks.verify import Comparison, Verification
from elman.tasks.verify import verify as check

_FILES_SHOWN = 5
"""How many files of data are named: a folder of recordings may have thousands."""


def verify(
    run: RunPath,
    /,
    *,
    metrics: Annotated[
        bool,
        Parameter(
            name="--no-metrics",
            negative=(),
            help="check the checksums only, and compute no figures again",
        ),
    ] = False,
    device: Device = None,
    threads: Threads = None,
    cell: Cell = None,
) -> None:
    """Check each file of a run against its checksum, and compute its stored figures again.

    Says what the run was made of and with. Exit code 2 where a file is missing or damaged, 1 where
    a figure differs by more than a thousandth.
    """
    use_threads(threads)
    found = check(run, metrics=not metrics, cell=cell, device=device)
    for line in _lines(found):
        print(line)
    sys.stdout.flush()
    if found.problems:
        more = f", and {len(found.problems) - 1} more" if len(found.problems) > 1 else ""
        raise InputError(f"{found.problems[0]}{more}")
    differing = [each.name for each in found.comparisons if not each.agrees]
    if differing:
        raise RunFailed(
            f"{run}: {', '.join(differing)} differ from what was stored, though all files are"
            " intact; see the versions and the hardware above"
        )


def _lines(found: Verification) -> Iterator[str]:
    yield from _record(found.record)
    yield f"{len(found.intact)} files intact"
    yield from found.problems
    if found.unlisted:
        yield f"without a checksum: {', '.join(found.unlisted)}"
    width = max((len(each.name) for each in found.comparisons), default=0)
    for each in found.comparisons:
        yield f"{each.name:<{width}}  {_compared(each)}"
    yield from found.notes


def _compared(each: Comparison) -> str:
    stored, computed = (
        "none" if value is None else measured(value) for value in (each.stored, each.computed)
    )
    return f"{stored}, the same" if each.agrees else f"{stored} was stored, {computed} computed"


def _record(record: Mapping[str, Any]) -> Iterator[str]:
    versions, hardware = record.get("versions", {}), record.get("hardware", {})
    if versions:
        yield "made with " + ", ".join(f"{name} {number}" for name, number in versions.items())
    if hardware:
        yield "made on " + ", ".join(f"{name} {value}" for name, value in hardware.items())
    if training := record.get("training", {}):
        yield "trained with " + ", ".join(f"{name} {value}" for name, value in training.items())
    files = record.get("data", [])
    for entry in files[:_FILES_SHOWN]:
        details = [f"size {entry['size']:,}" if "size" in entry else "read once"]
        details += [f"sha256 {entry['sha256']}"] if "sha256" in entry else []
        yield f"data {entry['name']}: {', '.join(details)}"
    if others := files[_FILES_SHOWN:]:
        yield f"data: {len(others):,} more files; config.toml lists them"

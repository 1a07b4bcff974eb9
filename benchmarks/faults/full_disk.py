"""Trainings whose disk is full at some moment, and goes on when there is room again."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.faults.children import Child, Ended
from benchmarks.faults.survival import Place, Reference, Trial, concluded, leftovers

_SIZE = 32 * 2**20
_PAGE = 4096


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A file system of 32 MB at `folder`, if we may mount one; says whether it is."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "elman", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def fill(reference: Reference, folder: Path, draw: random.Random, *, mounted: bool) -> Trial:
    """Train where there is too little room, then make room and go on as the messages say.

    Where no disk can be mounted, no file may grow beyond a limit instead.
    """
    trial = Trial(reference.training.name)
    place = Place(folder, reference.training, folder / "disk")
    exists = draw.random() < 1 / 3
    ended = Ended(0, "")
    while ended.code == 0:  # there was room enough
        place.begin(out_exists=exists)
        if mounted:
            filler = place.inner / "filler"
            filler.write_bytes(bytes(_SIZE - _PAGE * (4 + draw.randrange(reference.size // _PAGE))))
            ended = Child(place.command("train"), place.log).wait()
            filler.unlink()
        else:
            limit = draw.randrange(reference.largest)
            ended = Child(place.command("train"), place.log, limit).wait()
    trial.filled += 1
    if ended.code != 1 or "disk is full" not in ended.line or str(place.inner) not in ended.line:
        trial.faults.append(f"a full disk ended it with {ended.code}: {ended.line}")
    trial.faults += [f"a full disk left {path.name}" for path in leftovers(place.inner)]
    if not trial.faults:
        name = place.what_works(trial)
        concluded(Child(place.command(name), place.log).wait(), reference, place, trial)
    return trial

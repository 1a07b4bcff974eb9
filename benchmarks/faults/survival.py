"""One small training that is killed, and gone on with as its messages say, until it is done."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, final

from safetensors import safe_open

from benchmarks.faults.children import Child, Ended
from benchmarks.faults.small_trainings import Training

Moment = Literal["in preparation", "near a write", "at any time"]

POLL = 0.001
NEAR = 0.05
"""A kill at most so many seconds after a write that was seen counts as near it."""
MOST_KILLS = 3
PATIENCE = 300
"""Seconds after which a process that does not end counts as hung."""


@dataclass(frozen=True)
class Reference:
    """The training that nobody disturbs.

    Attributes:
        training: which.
        prepared: seconds until its run directory is there.
        seconds: until it is done.
        writes: how often a file was seen to change.
        weights: the content of its predictor's files and the last checkpoint's weights.
        size: bytes of its files.
        largest: bytes of the largest of them.
    """

    training: Training
    prepared: float
    seconds: float
    writes: int
    weights: dict[str, bytes]
    size: int
    largest: int


@dataclass(frozen=True)
class Kill:
    """One SIGKILL that met a live process: what it was doing."""

    preparing: bool
    near_a_write: bool


@dataclass
class Trial:
    """What became of one training.

    Attributes:
        task: its task.
        kills: those that it lived through.
        filled: how often the disk was full.
        resumed: how often `elman resume` was the command that worked.
        started: how often that was `elman train`, once more.
        faults: what went wrong, a line each.
    """

    task: str
    kills: list[Kill] = field(default_factory=list)
    filled: int = 0
    resumed: int = 0
    started: int = 0
    faults: list[str] = field(default_factory=list)


@final
class Place:
    """Where a training happens, so that it can be tried on a copy what works there."""

    def __init__(self, folder: Path, training: Training, inner: Path | None = None) -> None:
        self._folder, self._training = folder, training
        self.inner = folder / "place" if inner is None else inner
        self.out = self.inner / "run"
        self.log = folder / "log.txt"

    def begin(self, *, out_exists: bool) -> None:
        """Empty it; a run directory that exists is one that cannot be renamed into place."""
        self.inner.mkdir(exist_ok=True)
        for path in self.inner.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if out_exists:
            self.out.mkdir()

    def command(self, name: str, out: Path | None = None) -> list[str]:
        """`train` or `resume`."""
        out = self.out if out is None else out
        return self._training.command(self._folder, out) if name == "train" else [name, str(out)]

    def what_works(self, trial: Trial) -> str:
        """`train` or `resume`: the one that works, which the other has to name."""
        refused: dict[str, Ended] = {}
        for name in ("train", "resume"):
            copy = self._folder / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(self.inner, copy, ignore=shutil.ignore_patterns("filler"))
            child = Child(self.command(name, copy / "run"), self.log)
            while child.ended() is None and "training up to" not in read(self.log):
                check_patience(child)
                time.sleep(POLL)
            ended = child.kill()
            if ended.code not in (0, -signal.SIGKILL):
                refused[name] = ended
        match list(refused):
            case ["train"]:
                works = "resume"
                trial.resumed += 1
            case ["resume"]:
                works = "train"
                trial.started += 1
            case _:
                lines = "; ".join(f"{name}: {ended.line}" for name, ended in refused.items())
                trial.faults.append(
                    f"not one of train and resume works, but {2 - len(refused)}: {lines}"
                )
                return "resume"
        (told,) = refused.values()
        if told.code != 2 or f"`elman {works} " not in told.line:
            trial.faults.append(f"{works} works, but is not named: {told.code} {told.line}")
        return works


def unbroken(training: Training, folder: Path) -> Reference:
    """Train without a kill."""
    out = folder / f"{training.name}-unbroken"
    shutil.rmtree(out, ignore_errors=True)
    child = Child(training.command(folder, out), folder / "log.txt")
    prepared, writes, seen = 0.0, 0, Changes(out)
    while child.ended() is None:
        if not prepared and (out / "config.toml").exists():
            prepared = time.monotonic() - child.began
        writes += seen.any()
        time.sleep(POLL)
    seconds = time.monotonic() - child.began
    if (ended := child.wait()).code:
        raise SystemExit(f"the unbroken training of {training.name} failed: {ended.line}")
    sizes = [path.stat().st_size for path in out.rglob("*") if path.is_file()]
    return Reference(
        training, prepared, seconds, writes, final_weights(out), sum(sizes), max(sizes)
    )


def final_weights(run: Path) -> dict[str, bytes]:
    """Each file of the predictor, and each tensor of the weights in the newest checkpoint."""
    found = {path.name: path.read_bytes() for path in sorted((run / "predictor").iterdir())}
    newest = max((run / "checkpoints").glob("step-*.safetensors"))
    with safe_open(newest, "np") as file:
        for name in file.keys():  # noqa: SIM118
            if name.startswith(("model.", "optimizer.")):
                found[f"{newest.name}/{name}"] = file.get_tensor(name).tobytes()
    return found


def survive(
    reference: Reference, moment: Moment, folder: Path, draw: random.Random, most: int
) -> Trial:
    """Train, kill at `moment`, go on until done; compare with the unbroken training."""
    trial = Trial(reference.training.name)
    place = Place(folder, reference.training)
    place.begin(out_exists=draw.random() < 1 / 3)
    wanted = min(most, 1 if draw.random() < 0.7 else draw.randint(2, MOST_KILLS))
    name, planned = "train", moment
    while not trial.faults and len(trial.kills) < wanted:
        found = killed(place.command(name), planned, reference, place, draw)
        if isinstance(found, Ended):  # it was done before its time had come
            return concluded(found, reference, place, trial)
        trial.kills.append(found)
        name, planned = place.what_works(trial), draw.choice(("near a write", "at any time"))
    if not trial.faults:
        concluded(Child(place.command(name), place.log).wait(), reference, place, trial)
    return trial


def concluded(ended: Ended, reference: Reference, place: Place, trial: Trial) -> Trial:
    """`trial` with what is to be said about its end."""
    if ended.code != 0:
        trial.faults.append(f"ended with {ended.code}: {ended.line}")
        return trial
    found = final_weights(place.out)
    different = sorted(
        name
        for name in found.keys() | reference.weights.keys()
        if found.get(name) != reference.weights.get(name)
    )
    if different:
        trial.faults.append(f"differs from the unbroken training: {', '.join(different[:4])}")
    trial.faults += [f"is left behind: {path.name}" for path in leftovers(place.inner)]
    return trial


def leftovers(folder: Path) -> list[Path]:
    """Partial files, locks and preparations, of which a training that is done leaves none."""
    return sorted(folder.rglob(".*"))


def killed(
    command: list[str], moment: Moment, reference: Reference, place: Place, draw: random.Random
) -> Kill | Ended:
    """Run a command and kill it at `moment`; how it ended where that was too late."""
    after = reference.prepared if moment == "in preparation" else reference.seconds
    time_of_kill, number = draw.uniform(0, after), 0
    if moment == "near a write":
        time_of_kill, number = draw.uniform(0, NEAR), draw.randint(1, max(1, reference.writes))
    changes, last = Changes(place.out), -1.0
    child = Child(command, place.log)
    began = None if number else child.began
    while child.ended() is None:
        now = time.monotonic()
        if changes.any():
            last, number = now, number - 1
            if number == 0:
                began = now
        if began is not None and now - began >= time_of_kill:
            break
        check_patience(child)
        time.sleep(POLL)
    near = time.monotonic() - last <= NEAR
    ended = child.kill()
    if ended.code != -signal.SIGKILL:
        return ended
    return Kill(not (place.out / "config.toml").exists(), near)


@final
class Changes:
    """Tells whether anything in a run directory, or where it is prepared, has changed."""

    def __init__(self, out: Path) -> None:
        roots = (out, out.with_name(f".{out.name}.preparing"), out / ".preparing")
        parts = ("", "data", "predictor", "checkpoints")
        self._folders = [root / part for root in roots for part in parts]
        self._seen = self._look()

    def any(self) -> bool:
        """Since the last call."""
        before, self._seen = self._seen, self._look()
        return before != self._seen

    def _look(self) -> list[tuple[str, int, int]]:
        found = []
        for folder in self._folders:
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        stat = entry.stat()
                        found.append((entry.path, stat.st_mtime_ns, stat.st_size))
            except OSError:  # not there, or a file that has just gone
                continue
        return found


def check_patience(child: Child) -> None:
    """Stop the study for a process that hangs."""
    if time.monotonic() - child.began > PATIENCE:
        child.kill()
        raise SystemExit(f"a process has not ended after {PATIENCE} seconds")


def read(path: Path) -> str:
    """The text of a log that may not be there yet."""
    return path.read_text("utf-8", "replace") if path.exists() else ""

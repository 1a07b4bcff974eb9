"""How a run directory comes to be: it appears whole, and a kill before that leaves no run.

A run at a new place is prepared in a hidden folder beside it, `.NAME.preparing`, which is renamed
in the end. In an empty folder that is there already (a mount, a link, the current folder) it is
prepared in the hidden folder `.preparing`; then its parts are moved up, config.toml last. A kill
among those moves leaves a complete run, which `resume` moves up to the end. Everything else that a
kill leaves is cleared by the next `train`, but for the folder `RESUMED` of the data: it may have
taken hours, so the task looks at it again and goes on from what it can use.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import final

from elman.errors import InputError
from elman.files import sync_folder
from elman.training.run_directory import INSIDE, RESUMED, RunDirectory, beside, occupied
from elman.training.run_lock import LOCK, Busy, Owner, RunLock, owner_of


@final
class Preparation:
    """A run that is put together out of sight.

    Attributes:
        place: where its parts are to be written, config.toml last.
        published: whether it has begun to appear at its own place.
    """

    def __init__(
        self,
        out: Path,
        target: Path,
        lock: RunLock,
        *,
        inside: bool,
        old: RunLock | None = None,
    ) -> None:
        self.place = RunDirectory(target / INSIDE if inside else beside(target))
        self.published = False
        self._out, self._target, self._inside = out, target, inside
        self._lock, self._old = lock, old

    def publish(self) -> RunLock:
        """Let the run appear; the lock on it, which the caller gives back."""
        place, target = self.place, self._target
        shutil.rmtree(place.data / RESUMED, ignore_errors=True)
        for folder in (place.data, place.predictor, place.checkpoints, place.path):
            sync_folder(folder)
        if self._inside:
            self.published = True
            _move_up(target)
            return self._lock
        try:
            with nullcontext() if self._old is None else _moved_away(target, self._old):
                place.path.rename(target)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise InputError(
                    f"{self._out}: has appeared while this run was prepared; choose another --out"
                ) from error
            raise
        self.published = True
        self._lock.moved(target)
        sync_folder(target.parent)
        return self._lock


@contextmanager
def preparing(out: Path, *, overwrite: bool = False) -> Iterator[Preparation]:
    """Put a new run together; unless it is published in the block, nothing of it stays.

    With `overwrite` a run at `out` is replaced when the new one is published, and not before.

    Raises:
        InputError: there is something at `out`, or another process is at work on it.
        OSError: it cannot be written.
    """
    target = Path(os.path.realpath(out))
    if overwrite and RunDirectory(target).is_whole:
        with _take(out, target, make=False) as old, _preparing(out, target, old) as preparation:
            yield preparation
    else:
        refuse_taken(out, target)
        with _preparing(out, target) as preparation:
            yield preparation


@contextmanager
def _preparing(out: Path, target: Path, old: RunLock | None = None) -> Iterator[Preparation]:
    inside = target.is_dir() and old is None
    lock = _take(out, target if inside else beside(target), make=not inside)
    preparation = Preparation(out, target, lock, inside=inside, old=old)
    place = preparation.place
    try:
        # Only the holder of the lock can be sure of what is there.
        if old is None:
            refuse_taken(out, target, lock)
        if inside:
            _clear_beside(target)
        if place.path.is_dir():
            _clear(place, lock=inside)
        for folder in (place.data, place.predictor, place.checkpoints):
            folder.mkdir(parents=True, exist_ok=True)
        yield preparation
    except BaseException:
        lock.release()
        raise
    finally:
        if not preparation.published:
            shutil.rmtree(place.path, ignore_errors=True)
            lock.release()


def own(place: RunDirectory) -> RunLock:
    """The lock of a run that is there, which is to be trained on; what kills left is cleared.

    Raises:
        InputError: there is no run, or another process trains it.
    """
    target = Path(os.path.realpath(place.path))
    waiting = (target / INSIDE / place.config_path.name).is_file()
    if not place.config_path.is_file() and not waiting:
        raise place.why_no_run()
    lock = _take(place.path, target, make=False)
    try:
        if (target / INSIDE).is_dir():
            _move_up(target)
        if not place.is_whole:
            raise InputError(not_whole(place))
        for folder in (place.data, place.checkpoints):
            folder.mkdir(exist_ok=True)  # copies of a run may leave out what is empty
        place.clear_leftovers()
    except BaseException:
        lock.release()
        raise
    return lock


def refuse_taken(out: Path, target: Path, lock: RunLock | None = None) -> None:
    """Refuse a place where no new run can be; `lock` is ours, so it stands for nobody else."""
    place = RunDirectory(target)
    if not target.is_dir():
        if target.exists():
            raise InputError(f"{out}: is a file, expected a new folder; choose another --out")
        return
    owner = None if lock is not None else owner_of(target)
    waiting = target / INSIDE / place.config_path.name
    if place.config_path.is_file() or waiting.is_file():
        if owner is not None:
            raise InputError(f"{out}: {_trains(owner)}; choose another --out")
        if place.config_path.is_file() and not place.is_whole:
            raise InputError(not_whole(RunDirectory(out)))
        raise InputError(
            f"{out}: holds a run already; go on with `elman resume {out}`, choose another --out, or"
            " give --overwrite to replace it"
        )
    if owner is not None:
        raise InputError(f"{out}: {owner} is preparing a run here; choose another --out")
    if occupied(target):
        raise InputError(f"{out}: exists and is not empty; choose another --out, or delete it")


def not_whole(place: RunDirectory) -> str:
    """The message about a run that is not whole, as kills of older versions left them."""
    return (
        f"{place.path}: a run whose preparation was cut off, it has no"
        f" {place.header_path.relative_to(place.path)}; delete it and train again"
    )


def _trains(owner: Owner) -> str:
    return f"{owner} is training this run; wait until it ends, or stop it"


def _take(out: Path, folder: Path, *, make: bool) -> RunLock:
    while True:
        if make:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(exist_ok=True)
        try:
            return RunLock.take(folder)
        except Busy as busy:
            if make:
                raise InputError(
                    f"{out}: {busy.owner} is preparing this run; wait for it, or choose another"
                    " --out"
                ) from busy
            raise InputError(f"{out}: {_trains(busy.owner)}") from busy
        except FileNotFoundError:
            if not make:
                raise
            # Another `train` has just renamed or discarded the folder; the place is free again,
            # or refused by the look that follows.


@contextmanager
def _moved_away(target: Path, lock: RunLock) -> Iterator[None]:
    """Remove the run at `target`, whose lock is ours, if the block puts another in its place."""
    old = target.with_name(f".{target.name}.replaced")
    shutil.rmtree(old, ignore_errors=True)
    target.rename(old)
    lock.moved(old)
    try:
        yield
    except BaseException:
        old.rename(target)
        lock.moved(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _move_up(target: Path) -> None:
    """Move what was prepared inside `target` to its own place, config.toml last."""
    stage = RunDirectory(target / INSIDE)
    parts = sorted(stage.path.iterdir(), key=lambda part: (part == stage.config_path, part.name))
    if parts and parts[-1] != stage.config_path:  # no complete run; it is of no use
        shutil.rmtree(stage.path)
        return
    for part in parts:
        if part == stage.config_path:
            sync_folder(target)
        part.rename(target / part.name)
    stage.path.rmdir()
    sync_folder(target)


def _clear_beside(target: Path) -> None:
    """Clear what a kill left beside `target`, which was no folder yet at that time."""
    folder = beside(target)
    if folder.is_dir() and owner_of(folder) is None:
        shutil.rmtree(folder, ignore_errors=True)


def _clear(place: RunDirectory, *, lock: bool) -> None:
    """Remove what a kill has left in `place`, its lock only with `lock`: else it is ours by now."""
    resumed = place.data / RESUMED
    found = [*place.path.iterdir(), *(place.data.iterdir() if resumed.is_dir() else ())]
    for path in found:
        if path == resumed or (path == place.data and resumed.is_dir()):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif lock or path.name != LOCK:
            path.unlink()

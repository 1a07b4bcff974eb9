"""One live process owns a run: a lock that dies with the process.

The lock is `flock` on a file in the run's folder, which the kernel gives back when the process
ends, however it ends. The file says who holds it. It is removed when the lock is given back, so a
file that is left behind means a kill, and hinders nobody.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
import warnings
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

from elman.errors import ElmanWarning

if sys.platform != "win32":
    import fcntl

LOCK = ".lock"

_UNSUPPORTED = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


@dataclass(frozen=True)
class Owner:
    """The process that holds a lock, as far as the lock's file tells."""

    pid: int | None = None
    host: str | None = None

    def __str__(self) -> str:
        return "another process" if self.pid is None else f"process {self.pid} on {self.host}"

    @property
    def lives_here(self) -> bool:
        """Whether it is another live process of this machine."""
        if self.pid in (None, os.getpid()) or self.host != socket.gethostname():
            return False
        return is_alive(self.pid)


class Busy(Exception):
    """The lock is held by `owner`."""

    def __init__(self, owner: Owner) -> None:
        super().__init__(f"held by {owner}")
        self.owner = owner


@final
class RunLock:
    """The lock of a folder while it is held; `take` makes one.

    A forked child does not hold it: otherwise a child that outlives its parent would keep the run.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor: int | None = descriptor
        _held.add(self)

    @classmethod
    def take(cls, folder: Path) -> Self:
        """The lock of `folder`.

        Where the file system has no locks, a warning says so, and only what the file says keeps
        others away.

        Raises:
            Busy: another process, or another thread of this one, holds it.
            OSError: there is no such folder, or it cannot be written.
        """
        path = folder / LOCK
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                _lock(descriptor, folder)
                if _is_at(path, descriptor):
                    break
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # its holder has just removed the file, or moved the folder
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)
        except OSError:  # a full disk; then the lock holds, but does not say for whom
            pass
        return cls(path, descriptor)

    @property
    def held(self) -> bool:
        """Whether this process still holds it."""
        return self._descriptor is not None

    def moved(self, folder: Path) -> None:
        """Take note that the locked folder, with the lock's file in it, is now `folder`."""
        self._path = folder / LOCK

    def release(self) -> None:
        """Give it back; once is enough, twice does no harm."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        try:
            if _is_at(self._path, descriptor):
                self._path.unlink()
        except OSError:  # a folder that has become read-only
            pass
        finally:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __del__(self) -> None:
        self.release()

    def forget(self) -> None:
        """Close the file in a forked child, whose parent goes on holding the lock."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


_held: weakref.WeakSet[RunLock] = weakref.WeakSet()


def _forget_all() -> None:
    for lock in list(_held):
        lock.forget()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forget_all)


def owner_of(folder: Path) -> Owner | None:
    """Who holds the lock of `folder`, or None; nothing is written, and nobody is kept waiting."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if sys.platform == "win32":
            raise OSError(errno.ENOTSUP, "no flock")
        # Shared, so that two who ask at the same time do not take each other for the owner.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _owner(descriptor)
    except OSError:
        found = _owner(descriptor)
        return found if found.lives_here else None
    finally:
        os.close(descriptor)
    return None


def is_alive(pid: int) -> bool:
    """Whether there is a process of that number on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's, or no number of a process
        return True
    return True


def _lock(descriptor: int, folder: Path, tries: int = 3) -> None:
    try:
        if sys.platform == "win32":
            raise OSError(errno.ENOTSUP, "no flock")
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        if tries > 1:  # it may be one who only asks, in `owner_of`
            time.sleep(0.02)
            return _lock(descriptor, folder, tries - 1)
        raise Busy(_owner(descriptor)) from error
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        if (owner := _owner(descriptor)).lives_here:
            raise Busy(owner) from error
        warnings.warn(
            f"{folder}: its file system has no locks; take care that no other process trains this"
            " run",
            ElmanWarning,
            stacklevel=2,
        )


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether `path` is still the file that was opened."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False


def _owner(descriptor: int) -> Owner:
    try:
        pid, host = os.pread(descriptor, 400, 0).decode().split()
        return Owner(int(pid), host)
    except (OSError, ValueError):
        return Owner()

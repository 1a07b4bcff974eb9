"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

from elman.errors import InputError

FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of the disk is used up",
    errno.EFBIG: "the disk is full, or a limit on the size of files is reached",
}
_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)


def as_path(value: str | os.PathLike[str], name: str) -> Path:
    """The path that the argument `name` gives.

    Raises:
        TypeError: it is neither a string nor a path.
        InputError: it is empty, or can't be a path.
    """
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name}: expected a str or a Path, got {type(value).__name__}")
    text = os.fspath(value)
    if not text or "\0" in text:
        raise InputError(f"{name}: expected the path of a file or folder, got {text!r}")
    return Path(text)


@final
class DiskFull(OSError):
    """There was no room for the file at `path`; whatever stood there before is as it was.

    Args:
        number: ENOSPC, EDQUOT or EFBIG.
        path: the file that was to be written.
        size: how many bytes it was to have; None where that is not known.
    """

    def __init__(self, number: int, path: Path, size: int | None = None) -> None:
        super().__init__(number, FULL[number], str(path))
        self._room = [] if size is None else [f"needs {_amount(size)}"]
        if number == errno.ENOSPC:
            self._room += [f"{_amount(shutil.disk_usage(path.parent).free)} free"]

    def __str__(self) -> str:
        room = f" {', '.join(self._room)}" if self._room else ""
        return f"{self.strerror} ({self.filename}{room})"


def full_disk(error: BaseException) -> int | None:
    """ENOSPC, EDQUOT or EFBIG where that is what `error` says, also in the words of a library."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno if error.errno in FULL else None
    text = str(error)
    if isinstance(error, OSError) and " requested and " in text:  # numpy's words for a short write
        return errno.ENOSPC
    return next((number for number in FULL if os.strerror(number) in text), None)


@contextmanager
def atomic_path(path: str | os.PathLike[str], size: int | None = None) -> Iterator[Path]:
    """A temporary path beside `path`, which takes its place when the block ends without an error.

    The bytes reach the disk before the name does, so that neither a kill, a power cut nor a full
    disk leaves a file that is half written. When the block or the disk fails, the temporary file
    is removed and whatever stood at `path` stays as it was.

    Args:
        path: the file.
        size: how many bytes it will have, for the message about a full disk.

    Raises:
        DiskFull: there is no room for it.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and (number := full_disk(error)) is not None:
            raise DiskFull(number, path, size) from error
        raise
    sync_folder(path.parent)


@contextmanager
def safetensors_path(path: str | os.PathLike[str], size: int | None = None) -> Iterator[Path]:
    """`atomic_path` for a file of safetensors, readable by whom the system's mask lets read."""
    from safetensors import SafetensorError

    with atomic_path(path, size) as partial:
        partial.touch()
        mode = partial.stat().st_mode
        try:
            yield partial
        except SafetensorError as error:  # how safetensors reports an error of the system
            if (number := full_disk(error)) is not None:
                raise OSError(number, os.strerror(number)) from error
            raise OSError(f"{path}: cannot be written: {error}") from error
        partial.chmod(mode)  # safetensors makes files that only their owner can read


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8, newlines as they are, whole or not at all."""
    write_bytes(path, text.encode())


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data`, whole or not at all."""
    with atomic_path(path, len(data)) as partial:
        partial.write_bytes(data)


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as strict JSON (no NaN), whole or not at all."""
    write_bytes(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """`value` as strict JSON (no NaN) in UTF-8."""
    return (json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def sync_folder(folder: Path) -> None:
    """Force the names in `folder` out to the disk, where the file system can do that."""
    if os.name != "posix":  # other systems cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)


def _amount(size: int) -> str:
    """A number of bytes for people."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"

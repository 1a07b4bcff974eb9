"""The bounds of what is read from files, each with its reason.

A file may come from a stranger: what it declares is compared with these before memory is taken, and
a message names the bound and a remedy. SECURITY.md lists them.
"""

from __future__ import annotations

import stat
import sys
from pathlib import Path

from elman.errors import InputError

MOST_NESTED = 100
"""Levels of JSON or TOML; ours have fewer than ten, and Python's own recursion ends near 1,000."""

MOST_COLUMNS = 32_768
"""Columns of a table: twice what a spreadsheet can hold; the widest public tables have 10,000."""

MOST_EXPANSION = 200
"""How much larger than its compressed file a text or array may be; real ones reach 3 to 50, and
what is made to fill the memory 1,000."""

SMALL_EXPANSION = 1 << 28
"""Bytes up to which the ratio does not matter, since any machine can hold them."""

MOST_SETTINGS = 1 << 26
"""Bytes of a file of settings, a tokenizer or the description of a predictor; the largest
tokenizers take 20 MB."""

MOST_TOML = 1 << 20
"""Characters of TOML, whose parser is slow; the settings of a run take a few thousand."""

SHARE_OF_MEMORY = 4
"""What is read into memory at once may take this part of the memory that is free: copies of it, in
other types, are made on the way to a network."""


def free_memory() -> int:
    """Bytes that this process can still take, as far as the system says."""
    free = _available()
    if sys.platform != "win32":
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            free = min(free, soft - _address_space(resource.getpagesize()))
    return max(free, 0)


def most_at_once() -> int:
    """Bytes that may be read into memory at once; see `SHARE_OF_MEMORY`."""
    return free_memory() // SHARE_OF_MEMORY


def check_expansion(path: Path, expanded: int, compressed: int, remedy: str) -> None:
    """Raise InputError where a file holds far more than its size lets expect."""
    if expanded > SMALL_EXPANSION and expanded > MOST_EXPANSION * compressed:
        raise InputError(
            f"{path}: {compressed:,} compressed bytes hold {expanded:,} or more, above the bound of"
            f" {MOST_EXPANSION} times as much; if it is yours, {remedy}"
        )


def check_memory(path: Path | str, needed: int, remedy: str) -> None:
    """Raise InputError where `needed` bytes are more than may be read at once."""
    most = most_at_once()
    if needed > most:
        raise InputError(
            f"{path}: needs {needed:,} bytes at once, above the bound of {most:,} (a quarter of the"
            f" memory that is free); {remedy}"
        )


class Budget:
    """Memory that grows row by row: half of what is free, since the columns are made of the rows.

    Args:
        path: the file that is read.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._most = path, free_memory() // 2
        self._left = self._most

    def take(self, size: int) -> None:
        """Count `size` bytes; InputError where they are more than there are."""
        self._left -= size
        if self._left < 0:
            raise InputError(
                f"{self._path}: its rows need more than {self._most:,} bytes, the bound (half of"
                " the memory that is free); give fewer rows at once, or Parquet"
            )


def check_regular(path: Path) -> None:
    """Raise InputError for a folder, a pipe, a socket or a device; a missing file passes."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # whoever opens it says why it can't be
    if not stat.S_ISREG(mode):
        kind = next((name for test, name in _KINDS if test(mode)), "special file")
        raise InputError(
            f"{path}: is a {kind}, expected a file; give a file (save what a pipe gives in one)"
        )


def read_settings(path: Path) -> bytes:
    """The bytes of a small file: settings, a tokenizer, a description.

    Raises:
        OSError: it can't be read.
        InputError: no file, or larger than any of its kind.
    """
    check_regular(path)
    with path.open("rb") as file:
        data = file.read(MOST_SETTINGS + 1)
    if len(data) > MOST_SETTINGS:
        raise InputError(
            f"{path}: larger than {MOST_SETTINGS:,} bytes, the bound of a file of settings; give"
            " the right file"
        )
    return data


_KINDS = (
    (stat.S_ISDIR, "folder"),
    (stat.S_ISFIFO, "pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)


def _available() -> int:
    """Memory that the system can give without swapping, within the limit of a container."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(int(line.split()[1]) << 10 for line in lines if line[:13] == "MemAvailable:")
    except (OSError, StopIteration, ValueError, IndexError):
        free = 1 << 62
    folder = Path("/sys/fs/cgroup")
    try:
        limit = int((folder / "memory.max").read_text(encoding="ascii"))
        free = min(free, limit - int((folder / "memory.current").read_text(encoding="ascii")))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        pass
    return free


def _address_space(page: int) -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * page

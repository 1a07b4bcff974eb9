"""Checksums that show that a file is no longer what was written.

A file that is replaced as a whole, such as weights or settings, carries the SHA-256 of itself: its
*seal*, a text near its beginning, which counts as zeros while the file is hashed. Files that
cannot carry one, such as arrays and pictures, are listed with their hashes in the `hashes.json` of
their folder, which is sealed.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from elman.bounds import read_settings
from elman.errors import InputError
from elman.files import json_bytes, write_bytes
from elman.parse import parse_json

if sys.platform != "win32":
    import fcntl

LIST = "hashes.json"
"""The file that lists the hashes of a folder."""

SEAL = f"sha256:{'0' * 64}"
"""What stands where the seal will be, until all else is written."""

CHECKED_AT_ONCE = 256 * 2**20
"""Listed files up to this size in bytes are checked when a folder is opened, larger ones only by
`elman verify`: opening a run must not wait for gigabytes to be read."""

RESTORE = "restore it from a copy, or train the run again"
"""The remedy for a file that nothing else can give back."""

_REWRITE = "delete it to have it written again, without the files that it listed"

_PATTERN = re.compile(rb"sha256:([0-9a-f]{64})")
_NEAR = 4096
"""The seal stands within so many bytes of the beginning."""

_BLOCK = 2**20


def damaged(path: str | os.PathLike[str], remedy: str = RESTORE, part: str = "") -> InputError:
    """The error for a file, or a part of one such as "line 2", that is not what was written."""
    what = f"{part} is" if part else "is"
    return InputError(
        f"{os.fspath(path)}: {what} damaged (its content does not match the checksum that was"
        f" written with it); {remedy}"
    )


def sealed(content: bytes) -> bytes:
    """`content` with its hash in the place of `SEAL`, or of an earlier seal."""
    blank = _PATTERN.sub(SEAL.encode(), content, count=1)
    digest = hashlib.sha256(blank).hexdigest()
    return blank.replace(SEAL.encode(), f"sha256:{digest}".encode(), 1)


def seal_file(path: Path) -> None:
    """Put the hash of a file that was written with `SEAL` in its place."""
    with path.open("rb+") as file:
        place = file.read(_NEAR).find(SEAL.encode())
        assert place >= 0
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(place)
        file.write(f"sha256:{digest}".encode())


def is_intact(content: bytes) -> bool:
    """Whether `content` is what `sealed` gave."""
    found = _PATTERN.search(content, 0, _NEAR)
    if found is None:
        return False
    digest = hashlib.sha256(content[: found.start()])
    digest.update(SEAL.encode())
    digest.update(memoryview(content)[found.end() :])
    return digest.hexdigest().encode() == found[1]


def is_file_intact(path: Path) -> bool:
    """Whether a file is as `seal_file` left it."""
    with path.open("rb") as file:
        head = file.read(_NEAR)
        found = _PATTERN.search(head)
        if found is None:
            return False
        digest = hashlib.sha256(head[: found.start()] + SEAL.encode() + head[found.end() :])
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest().encode() == found[1]


def chained(previous: str, content: bytes) -> str:
    """The checksum of one part of a file that is appended to, and of all parts before it."""
    return hashlib.sha256(previous.encode() + content).hexdigest()[:16]


def hash_file(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


Listed = dict[str, list[str | None]]
"""File -> the hashes that it may have. There are two only while it is being replaced, so that a
kill in between leaves no file that looks damaged; None stands for a file that is not there."""


def write_list(folder: Path, listed: Mapping[str, list[str | None]] | None = None) -> None:
    """Write the list of a folder: `listed`, or by default the hash of each file in it."""
    if listed is None:
        listed = {name: [hash_file(folder / name)] for name in names_in(folder)}
    content = {"sha256": SEAL, "files": dict(sorted(listed.items()))}
    write_bytes(folder / LIST, sealed(json_bytes(content)))


def read_list(folder: Path, remedy: str = RESTORE) -> Listed:
    """The hashes that `write_list` wrote.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = folder / LIST
    try:
        content = read_settings(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: is missing; {remedy}") from error
    if not is_intact(content):
        raise damaged(path, remedy)
    found: Any = parse_json(content)
    return dict(found["files"])


def listed_in(folder: Path, remedy: str = RESTORE) -> Listed:
    """`read_list`, or nothing where there is no list."""
    return read_list(folder, remedy) if (folder / LIST).exists() else {}


def check_listed(folder: Path, remedy: str = RESTORE) -> None:
    """Check that every listed file of a folder is there and, up to `CHECKED_AT_ONCE`, intact.

    Raises:
        InputError: names the first that is missing or damaged.
    """
    for name, hashes in read_list(folder, remedy).items():
        path = folder / name
        if path.is_file() and path.stat().st_size > CHECKED_AT_ONCE:
            continue
        if (reason := fault(path, hashes, remedy)) is not None:
            raise reason


def fault(path: Path, hashes: list[str | None], remedy: str = RESTORE) -> InputError | None:
    """What is wrong with a listed file, if anything."""
    if not path.is_file():
        return None if None in hashes else InputError(f"{path}: is missing; {remedy}")
    return None if hash_file(path) in hashes else damaged(path, remedy)


def names_in(folder: Path) -> Iterator[str]:
    """The files below a folder, but for its list and for hidden ones, which are being written."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts)
        if path.is_file() and not hidden and parts != (LIST,):
            yield "/".join(parts)


def replace_listed(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, each whole or not at all, and their hashes into its list.

    Raises:
        InputError: the list is damaged.
        OSError: the folder cannot be written.
    """
    with _alone(folder):
        listed = listed_in(folder, _REWRITE)
        new = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        between = {name: [_present(folder / name), digest] for name, digest in new.items()}
        write_list(folder, {**listed, **between})
        for name, content in files.items():
            write_bytes(folder / name, content)
        write_list(folder, {**listed, **{name: [digest] for name, digest in new.items()}})


def list_files(folder: Path, names: Iterable[str]) -> None:
    """Put files that are there into the list of their folder."""
    with _alone(folder):
        hashes: Listed = {name: [hash_file(folder / name)] for name in names}
        write_list(folder, {**listed_in(folder, _REWRITE), **hashes})


def unlist(folder: Path, prefixes: tuple[str, ...]) -> None:
    """Take the files whose names begin so out of the list, as they are about to grow."""
    with _alone(folder):
        listed = listed_in(folder, _REWRITE)
        write_list(folder, {n: h for n, h in listed.items() if not n.startswith(prefixes)})


def _present(path: Path) -> str | None:
    return hash_file(path) if path.is_file() else None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from changing the list, such as `evaluate` of a run in training."""
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

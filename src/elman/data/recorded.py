"""What a run keeps of the user's data to recognize them by: names, sizes and hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.checksums import hash_file
from elman.data.given import Arrays, Audio, Columns, Files, Given, Pairs, Splits, Texts, Video
from elman.data.tables.read import read_columns

_LISTED = 200
"""The most files of a folder that are listed one by one: what records them is a small file."""


def recorded(given: Given | None) -> list[dict[str, str | int]]:
    """One entry for each file, or for what else was given: `name`, `sha256` of its content, `size`.

    The size is in bytes for files, in rows for the rest. A folder has an entry for each file in
    it, or one for all where they are many, with a hash of their names and hashes. What can be read
    only once, such as a pipe or a generator, has its name alone.
    """
    if given is None:
        return []
    if isinstance(given, Splits):
        parts = {"train": given.train, "valid": given.valid, "test": given.test}
        return [
            {"split": split, **entry}
            for split, part in parts.items()
            if part is not None
            for entry in recorded(part)
        ]
    if isinstance(given, Files):
        return [entry for path in given.paths for entry in _of_path(path)]
    entry: dict[str, str | int] = {"name": given.where}
    match given:
        case Texts(texts, labels) if isinstance(texts, Sequence):
            return [{**entry, "sha256": _hash([*texts, *(labels or ())]), "size": len(texts)}]
        case Pairs(pairs):
            flat = [text for pair in pairs for text in pair]
            return [{**entry, "sha256": _hash(flat), "size": len(pairs)}]
        case Arrays(arrays, labels):
            return [{**entry, "sha256": _hash([*arrays, *(labels or ())]), "size": len(arrays)}]
        case Audio(audio, labels):
            flat = [part for each in audio for part in _parts_of(each)]
            return [{**entry, "sha256": _hash([*flat, *(labels or ())]), "size": len(audio)}]
        case Video(videos, labels, groups, fps):
            content = _hash([*map(_video_of, videos), *(labels or ()), *(groups or ()), fps or 0.0])
            return [{**entry, "sha256": content, "size": len(videos)}]
        case Columns():
            table = read_columns(given)
            named = [part for name, column in table.columns.items() for part in (name, column)]
            return [{**entry, "sha256": _hash(named), "size": len(table)}]
        case _:
            return [entry]


def _video_of(video: np.ndarray | Path) -> np.ndarray | str:
    """What makes a video what it is; the content of a file."""
    if isinstance(video, Path):
        return hash_file(video) if video.is_file() else str(video)
    return video


def _parts_of(recording: tuple[np.ndarray, int] | Path) -> tuple[Any, ...]:
    """What makes a recording what it is; the content of a file."""
    if isinstance(recording, Path):
        return (hash_file(recording),) if recording.is_file() else (str(recording),)
    return recording


def _of_path(path: Path) -> Iterator[dict[str, str | int]]:
    if path.is_dir():
        files = sorted(inner for inner in path.rglob("*") if inner.is_file())
        if len(files) <= _LISTED:
            for inner in files:
                yield from _of_path(inner)
            return
        digest, size = hashlib.sha256(), 0
        for inner in files:
            name = inner.relative_to(path).as_posix()
            digest.update(f"{hash_file(inner)} {name}\n".encode("utf-8", "surrogateescape"))
            size += inner.stat().st_size
        yield {"name": str(path), "sha256": digest.hexdigest(), "size": size, "files": len(files)}
        return
    entry: dict[str, str | int] = {"name": str(path)}
    if path.is_file():
        entry |= {"sha256": hash_file(path), "size": path.stat().st_size}
    yield entry


def _hash(values: Iterable[Any]) -> str:
    """The hash of texts, numbers and arrays in a row, each with its kind and its length."""
    digest = hashlib.sha256()
    for value in values:
        array = np.asarray(value)
        kind, content = f"{array.dtype.str}{array.shape}", np.ascontiguousarray(array).tobytes()
        if array.dtype.kind not in "biufcmM":
            kind, content = "text", repr(array.tolist()).encode()
        digest.update(f"{kind} {len(content)}\n".encode() + content)
    return digest.hexdigest()

"""Files that appear whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside `path`, which takes its place when the block ends without an error.

    The bytes reach the disk before the name does, so that neither a kill, a power cut nor a full
    disk leaves a file that is half written. When the block or the disk fails, the temporary file
    is removed and whatever stood at `path` stays as it was.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


@contextmanager
def safetensors_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """`atomic_path` for a file of safetensors, readable by whom the system's mask lets read."""
    from safetensors import SafetensorError

    with atomic_path(path) as partial:
        partial.touch()
        mode = partial.stat().st_mode
        try:
            yield partial
        except SafetensorError as error:  # how safetensors reports a full disk
            raise OSError(f"{path}: cannot be written: {error}") from error
        partial.chmod(mode)  # safetensors makes files that only their owner can read


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8, newlines as they are, whole or not at all."""
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data`, whole or not at all."""
    with atomic_path(path) as partial:
        partial.write_bytes(data)


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as strict JSON (no NaN), whole or not at all."""
    write_bytes(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """`value` as strict JSON (no NaN) in UTF-8."""
    return (json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # other systems cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

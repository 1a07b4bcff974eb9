"""Decoded frames of many videos in one memory-mapped file, bounded on disk.

The file grows clip by clip; beside it stands an index with a line for each clip that is whole.
Where the process is killed, the next one keeps those clips and goes on, also where the file was
whole already. The file has its name only when all of it is there.

Legend: N clips, S frames of all, H, W, C of a frame.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from elman.data.arrays import Array
from elman.data.labeled.rows import offsets_of
from elman.data.origin import Integers
from elman.data.tables.table import BadRows
from elman.data.video.clips import Clip, VideoLimits
from elman.data.video.decode import read_clip
from elman.data.video.frame_format import FrameFormat
from elman.data.video.rows import Videos
from elman.errors import InputError
from elman.parse import parse_json

_HEADER = 128
"""Bytes of the header of an `.npy` file, whatever its shape: it is written last."""

_LEFT_FREE = 1 << 28
"""Bytes of the disk that are left to others."""

_SAID_EVERY = 5.0
"""Seconds between two lines of progress."""

_LESS = "lower --frame-rate or --size"


@dataclass(frozen=True, eq=False)
class CachedFrames:
    """Frames of clips, one after the other.

    Attributes:
        frames: (S, H, W, C) uint8, in a file.
        offsets: where each clip begins, and at last where the last one ends.
        rows: which of the videos could be read.
    """

    frames: Array
    offsets: Integers
    rows: Integers


def cache_frames(
    videos: Videos,
    wanted: FrameFormat,
    path: Path,
    bad: BadRows,
    limits: VideoLimits = VideoLimits(),  # noqa: B008 (frozen)
    most_bytes: float = 20e9,
    progress: Callable[[str], object] = lambda line: None,
) -> CachedFrames:
    """Decode each clip once into `path`, an `.npy` file of uint8.

    Clips that can't be read go to `bad`. `progress` gets a line every few seconds.

    Raises:
        InputError: more bytes than `most_bytes` or than the disk has, which is estimated before and
            counted while it is written; no clip that can be read.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, index = path.with_name(f"{path.name}.partial"), _index(path)
    if path.is_file():
        path.replace(partial)
    _check_estimate(videos, wanted, path, most_bytes)
    known = _known(index, partial, wanted)
    lengths: list[int] = []
    rows: list[int] = []
    said = time.monotonic()
    try:
        with _ready(partial) as file, index.open("ab") as lines:
            size = _HEADER
            for row in range(len(videos)):
                key = _key(videos, row, wanted, limits)
                found = known.pop(0) if known and known[0]["key"] == key else None
                if found is None:
                    if known:  # other clips than those of the process before
                        known.clear()
                        _forget(lines, index, row)
                    file.truncate(size)
                    file.seek(size)
                    found = _decoded(videos, row, wanted, limits, file, size, most_bytes)
                    file.flush()
                    lines.write(json.dumps({"key": key, **found}).encode() + b"\n")
                    lines.flush()
                if found["fault"]:
                    bad.add(videos.where(row), found["fault"])
                    continue
                rows.append(row)
                lengths.append(found["frames"])
                size += found["frames"] * wanted.size
                if time.monotonic() - said > _SAID_EVERY:
                    said = time.monotonic()
                    done = f"{row + 1:,} of {len(videos):,} videos"
                    progress(f"decoded {done}, {size / 1e9:.1f} GB")
            if not rows:
                raise InputError(
                    f"{videos.where(0)}: no video of this part could be read; give one that can"
                )
            file.truncate(size)
            file.seek(0)
            file.write(_header((sum(lengths), *wanted.shape)))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise InputError(
            f"{partial}: {error.strerror or error}; free some disk, or {_LESS}"
        ) from error
    partial.replace(path)
    frames = np.load(path, mmap_mode="r", allow_pickle=False)
    return CachedFrames(frames, offsets_of(lengths), np.asarray(rows, np.int64))


def move_frames(path: Path, to: Path) -> None:
    """Put the file that `cache_frames` wrote elsewhere on its disk, for good."""
    to.parent.mkdir(parents=True, exist_ok=True)
    path.replace(to)
    _index(path).unlink(missing_ok=True)


def _index(path: Path) -> Path:
    return path.with_name(f"{path.name}.index")


def _check_estimate(videos: Videos, wanted: FrameFormat, path: Path, most_bytes: float) -> None:
    """Raise InputError where the lengths that files claim need more disk than there may be."""
    needed = sum(videos.seconds) * wanted.rate * wanted.size
    _check_bound(needed, most_bytes, "about ")
    free = shutil.disk_usage(path.parent).free - _LEFT_FREE
    if needed > free:
        raise InputError(
            f"the decoded frames need about {needed / 1e9:.3g} GB of disk, and"
            f" {max(free, 0) / 1e9:.3g} are free; free some, or {_LESS}"
        )


def _check_bound(needed: float, most_bytes: float, about: str = "") -> None:
    if needed > most_bytes:
        raise InputError(
            f"the decoded frames need {about}{needed / 1e9:.3g} GB of disk, above the bound of"
            f" {most_bytes / 1e9:.3g}; raise --most-disk, or {_LESS}"
        )


def _decoded(
    videos: Videos,
    row: int,
    wanted: FrameFormat,
    limits: VideoLimits,
    file: BinaryIO,
    size: int,
    most_bytes: float,
) -> dict[str, Any]:
    """The frames of a clip appended to the file: how many, or why it can't be read."""
    where, count = videos.where(row), 0
    blocks = read_clip(videos.clips[row], wanted, limits, where)
    while True:
        try:
            block = next(blocks, None)
        except InputError as error:
            return {"frames": 0, "fault": str(error).removeprefix(f"{where}: ")}
        if block is None:
            return {"frames": count, "fault": ""}
        count += len(block)
        _check_bound(size + count * wanted.size, most_bytes)
        file.write(np.ascontiguousarray(block).data)


def _key(videos: Videos, row: int, wanted: FrameFormat, limits: VideoLimits) -> str:
    """What a clip and its frames are known by: other bytes, format or limits have another key."""
    source = videos.clips[row]
    if isinstance(source, Clip):
        found: list[Any] = [_file(source.path), source.begin, source.end, source.fps]
    else:
        content = zlib.crc32(np.ascontiguousarray(source.frames).data)
        found = [list(source.frames.shape), content, source.fps]
    return json.dumps([*found, list(asdict(wanted).values()), list(asdict(limits).values())])


def _file(path: Path) -> list[Any]:
    """What changes where a file does, or an image of a folder; no more than its name if it went."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        stats = [(each.name, each.stat()) for each in files]
    except OSError:
        return [str(path)]
    text = json.dumps([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])
    return [str(path), len(files), zlib.crc32(text.encode())]


def _known(index: Path, partial: Path, wanted: FrameFormat) -> list[dict[str, Any]]:
    """The clips that a process before has written whole."""
    if not (index.is_file() and partial.is_file()):
        index.unlink(missing_ok=True)
        return []
    found: list[dict[str, Any]] = []
    left = partial.stat().st_size - _HEADER
    lines = index.read_bytes().split(b"\n")[:-1]  # the last one was not written to its end
    for line in lines:
        try:
            entry = parse_json(line.decode())
            left -= entry["frames"] * wanted.size
            whole = left >= 0 and isinstance(entry["key"], str) and isinstance(entry["fault"], str)
        except (ValueError, KeyError, TypeError):
            break
        if not whole:
            break
        found.append(entry)
    kept = b"".join(line + b"\n" for line in lines[: len(found)])
    index.write_bytes(kept)
    return found


def _forget(lines: BinaryIO, index: Path, rows: int) -> None:
    """Keep the first lines of the index only."""
    kept = b"".join(index.read_bytes().splitlines(keepends=True)[:rows])
    lines.truncate(len(kept))


def _ready(partial: Path) -> BinaryIO:
    """The file to be written, with room for its header."""
    if not partial.is_file() or partial.stat().st_size < _HEADER:
        partial.write_bytes(bytes(_HEADER))
    return partial.open("r+b")


def _header(shape: tuple[int, ...]) -> bytes:
    """The header of an `.npy` file of uint8 (format 1.0)."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    start = b"\x93NUMPY\x01\x00" + (_HEADER - 10).to_bytes(2, "little")
    return start + text.encode().ljust(_HEADER - 11) + b"\n"

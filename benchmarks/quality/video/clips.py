"""Clips written without loss, and manifests of them.

Legend: T frames, H height, W width.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from elman.data.optional import library
from elman.files import atomic_path, write_text

Frames = npt.NDArray[np.uint8]


def write_lossless(path: Path, frames: Frames, rate: int) -> None:
    """Gray frames (T, H, W) as an AVI that gives back each value (FFV1)."""
    _write(path, frames, rate, "ffv1", "avi", "gray", {})


def write_mp4(path: Path, frames: Iterable[Frames], rate: int) -> None:
    """Gray frames (H, W) as an MP4, as a camera would: H.264, with loss; H and W are even."""
    _write(path, frames, rate, "libx264", "mp4", "yuv420p", {"preset": "ultrafast"})


def _write(
    path: Path,
    frames: Iterable[Frames],
    rate: int,
    codec: str,
    container: str,
    pixels: str,
    options: dict[str, str],
) -> None:
    av = library("av", "video")
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as partial, av.open(str(partial), "w", format=container) as file:
        stream = None
        for number, each in enumerate(frames):
            if stream is None:
                stream = file.add_stream(codec, rate=rate, options=options)
                stream.height, stream.width = each.shape
                stream.pix_fmt = pixels
                stream.codec_context.thread_count = 1
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(each), format="gray")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            file.mux(stream.encode(frame.reformat(format=pixels)))
        if stream is not None:
            file.mux(stream.encode(None))


def read(path: Path) -> Frames:
    """All frames (T, H, W) of a gray video, each as it is stored."""
    av = library("av", "video")
    with av.open(str(path)) as file:
        file.streams.video[0].thread_count = 1
        return np.stack([frame.to_ndarray(format="gray") for frame in file.decode(video=0)])


def manifest(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """A manifest of those rows; it is written last, so that its files are whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "".join(json.dumps(dict(row)) + "\n" for row in rows))
    return path


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a manifest."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

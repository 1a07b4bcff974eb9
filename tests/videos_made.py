"""Tiny videos that tests write, in the containers that are read."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

CODECS = {
    ".mp4": ("mpeg4", "yuv420p"),
    ".avi": ("mjpeg", "yuvj420p"),
    ".webm": ("libvpx", "yuv420p"),
    ".gif": ("gif", "rgb8"),
}


def drawn(count: int = 12, height: int = 32, width: int = 48) -> np.ndarray:
    """(T, h, w, 3) frames that get brighter, the left half twice as fast."""
    frames = np.zeros((count, height, width, 3), np.uint8)
    for number in range(count):
        frames[number, :, : width // 2] = min(10 + 20 * number, 255)
        frames[number, :, width // 2 :] = 5 + 10 * number
    return frames


def write_video(
    path: Path,
    frames: np.ndarray,
    rate: int = 10,
    times: Sequence[int] | None = None,
    codec: tuple[str, str] | None = None,
) -> Path:
    """Write frames, each at its number in `times` (of 1 / rate seconds)."""
    name, pixels = codec or CODECS[path.suffix]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(name, rate=rate)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], pixels
        stream.time_base = Fraction(1, rate)
        stream.codec_context.time_base = Fraction(1, rate)
        for number, frame in enumerate(frames):
            made = av.VideoFrame.from_ndarray(frame, format="rgb24")
            made.pts, made.time_base = (times or range(len(frames)))[number], Fraction(1, rate)
            container.mux(stream.encode(made))
        container.mux(stream.encode())
    return path


def write_images(folder: Path, frames: np.ndarray, first: int = 1) -> Path:
    """Write a folder of numbered PNG images."""
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames, first):
        write_image(folder / f"frame{number:03}.png", frame)
    return folder


def write_image(path: Path, frame: np.ndarray) -> None:
    codec = av.CodecContext.create("png", "w")
    codec.height, codec.width, codec.pix_fmt = *frame.shape[:2], "rgb24"
    codec.time_base = Fraction(1, 25)
    (packet,) = [
        *codec.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")),
        *codec.encode(None),
    ]
    path.write_bytes(bytes(packet))

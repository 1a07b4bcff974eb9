"""A video file opened by PyAV: its frames with the times at which they are shown, within bounds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from elman.bounds import check_regular
from elman.data.optional import library
from elman.data.video.clips import VideoInfo, VideoLimits
from elman.data.video.headers import AGAIN, container_fault
from elman.data.video.resize import Frame
from elman.data.video.sampling import Source
from elman.errors import InputError

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".webm", ".mkv", ".gif")

CONVERT = "give MP4, AVI, WebM or GIF; ffmpeg -i IN OUT.mp4 makes one"

AS_IT_COMES = (
    "give WebM, AVI or an MP4 whose index comes first (ffmpeg -i IN -movflags"
    " frag_keyframe+empty_moov OUT.mp4), or the file to `elman predict`"
)
"""The remedy for a video whose index stands at its end."""

_OPTIONS = {
    # A playlist in a file would have other files and addresses opened.
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,gif",
    "protocol_whitelist": "file",
}

_ENDS_EARLY = 0.5
"""Seconds by which frames may end before the length that the file claims."""

_SOUND = 2.0
"""The same where the length is that of sound and video together."""


class Opened:
    """The video in an open file.

    Args:
        path: the file.
        limits: bounds on it.
        container: PyAV's.
    """

    def __init__(self, path: Path, limits: VideoLimits, container: Any) -> None:
        self.path, self.limits, self._container = path, limits, container
        if not container.streams.video:
            raise InputError(f"{path}: has no video in it; leave it out")
        if container.streams.video[0].codec_context is None:
            raise InputError(f"{path}: its video is of a kind that is not known; {CONVERT}")
        self._stream = container.streams.video[0]
        self._rate = _rate(self._stream, path, limits)
        self._check_size(self._stream.codec_context.width, self._stream.codec_context.height)
        self._first: Any = None
        self._start = 0.0
        self._pending: Any = None
        self._seconds, self._frames = self._claimed()

    def info(self) -> VideoInfo:
        """What the file says; its first frame is decoded.

        Raises:
            InputError: no frames, or one that can't be decoded.
        """
        first = self._begin()
        width, height = first.width, first.height
        if round(first.rotation / 90) % 2:
            width, height = height, width
        count = self._frames or round(self._seconds * self._rate)
        seconds = self._seconds or max(count, 1) / self._rate
        return VideoInfo(
            seconds, max(count, 1), width, height, self._rate, int(first.rotation) % 360
        )

    def frames(self) -> Iterator[tuple[Source, float, tuple[int, int]]]:
        """What makes each frame, seconds from the beginning of the video, and (h, w).

        Raises:
            InputError: one that can't be decoded, an end before the one that the file claims, more
                frames or pixels than the limits allow.
        """
        self._begin()
        time, step, end = -math.inf, 1 / self._rate, 0.0
        size: tuple[int, int] | None = None
        for count, frame in enumerate(self._decoded(), 1):
            if count > self.limits.frames:
                raise InputError(
                    f"{self.path}: more than {self.limits.frames:,} frames, the bound; cut it into"
                    " clips"
                )
            self._check_size(frame.width, frame.height)
            shown = _time(frame)
            if shown is not None:
                time = shown - self._start
            else:  # no time of its own: as long after the last one as the rate says
                time = 0.0 if time == -math.inf else time + step
            turns = round(frame.rotation / 90) % 4
            own = (frame.width, frame.height) if turns % 2 else (frame.height, frame.width)
            size = size or own
            lasts = float(frame.duration * frame.time_base) if frame.duration else step
            end = max(end, time + lasts)
            yield partial(_pixels, frame, turns), time, own
        claimed = self._seconds
        slack = _ENDS_EARLY if self._stream.duration else _SOUND
        if claimed > end + max(slack, 2 * step):
            raise InputError(
                f"{self.path}: is cut off or damaged: it claims {claimed:.3f} s, and {end:.3f} are"
                f" there; {AGAIN}"
            )

    def seek(self, seconds: float) -> bool:
        """Go to a frame before `seconds`; False where that can't be, and what follows is lost."""
        self._begin()
        base = self._stream.time_base
        if base is None:
            return False
        av = library("av", "video")
        try:
            target = int((self._start + seconds - 1) / base)
            self._container.seek(target, stream=self._stream, backward=True)
            self._pending = next(self._decoded(), None)
        except (av.FFmpegError, InputError):
            return False
        time = None if self._pending is None else _time(self._pending)
        return time is not None and time - self._start <= seconds

    def _begin(self) -> Any:
        """The first frame, whose time is the beginning."""
        if self._first is None:
            first = next(self._decoded(), None)
            if first is None:
                raise InputError(f"{self.path}: holds no frames; leave it out, or {AGAIN}")
            self._first = self._pending = first
            self._start = _time(first) or 0.0
        return self._first

    def _decoded(self) -> Iterator[Any]:
        if self._pending is not None:
            pending, self._pending = self._pending, None
            yield pending
        with _refused(self.path):
            for packet in self._container.demux(self._stream):
                if packet.is_corrupt:
                    raise InputError(f"{self.path}: is cut off or damaged; {AGAIN}")
                for frame in packet.decode():
                    if frame.is_corrupt:
                        raise InputError(f"{self.path}: is cut off or damaged; {AGAIN}")
                    yield frame

    def _claimed(self) -> tuple[float, int]:
        """Seconds and frames that the file claims, each 0 where it doesn't."""
        stream, container = self._stream, self._container
        if stream.duration and stream.time_base:
            seconds = float(stream.duration * stream.time_base)
        else:
            seconds = (container.duration or 0) / 1_000_000
        frames = max(stream.frames, 0)
        if frames > self.limits.frames:
            raise InputError(
                f"{self.path}: claims {frames:,} frames, above the bound of"
                f" {self.limits.frames:,}; cut it into clips"
            )
        return max(seconds, 0.0), frames

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self.limits.pixels:
            raise InputError(
                f"{self.path}: frames of {width:,}x{height:,} pixels, above the bound of"
                f" {self.limits.pixels:,}; make them smaller (ffmpeg -i IN -vf scale=640:-2"
                " OUT.mp4)"
            )


@contextmanager
def opened(path: Path, limits: VideoLimits) -> Iterator[Opened]:
    """The video of a file whose header has been checked.

    Raises:
        InputError: no such file, no video in it, or one that is damaged or out of bounds.
    """
    av = library("av", "video")
    check_regular(path)
    try:
        size = path.stat().st_size
        fault = container_fault(path, size, limits.frames) if size else f"is empty; {AGAIN}"
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise InputError(f"{path}: {reason}; correct the path, or leave it out") from error
    if fault:
        raise InputError(f"{path}: {fault}")
    options = {"max_pixels": str(limits.pixels), "threads": "1"}
    try:
        container = av.open(f"file:{path}", options=options, container_options=_OPTIONS)
    except (av.FFmpegError, OSError, MemoryError, ValueError) as error:
        raise InputError(
            f"{path}: is not a video that is read{_reason(error)}; {CONVERT}"
        ) from error
    with container, _refused(path):
        for stream in container.streams.video[:1]:
            if stream.codec_context is not None:
                stream.codec_context.options = options
        yield Opened(path, limits, container)


@contextmanager
def opened_stream(file: Any, limits: VideoLimits, where: str) -> Iterator[Opened]:
    """The video of what arrives in pieces: `file` has a `read(size)` and can't be sought in.

    Raises:
        InputError: no video in it, or one that is damaged or out of bounds.
    """
    av, path = library("av", "video"), Path(where)
    options = {"max_pixels": str(limits.pixels), "threads": "1"}
    try:
        container = av.open(file, options=options, container_options=_OPTIONS)
    except (av.FFmpegError, OSError, MemoryError, ValueError) as error:
        raise InputError(
            f"{where}: is not a video that can be read as it comes{_reason(error)}; {AS_IT_COMES}"
        ) from error
    with container, _refused(path):
        if container.streams.video:
            container.streams.video[0].codec_context.options = options
        yield Opened(path, limits, container)


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    """Raise InputError for what PyAV raises while a file is decoded."""
    av = library("av", "video")
    try:
        yield
    except InputError:
        raise
    except (av.FFmpegError, MemoryError) as error:
        raise InputError(f"{path}: is cut off or damaged{_reason(error)}; {AGAIN}") from error


def _rate(stream: Any, path: Path, limits: VideoLimits) -> float:
    """Frames a second, on average."""
    found = stream.average_rate or stream.guessed_rate or 0
    rate = float(found)
    if not limits.lowest_rate <= rate <= limits.highest_rate:
        raise InputError(
            f"{path}: {rate:g} frames a second, expected {limits.lowest_rate:g} to"
            f" {limits.highest_rate:,.0f}; write it anew (ffmpeg -i IN -r 25 OUT.mp4)"
        )
    return rate


def _time(frame: Any) -> float | None:
    """The second at which a frame is shown, by the time of the file."""
    if frame.pts is None or frame.time_base is None:
        return None
    return float(frame.pts * frame.time_base)


def _pixels(frame: Any, turns: int) -> Frame:
    """(h, w, 3) RGB, turned counterclockwise by quarters as a player does."""
    pixels: Frame = frame.to_ndarray(format="rgb24")
    return np.rot90(pixels, turns)


def _reason(error: BaseException) -> str:
    """What FFmpeg says, without the path."""
    said = getattr(error, "strerror", None) or ""
    return f" ({said[:100]})" if said else ""

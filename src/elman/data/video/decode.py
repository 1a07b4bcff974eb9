"""From video files, folders of images and arrays to frames of one format, block by block.

Files are MP4 (MOV), AVI, WebM (Matroska) and GIF, decoded by PyAV. What a header claims is compared
with the limits and with the size of the file first, and what is decoded is counted as it comes,
since a header may lie. Never more than a block of frames is in memory.

Legend: n frames of a block, H, W, C of a frame of the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np

from elman.data.video.clips import Clip, FrameArray, VideoInfo, VideoLimits, VideoSource
from elman.data.video.container import VIDEO_SUFFIXES, opened
from elman.data.video.frame_format import FrameFormat
from elman.data.video.images import image_frames, images_info
from elman.data.video.resize import Frame
from elman.data.video.sampling import FrameSampler, Source
from elman.errors import InputError

__all__ = [
    "VIDEO_SUFFIXES",
    "Clip",
    "FrameArray",
    "VideoInfo",
    "VideoLimits",
    "VideoSource",
    "check_bounds",
    "probe",
    "read_clip",
]

_BLOCK = 1 << 22
"""Bytes of frames that are given out at once, or one frame."""

_ROUNDED = 0.1
"""Seconds by which an end may be past the video: times in manifests are rounded."""

_NEAR = 10.0
"""Seconds from the beginning that are decoded and passed over, rather than looked for."""

Timed: TypeAlias = Iterator[tuple[Source, float, tuple[int, int]]]
"""Frames, or what makes them, the second at which each begins, and its (h, w)."""


def probe(
    source: VideoSource | Path,
    limits: VideoLimits = VideoLimits(),  # noqa: B008 (frozen)
    where: str = "data",
) -> VideoInfo:
    """What a file says of its video, as far as it can be true; or a folder, or an array.

    Raises:
        InputError: no video, one that is cut off, has no frames, or is out of bounds.
    """
    if isinstance(source, FrameArray):
        return _info_of_array(source, limits, where)
    clip = Clip(source) if isinstance(source, Path) else source
    if clip.path.is_dir():
        return images_info(clip, limits)
    with opened(clip.path, limits) as video:
        return video.info()


def read_clip(
    source: VideoSource,
    wanted: FrameFormat,
    limits: VideoLimits = VideoLimits(),  # noqa: B008 (frozen)
    where: str = "data",
) -> Iterator[Frame]:
    """Blocks (n, H, W, C) of the frames of a clip.

    Raises:
        InputError: as `probe`; a stretch that is empty or past the end, frames of several sizes, a
            broken tail, more than the limits allow.
    """
    if isinstance(source, FrameArray):
        info = _info_of_array(source, limits, where)
        frames = ((frame, n / source.fps, frame.shape[:2]) for n, frame in enumerate(source.frames))
        yield from _blocks(frames, wanted, limits, where, 0.0, info.seconds)
        return
    path, begin, end = source.path, source.begin, source.end
    if path.is_dir():
        info = images_info(source, limits)
        check_bounds(source, info, limits)
        timed = image_frames(source, limits)
        yield from _blocks(timed, wanted, limits, str(path), begin, end, info.seconds)
        return
    with opened(path, limits) as video:
        check_bounds(source, video.info(), limits)
        if begin <= _NEAR or video.seek(begin):
            yield from _blocks(video.frames(), wanted, limits, str(path), begin, end)
            return
    with opened(path, limits) as video:  # it can't be sought in: from its beginning
        yield from _blocks(video.frames(), wanted, limits, str(path), begin, end)


def check_bounds(clip: Clip, info: VideoInfo, limits: VideoLimits) -> float:
    """Seconds of a clip of a video of which `info` is said.

    Raises:
        InputError: nothing in it, past the end of the video, or longer than the limits allow.
    """
    end = info.seconds if clip.end is None else clip.end
    if not 0 <= clip.begin < end:
        raise InputError(
            f"{clip.path}: from {clip.begin:g} s to {end:g} s there is nothing; correct the times"
        )
    if end > info.seconds + max(_ROUNDED, 1 / info.rate):
        raise _past_end(clip.path, info.seconds, end)
    if end - clip.begin > limits.seconds:
        raise InputError(
            f"{clip.path}: {end - clip.begin:,.1f} s, longer than {limits.seconds:,.1f} s, the"
            " bound; cut it into clips, or raise --max-seconds"
        )
    return end - clip.begin


def _past_end(path: Path | str, seconds: float, end: float) -> InputError:
    return InputError(
        f"{path}: ends after {seconds:.3f} s, but the row at {end:g} s; correct the times"
    )


def _info_of_array(source: FrameArray, limits: VideoLimits, where: str) -> VideoInfo:
    """What is true of frames in memory.

    Raises:
        InputError: no frames, other numbers than uint8, or out of bounds.
    """
    frames, rate = source.frames, source.fps
    good = frames.ndim == 3 or (frames.ndim == 4 and frames.shape[3] in (1, 3))
    if frames.dtype != np.uint8 or not good:
        raise InputError(
            f"{where}: a video of {frames.dtype} and shape {frames.shape}, expected uint8 (frames,"
            " height, width) or (frames, height, width, 3); give whole numbers from 0 to 255"
        )
    if not frames.size:
        raise InputError(f"{where}: holds no frames; leave it out")
    if not (math.isfinite(rate) and limits.lowest_rate <= rate <= limits.highest_rate):
        raise InputError(
            f"{where}: {rate:g} frames a second, expected {limits.lowest_rate:g} to"
            f" {limits.highest_rate:,.0f}; correct fps"
        )
    count, height, width = frames.shape[:3]
    if count / rate > limits.seconds:
        raise InputError(
            f"{where}: {count / rate:,.1f} s, longer than {limits.seconds:,.1f} s, the bound; cut"
            " it into clips, or raise --max-seconds"
        )
    return VideoInfo(count / rate, count, width, height, rate, 0)


def _blocks(
    timed: Timed,
    wanted: FrameFormat,
    limits: VideoLimits,
    where: str,
    begin: float,
    end: float | None,
    seconds: float | None = None,
) -> Iterator[Frame]:
    """Blocks of the frames that are shown from `begin` to `end`; `seconds` where that is known."""
    sampler = FrameSampler(wanted, where)
    most, longest = max(_BLOCK // wanted.size, 1), limits.seconds * wanted.rate + 1
    kept: list[Frame] = []
    given = 0
    for some in _sampled(sampler, timed, begin, end, seconds):
        kept += some
        if given + len(kept) > longest:
            raise InputError(
                f"{where}: more than {limits.seconds:,.1f} s, the bound, whatever its header says;"
                " cut it into clips, or raise --max-seconds"
            )
        while len(kept) >= most:
            yield np.stack(kept[:most])
            given += most
            del kept[:most]
    if kept:
        yield np.stack(kept)
    elif not given:
        raise InputError(f"{where}: less than a frame from {begin:g} s; correct the times")


def _sampled(
    sampler: FrameSampler,
    timed: Timed,
    begin: float,
    end: float | None,
    seconds: float | None,
) -> Iterator[list[Frame]]:
    """The frames of the model as they are known; the first is what is shown at `begin`."""
    before: tuple[Source, float, tuple[int, int]] | None = None  # the last one not after `begin`
    last = shown = 0.0
    for frame, time, size in timed:
        if time > last:
            last, shown = time, time - last
        if end is not None and time >= end:
            break
        if time <= begin + 1e-6:
            before = frame, time, size
            continue
        if before is not None:
            yield sampler.push(before[0], begin, before[2])
            before = None
        yield sampler.push(frame, time, size)
    else:
        if end is not None:
            whole = last + shown if seconds is None else seconds
            if end > whole + max(_ROUNDED, shown):
                raise _past_end(sampler.where, whole, end)
    if before is not None:
        yield sampler.push(before[0], begin, before[2])
    yield sampler.flush(end)

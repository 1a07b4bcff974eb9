"""A folder of images as a video: one image a frame, in the order of the numbers in their names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from elman.data.folders import check_inside
from elman.data.optional import library
from elman.data.video.clips import Clip, VideoInfo, VideoLimits
from elman.data.video.resize import Frame
from elman.data.video.sampling import Source
from elman.errors import InputError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")

_NUMBER = re.compile(r"(\d+)(?=\D*$)")
_FORMATS = "png_pipe,jpeg_pipe,jpegls_pipe,bmp_pipe,webp_pipe,tiff_pipe,image2"


def is_image_folder(folder: Path) -> bool:
    """Whether a folder holds images and no folders, so that it is a video."""
    found = False
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            return False
        found = found or path.suffix.lower() in IMAGE_SUFFIXES
    return found


def images_of(folder: Path) -> list[Path]:
    """The images of a folder, in the order of the last number in the name of each.

    Raises:
        InputError: a name without a number, a number twice, or one that is missing.
    """
    numbered: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in IMAGE_SUFFIXES:
            continue
        check_inside(folder, path)
        found = _NUMBER.search(path.stem)
        if found is None or len(found[1]) > 12:
            raise InputError(
                f"{path}: no number in its name, which says when it is shown; name images"
                " 0001.png, 0002.png and so on"
            )
        number = int(found[1])
        if number in numbered:
            raise InputError(
                f"{path}: has the number of {numbered[number].name}; give each image its own"
            )
        numbered[number] = path
    if not numbered:
        raise InputError(f"{folder}: holds no images; leave it out")
    order = sorted(numbered)
    for before, number in pairwise(order):
        if number != before + 1:
            raise InputError(
                f"{folder}: image {before + 1} is missing, between {numbered[before].name} and"
                f" {numbered[number].name}; add it, or number the images without gaps"
            )
    return [numbered[number] for number in order]


def images_info(clip: Clip, limits: VideoLimits) -> VideoInfo:
    """What a folder of images is as a video; the first one is decoded."""
    paths = images_of(clip.path)
    rate = _rate(clip, limits)
    if len(paths) > limits.frames:
        raise InputError(
            f"{clip.path}: {len(paths):,} images, above the bound of {limits.frames:,}; cut it"
        )
    height, width = _image(paths[0], limits).shape[:2]
    return VideoInfo(len(paths) / rate, len(paths), width, height, rate, 0)


def image_frames(
    clip: Clip, limits: VideoLimits
) -> Iterator[tuple[Source, float, tuple[int, int]]]:
    """What makes each frame, the second at which it is shown, and (h, w)."""
    rate = _rate(clip, limits)
    paths = images_of(clip.path)
    first = max(int(clip.begin * rate) - 1, 0)
    for number in range(first, len(paths)):
        frame = _image(paths[number], limits)
        yield partial(_same, frame), number / rate, (frame.shape[0], frame.shape[1])


def _same(frame: Frame) -> Frame:
    return frame


def _rate(clip: Clip, limits: VideoLimits) -> float:
    if clip.fps is None:
        raise InputError(
            f"{clip.path}: a folder of images, whose rate nothing says; give --fps, images a second"
        )
    if not limits.lowest_rate <= clip.fps <= limits.highest_rate:
        raise InputError(
            f"{clip.path}: {clip.fps:g} images a second, expected {limits.lowest_rate:g} to"
            f" {limits.highest_rate:,.0f}; correct --fps"
        )
    return clip.fps


def _image(path: Path, limits: VideoLimits) -> Frame:
    """(h, w, 3) RGB."""
    av = library("av", "video")
    options = {"max_pixels": str(limits.pixels), "threads": "1"}
    inside = {"format_whitelist": _FORMATS, "protocol_whitelist": "file", "pattern_type": "none"}
    try:
        with av.open(f"file:{path}", options=options, container_options=inside) as container:
            stream: Any = container.streams.video[0]
            stream.codec_context.options = options
            frame = next(container.decode(stream), None)
            if frame is not None and not frame.is_corrupt:
                pixels: Frame = frame.to_ndarray(format="rgb24")
                return pixels
    except (av.FFmpegError, OSError, MemoryError, ValueError, IndexError) as error:
        raise InputError(f"{path}: is not an image that can be read; get it again") from error
    raise InputError(f"{path}: is not an image that can be read; get it again")

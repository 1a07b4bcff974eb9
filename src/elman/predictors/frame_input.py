"""Live frames, as bytes of raw pixels, as a video that arrives in pieces, or as arrays.

Legend: T frames, h, w of a source frame, H, W, C of one of the model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, final

import numpy as np
import torch
from torch import Tensor

from elman.data.video.clips import VideoLimits
from elman.data.video.frame_format import FrameFormat
from elman.data.video.sampling import FrameSampler, SamplerState
from elman.errors import InputError
from elman.predictors.classifier_videos import Frames
from elman.predictors.piped_video import PipedVideo
from elman.predictors.segments import Place

HINT = (
    "video; give --raw WIDTHxHEIGHT --fps N and bare pixels, as ffmpeg -i IN -f rawvideo -pix_fmt"
    " gray - | elman stream RUN does, or a video file"
)
"""What a session that sees expects of standard input."""

_AT_ONCE = 64
"""Frames of the model that are given out at a time."""

_LIMITS = VideoLimits()


@dataclass(frozen=True)
class RawFrames:
    """Bare pixels: frames one after the other, rows from the top, bytes from 0 to 255.

    Attributes:
        width: w.
        height: h.
        channels: bytes of a pixel: 1 gray, 3 red, green and blue.
    """

    width: int
    height: int
    channels: int

    @classmethod
    def of(cls, raw: str, pixels: Literal["gray", "rgb24"] | None) -> RawFrames:
        """What `--raw` and `--pixels` say; InputError for no size or one out of bounds."""
        found = re.fullmatch(r"(\d{1,6})[xX×](\d{1,6})", raw.strip())
        width, height = (int(found[1]), int(found[2])) if found else (0, 0)
        if not 0 < width * height <= _LIMITS.pixels:
            raise InputError(
                f"--raw {raw}: expected WIDTHxHEIGHT in pixels, at most {_LIMITS.pixels:,} of them;"
                " give --raw 640x480, say"
            )
        return cls(width, height, 3 if pixels == "rgb24" else 1)

    @property
    def size(self) -> int:
        """Bytes of a frame."""
        return self.width * self.height * self.channels

    @property
    def shape(self) -> tuple[int, ...]:
        """(h, w) or (h, w, 3)."""
        return (self.height, self.width) if self.channels == 1 else (self.height, self.width, 3)

    def __str__(self) -> str:
        return f"{self.width}x{self.height} {'gray' if self.channels == 1 else 'rgb24'}"


@final
class FrameInput:
    """Frames (H, W, C) of the model, of what arrives; however that is cut, those of the whole.

    What is wrong with a stream is a fault that stays until `reset`; an argument of a wrong kind is
    refused and changes nothing.

    Args:
        form: the frames of the model.
        raw: how frames stand in bytes; None for bytes of a video file.
        fps: frames a second of raw frames and of arrays; None where neither comes.
        where: what the stream is called in an error.

    Raises:
        InputError: raw frames without a rate, or a rate out of bounds.
    """

    def __init__(
        self,
        form: FrameFormat,
        raw: RawFrames | None = None,
        fps: float | None = None,
        where: str = "standard input",
    ) -> None:
        low, high = _LIMITS.lowest_rate, _LIMITS.highest_rate
        if fps is not None and not (math.isfinite(fps) and low <= fps <= high):
            raise InputError(
                f"--fps {fps:g}: expected frames a second from {low:g} to {high:,.0f}; give the"
                " rate at which they come, such as --fps 25"
            )
        if raw is not None and fps is None:
            raise InputError(
                "--raw: bare pixels do not say their rate; add --fps, the frames a second that come"
            )
        self._form, self._raw, self._fps, self._where = form, raw, fps, where
        self._video: PipedVideo | None = None
        self.reset()

    def reset(self) -> None:
        if self._video is not None:
            self._video.stop()
            self._video = None
        self._sampler = FrameSampler(self._form, self._where)
        self._kind: Literal["bytes", "arrays"] | None = None
        self._held = b""
        self._count = 0
        self._fault: str | None = None

    def read(self, chunk: Any) -> Iterator[Frames]:
        """Blocks (T, H, W, C) of the frames that a chunk completes.

        Raises:
            InputError: what can't be read, after the frames before it.
        """
        self._check()
        if isinstance(chunk, bytes | bytearray | memoryview):
            self._come_as("bytes")
            data = bytes(chunk)
            yield from _blocks(self._of_pixels(data) if self._raw else self._of_video(data))
            return
        frames = self._array(chunk)
        self._come_as("arrays")
        yield from _blocks(self._sampled(frames))

    def end(self) -> Iterator[Frames]:
        """What is left, for as long as the last frame is shown.

        Raises:
            InputError: an end in the middle of something, after what came before it.
        """
        fault = self._fault
        if self._video is not None:
            try:
                yield from _blocks(self._seen(self._video.end()))
            except InputError as error:
                fault = fault or str(error)
        elif self._held and self._raw is not None and fault is None:
            came = self._count * self._raw.size + len(self._held)
            fault = (
                f"{self._where}: ends at byte {came:,} in the middle of a frame; give whole frames"
                f" of {self._raw.size:,} bytes, {self._raw}, or correct --raw or --pixels"
            )
        end = None if self._video is not None or self._fps is None else self._count / self._fps
        yield from _blocks(iter(self._sampler.flush(end)))
        if fault is not None:
            self._fault = fault
            raise InputError(fault)

    @property
    def state(self) -> Place:
        """What is held back, in tensors and JSON values.

        Raises:
            InputError: in the middle of a video file, whose decoder can't be kept.
            KeyError, TypeError, ValueError: when set to what is no place in a stream.
        """
        if self._video is not None:
            raise InputError(
                f"{self._where}: the place in a video file can't be kept, since its decoder can't;"
                " give --raw frames to stop and go on"
            )
        sampler = self._sampler.state
        tensors = (
            {"held": torch.frombuffer(bytearray(self._held), dtype=torch.uint8)}
            if (self._held)
            else {}
        )
        if sampler.frame is not None:
            tensors["frame"] = torch.from_numpy(sampler.frame.copy())
        values = {
            "kind": self._kind,
            "count": self._count,
            "fault": self._fault,
            "fps": self._fps,
            "raw": None if self._raw is None else str(self._raw),
            "sampler": [sampler.first, sampler.last, sampler.shown, sampler.count],
            "source": list(sampler.source),
        }
        return tensors, values

    @state.setter
    def state(self, place: tuple[Mapping[str, Tensor], Mapping[str, Any]]) -> None:
        tensors, values = place
        raw = None if self._raw is None else str(self._raw)
        if values["raw"] != raw or values["fps"] != self._fps:
            raise InputError(
                "the snapshot is of a session with other --raw, --pixels or --fps; give the same as"
                " when it was saved"
            )
        kind, fault, frame = values["kind"], values["fault"], tensors.get("frame")
        if kind not in (None, "bytes", "arrays"):
            raise ValueError(f"no kind of frames: {kind!r}")
        if frame is not None and (frame.shape != self._form.shape or frame.dtype != torch.uint8):
            raise ValueError(f"a frame of {frame.dtype} and shape {tuple(frame.shape)}")
        held = bytes(tensors["held"].numpy()) if "held" in tensors else b""
        if len(held) >= (1 if self._raw is None else self._raw.size):
            raise ValueError(f"{len(held):,} bytes held back")
        first, last, shown = (float(each) for each in values["sampler"][:3])
        given, count = int(values["sampler"][3]), int(values["count"])
        height, width = (int(each) for each in values["source"])
        there = (height, width) != (0, 0)
        if not (0 <= first <= last and shown >= 0) or min(given, count, height, width) < 0:
            raise ValueError("no place in a stream of frames")
        if there != (frame is not None) or there != (count > 0):
            raise ValueError("a frame without its size")
        known = SamplerState(
            None if frame is None else frame.numpy().copy(),
            first, last, shown, given, (height, width),
        )  # fmt: skip
        self.reset()
        self._sampler = FrameSampler(self._form, self._where, known)
        self._kind, self._held, self._count = kind, held, count
        self._fault = None if fault is None else str(fault)

    def _of_pixels(self, data: bytes) -> Iterator[Frames]:
        assert self._raw is not None
        data, size = self._held + data if self._held else data, self._raw.size
        whole = len(data) - len(data) % size
        self._held = data[whole:]
        pixels = np.frombuffer(data, np.uint8, whole)
        yield from self._sampled(pixels.reshape(-1, *self._raw.shape))

    def _of_video(self, data: bytes) -> Iterator[Frames]:
        if self._fps is not None:
            self._fail("a video says its own rate; leave --fps out, or say --raw WIDTHxHEIGHT")
        if self._video is None:
            self._video = PipedVideo(self._where, _LIMITS)
        yield from self._seen(self._video.feed(data))

    def _seen(self, timed: Iterator[tuple[Frames, float]]) -> Iterator[Frames]:
        try:
            for frame, seconds in timed:
                yield from self._sampler.push(frame, seconds)
        except InputError as error:
            self._fault = str(error)
            raise

    def _sampled(self, frames: Frames) -> Iterator[Frames]:
        """Those of the model, of frames (T, h, w[, 3]) that come one after the other."""
        assert self._fps is not None
        for place, frame in enumerate(frames):
            # The sampler keeps the last one, and its owner may write over it.
            own = frame.copy() if place == len(frames) - 1 else frame
            try:
                found = self._sampler.push(own, self._count / self._fps)
            except InputError as error:
                self._fault = str(error)
                raise
            self._count += 1
            yield from found

    def _array(self, chunk: Any) -> Frames:
        """(T, h, w[, 3]), once it is seen to be such."""
        try:
            array = np.asarray(chunk.detach().cpu() if isinstance(chunk, Tensor) else chunk)
        except (RuntimeError, TypeError, ValueError) as error:
            raise InputError(
                f"{self._where}: expected bytes or frames of one shape"
                f" ({' '.join(str(error).split())})"
            ) from error
        colour = array.ndim >= 3 and array.shape[-1] in (1, 3)
        axes = array.ndim - colour
        if array.dtype != np.uint8 or axes not in (2, 3) or 0 in array.shape[-2 - colour :]:
            raise InputError(
                f"{self._where}: {array.dtype} of shape {array.shape}, expected bytes, or frames of"
                " uint8 (height, width) or (height, width, 3), or several (frames, height, width)"
                " or (frames, height, width, 3); give whole numbers from 0 to 255"
            )
        if self._fps is None:
            raise InputError(
                f"{self._where}: frames in memory do not say their rate; give session(fps=…), the"
                " frames a second that come"
            )
        return array if axes == 3 else array[None]

    def _come_as(self, kind: Literal["bytes", "arrays"]) -> None:
        if self._kind not in (None, kind):
            raise InputError(
                f"{self._where}: {kind} after {self._kind}; end the stream first, or go on with"
                f" {self._kind}"
            )
        self._kind = kind

    def _check(self) -> None:
        if self._fault is not None:
            raise InputError(self._fault)

    def _fail(self, fault: str) -> NoReturn:
        self._fault = f"{self._where}: {fault}"
        raise InputError(self._fault)


def _blocks(frames: Iterator[Frames]) -> Iterator[Frames]:
    """Frames (H, W, C) as blocks (T, H, W, C); what came before an error is given out first."""
    kept: list[Frames] = []
    fault: InputError | None = None
    while True:
        try:
            frame = next(frames, None)
        except InputError as error:
            frame, fault = None, error
        if frame is not None:
            kept.append(frame)
        if kept and (frame is None or len(kept) == _AT_ONCE):
            yield np.stack(kept)
            kept = []
        if frame is None:
            if fault is not None:
                raise fault
            return

"""Live audio, bytes or arrays, as samples at the rate of a model.

Legend: N samples.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NoReturn, TypeAlias, final

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from elman.data.audio.listen import FULL, Level
from elman.data.audio.resample import Resampler
from elman.errors import InputError
from elman.settings import Options
from elman.streaming.sample_input import (
    HIGHEST_RATE,
    LONGEST_FAULT,
    LOWEST_RATE,
    MOST_CHANNELS,
    Floats,
    SampleInput,
    checked_rate,
)

LOG = logging.getLogger("elman")

HINT = (
    "audio; give a WAV or 16-bit PCM, as arecord -f S16_LE -r 16000 -t wav | elman stream RUN does"
)
"""What a session that hears expects of standard input."""


class AudioStreaming(Options):
    """Options of a session that hears."""

    rate: int | None = Field(
        None,
        ge=LOWEST_RATE,
        le=HIGHEST_RATE,
        description="samples a second of 16-bit PCM on standard input; default: the model's own",
    )


Audio: TypeAlias = bytes | np.ndarray | Tensor | Sequence[Any] | tuple[Any, int]
"""Bytes of a WAV or of 16-bit PCM, cut anywhere; or samples (N,) or (N, channels), floating point
in [-1, 1] or whole numbers over the range of their type, alone or with their rate."""

_AT_ONCE = 1 << 16
"""Bytes, or samples of all channels, that are worked on at a time, so that a chunk may be long."""

_LOUDEST = 2.0
"""Floating point above 1 happens where sounds are mixed; above this it is another scale."""

_WHOLE = {"i2": 2**15, "i1": 2**7, "i4": 2**31, "u1": 2**7}


@final
class AudioInput:
    """Samples at `rate`, one channel (the mean of those that came), in [-1, 1].

    However the audio is cut, the samples are those of the whole. The first audio says at which rate
    it comes, or `source_rate` does; it stays the same until the end. What is wrong with a stream
    is a fault that stays too; an argument of a wrong kind is refused and changes nothing.

    Args:
        rate: samples a second that are wanted.
        source_rate: samples a second of raw PCM and of arrays that come without their rate; None
            for those at `rate`. A WAV has to name the same.
        where: what the stream is called in an error.
    """

    def __init__(
        self, rate: int, source_rate: int | None = None, where: str = "standard input"
    ) -> None:
        self._rate, self._source_rate, self._where = rate, source_rate, where
        self._bytes = SampleInput(where)
        self.reset()

    def reset(self) -> None:
        self._bytes.reset()
        self._resampler: Resampler | None = None
        self._kind: Literal["bytes", "arrays"] | None = None
        self._fault: str | None = None
        self._heard, self._full, self._peak = 0, 0, 0.0

    @property
    def faulty(self) -> bool:
        """Whether something is wrong with the stream, so that nothing more can be read of it."""
        return self._fault is not None

    def check(self) -> None:
        """Raise InputError for the fault of the stream, if there is one."""
        if self._fault is not None:
            raise InputError(self._fault)

    def read(self, chunk: Audio) -> Iterator[Floats]:
        """The samples (N,) that are complete, piece by piece.

        Raises:
            InputError: what can't be read; what came before it was given.
        """
        if isinstance(chunk, bytes | bytearray | memoryview):
            self._come_as("bytes")
            view = memoryview(chunk).cast("B")
            for begin in range(0, len(view), _AT_ONCE):
                yield from self._decoded(view[begin : begin + _AT_ONCE])
            self._check_bytes()
            return
        array, rate = self._array(chunk)
        self._come_as("arrays")
        at_once = max(1, _AT_ONCE // array.shape[1])
        for begin in range(0, len(array), at_once):
            yield self._at_rate(_mono(array[begin : begin + at_once]), rate)

    def end(self) -> Iterator[Floats]:
        """What the resampler has left.

        Raises:
            InputError: an end in the middle of something, after what came before it was given.
        """
        if self._resampler is not None:
            yield self._counted(self._resampler.flush())
            self._resampler = None
        if self._heard:
            level = Level(self._peak, self._full / self._heard)
            seconds = f"{self._where}: {self._heard / self._rate:,.1f} s"
            if level.silent:
                LOG.warning("%s of silence; is the microphone on?", seconds)
            elif level.clipped:
                LOG.warning(
                    "%s, and %.0f %% of it clipped; record with less gain",
                    seconds,
                    100 * level.full,
                )
        if self._fault is None:
            try:
                self._bytes.end()
            except InputError as error:
                self._fault = str(error)
        self.check()

    @property
    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The place in tensors and JSON values; set it to go on from there.

        Raises:
            KeyError, TypeError, ValueError: when set to what is no place in a stream.
        """
        values = {
            "bytes": self._bytes.state,
            "kind": self._kind,
            "fault": self._fault,
            "level": [self._heard, self._full, self._peak],
        }
        if self._resampler is None:
            return {}, {**values, "rate": None}
        heard, *place = self._resampler.state
        tensors = {"heard": torch.from_numpy(np.array(heard, np.float32))}
        return tensors, {**values, "rate": self._resampler.source_rate, "place": place}

    @state.setter
    def state(self, state: tuple[Mapping[str, Tensor], Mapping[str, Any]]) -> None:
        tensors, values = state
        resampler, kind, fault = None, values["kind"], values["fault"]
        samples, full, peak = values["level"]
        if not (0 <= int(full) <= int(samples) and 0 <= float(peak) <= 1):
            raise ValueError("no level of samples")
        if kind not in (None, "bytes", "arrays"):
            raise ValueError(f"no kind of audio: {kind!r}")
        if values["rate"] is not None:
            resampler = Resampler(checked_rate(values["rate"]), self._rate)
            heard = tensors["heard"].numpy()
            if heard.dtype != np.float32 or not np.isfinite(heard).all():
                raise ValueError("samples that are not numbers")
            resampler.state = (heard, *values["place"])
        self._bytes.state = values["bytes"]
        self._resampler, self._kind = resampler, kind
        self._heard, self._full, self._peak = int(samples), int(full), float(peak)
        self._fault = None if fault is None else str(fault)[:LONGEST_FAULT]

    def _decoded(self, piece: memoryview) -> Iterator[Floats]:
        self.check()
        self._check_bytes()
        for values, rate in self._bytes.read(piece):
            try:
                yield self._at_rate(_mono(values), rate)
            except _Unscaled as error:
                self._fail(f"{error}, expected floating point in [-1, 1]; give 16-bit samples")

    def _at_rate(self, samples: Floats, rate: int | None) -> Floats:
        """Samples that came at `rate`, None for what was said of it, at the rate of the model."""
        resampler = self._resampler
        if resampler is None:
            said = self._source_rate
            if rate is not None and said is not None and rate != said:
                self._fail(
                    f"comes at {rate:,} Hz, but --rate says {said:,}; leave --rate out where the"
                    " audio names its own"
                )
            resampler = self._resampler = Resampler(rate or said or self._rate, self._rate)
        elif rate is not None and rate != resampler.source_rate:
            self._fail(
                f"the rate changes from {resampler.source_rate:,} to {rate:,} Hz; begin a stream"
                " for each rate"
            )
        return self._counted(resampler.push(samples))

    def _counted(self, samples: Floats) -> Floats:
        """Samples in [-1, 1], whose level is taken down."""
        clipped: Floats = np.clip(samples, -1, 1)
        if len(clipped):
            size = np.abs(clipped)
            self._heard += len(size)
            self._full += int(np.count_nonzero(size >= FULL))
            self._peak = max(self._peak, float(size.max()))
        return clipped

    def _array(self, chunk: Any) -> tuple[np.ndarray, int | None]:
        """Samples (N, channels) on a scale of 1 and their rate, once they are seen to be such."""
        rate = None
        try:
            if isinstance(chunk, tuple) and len(chunk) == 2 and np.ndim(chunk[0]):
                chunk, rate = chunk
                rate = checked_rate(int(rate) if rate == int(rate) else rate)
            array = np.asarray(chunk)
        except (OverflowError, RuntimeError, TypeError, ValueError) as error:
            raise InputError(
                f"{self._where}: expected bytes or samples of one shape, and a rate from"
                f" {LOWEST_RATE:,} to {HIGHEST_RATE:,} Hz ({' '.join(str(error).split())})"
            ) from error
        kind = f"{array.dtype.kind}{array.dtype.itemsize}"
        if not array.size and array.ndim in (1, 2):
            array, kind = np.zeros((0, 1), np.float32), "f4"
        if array.ndim not in (1, 2) or not (array.dtype.kind == "f" or kind in _WHOLE):
            raise InputError(
                f"{self._where}: {array.dtype} of shape {array.shape}, expected bytes, or samples"
                " (N,) or (N, channels), floating point in [-1, 1] or int16"
            )
        if array.ndim == 1:
            array = array[:, None]
        if array.shape[1] > MOST_CHANNELS:
            raise InputError(
                f"{self._where}: {array.shape[1]:,} channels of {len(array):,} samples, above the"
                f" bound of {MOST_CHANNELS}; give (samples, channels)"
            )
        if array.dtype.kind != "f":
            wide = array.astype(np.float64) - (128 if kind == "u1" else 0)
            return (wide / _WHOLE[kind]).astype(np.float32), rate
        with np.errstate(over="ignore"):  # an infinity, which is refused
            array = array.astype(np.float32)
        try:
            _mono(array)
        except _Unscaled as error:
            raise InputError(
                f"{self._where}: {error}, expected floating point in [-1, 1]; divide by what is"
                " full scale, such as 32768"
            ) from error
        return array, rate

    def _come_as(self, kind: Literal["bytes", "arrays"]) -> None:
        self.check()
        if self._kind not in (None, kind):
            raise InputError(
                f"{self._where}: {kind} after {self._kind}; end the stream first, or go on with"
                f" {self._kind}"
            )
        self._kind = kind

    def _check_bytes(self) -> None:
        try:
            self._bytes.check()
        except InputError as error:
            self._fault = str(error)
            raise

    def _fail(self, fault: str) -> NoReturn:
        self._fault = f"{self._where}: {fault}"
        raise InputError(self._fault)


class _Unscaled(ValueError):
    """A sample that is no number, or not on a scale of 1."""


def _mono(samples: Floats) -> Floats:
    """(N,) the mean of the channels."""
    one = samples.shape[1] == 1
    mono: Floats = samples[:, 0] if one else samples.mean(axis=1, dtype=np.float32)
    # Neither holds of NaN.
    if len(mono) and not (mono.max() <= _LOUDEST and mono.min() >= -_LOUDEST):
        worst = float(mono[np.argmin(np.abs(mono) <= _LOUDEST)])
        raise _Unscaled(f"a sample is {worst:,.6g}")
    return mono

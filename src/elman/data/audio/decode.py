"""From audio files and arrays to samples: float32, one channel, in [-1, 1], at one rate.

Files are WAV, FLAC, OGG (Vorbis, Opus) and MP3, of any width of sample, rate and number of
channels within `Limits`; channels are averaged. What a header claims is compared with the limits
and with the size of the file before memory is taken, and what is decoded is counted as it comes,
since a header may lie.

Legend: N samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from elman.bounds import check_memory, check_regular
from elman.data.audio.clips import Clip, Limits, Recording, Samples
from elman.data.audio.headers import header_fault
from elman.data.audio.mp3 import samples_of_mp3
from elman.data.audio.quiet import quiet
from elman.data.audio.resample import Resampler
from elman.data.optional import library
from elman.errors import InputError

__all__ = [
    "AUDIO_SUFFIXES",
    "CONVERT",
    "Clip",
    "Limits",
    "Recording",
    "Samples",
    "clip_seconds",
    "probe",
    "read_clip",
    "read_samples",
]

Floats: TypeAlias = npt.NDArray[np.float32]

AUDIO_SUFFIXES = (".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".w64", ".rf64")

_FORMATS = ("WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3")
CONVERT = "give WAV, FLAC, OGG or MP3; ffmpeg -i IN OUT.wav makes one"
_AGAIN = "get it again"

_BLOCK = 1 << 18
"""Numbers that are decoded at once, over all channels."""

_ROUNDED = 0.05
"""Seconds by which an end may be past the recording: times in manifests are rounded."""

_COUNTED = 0.25
"""Seconds by which the length of an MP3 may differ from that of its frames, as padding does."""

_UNKNOWN = 1 << 62
"""What libsndfile gives for samples without a number is above."""

_LOUDEST = 2.0
"""Floating point above 1 happens where sounds are mixed or decoded; above this it is another scale,
such as that of 16-bit numbers."""


def probe(path: Path, limits: Limits = Limits()) -> Recording:  # noqa: B008 (frozen)
    """What the header of an audio file says.

    Raises:
        InputError: no audio file, one that is cut off, or a rate or a number of channels that is
            out of bounds.
    """
    with _opened(path, limits) as file:
        return _recording(file)


def read_clip(
    clip: Clip,
    rate: int,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> Floats:
    """(N,) the samples of a clip at `rate`, the mean of its channels.

    Raises:
        InputError: as `probe`; nothing to hear in the clip, more than the limits allow, or a sample
            that isn't a number.
    """
    path = clip.path
    with _opened(path, limits) as file:
        found = _recording(file)
        begin, end = _bounds(clip, found, limits)
        check_memory(path, math.ceil(8 * (end - begin) / found.rate * rate), "cut it into clips")
        if begin:
            with _hush(file):
                file.seek(begin)
        parts: list[Floats] = []
        resampler = Resampler(found.rate, rate)
        heard = 0
        for block in _blocks(file, end - begin):
            heard += len(block)
            parts.append(resampler.push(_mono(block, str(path))))
        if heard < end - begin:
            raise InputError(
                f"{path}: is cut off or damaged: its header claims {end / found.rate:.3f} s, and"
                f" {(begin + heard) / found.rate:.3f} are there; {_AGAIN}"
            )
        parts.append(resampler.flush())
    return np.clip(np.concatenate(parts), -1, 1)


def read_samples(
    samples: Samples,
    rate: int,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
    where: str = "data",
) -> Floats:
    """(N,) a recording in memory at `rate`; `where` names it in an error.

    Raises:
        InputError: as `read_clip`, or something that is no array of samples.
    """
    values, own = np.asarray(samples.values), samples.rate
    _check_rate(where, own, limits)
    if values.ndim not in (1, 2) or values.dtype.kind not in "iuf":
        raise InputError(
            f"{where}: expected samples (N,) or (N, channels), got {values.dtype} of shape"
            f" {values.shape}; give an array of numbers with its rate"
        )
    if values.ndim == 1:
        values = values[:, None]
    if not values.size:
        raise InputError(f"{where}: holds no samples; leave it out")
    if values.shape[1] > limits.channels:
        raise InputError(
            f"{where}: {values.shape[1]:,} channels of {len(values):,} samples, above the bound of"
            f" {limits.channels} channels; give (samples, channels), the transpose of (channels,"
            " samples)"
        )
    if len(values) > limits.seconds * own:
        raise _too_long(where, limits)
    mono = _mono(_as_floats(values), where)
    resampler = Resampler(own, rate)
    parts = [resampler.push(mono), resampler.flush()]
    return np.clip(np.concatenate(parts), -1, 1)


def clip_seconds(clip: Clip, found: Recording, limits: Limits = Limits()) -> float:  # noqa: B008 (frozen)
    """How long a clip of a file is whose header says `found`.

    Raises:
        InputError: a clip that is empty, too long or past the end of its file.
    """
    begin, end = _bounds(clip, found, limits)
    return (end - begin) / found.rate


@contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[Any]:
    """An open file of soundfile's, whose header has been checked."""
    soundfile = library("soundfile", "speech")
    check_regular(path)
    try:
        size = path.stat().st_size
        fault = header_fault(path, size) if size else f"is empty; {_AGAIN}, or leave it out"
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise InputError(f"{path}: {reason}; correct the path, or leave it out") from error
    if fault:
        raise InputError(f"{path}: {fault}")
    errors = (soundfile.SoundFileError, OSError, MemoryError)
    try:
        with quiet():
            opened = soundfile.SoundFile(str(path))
    except errors as error:
        raise InputError(f"{path}: is not audio that is read{_reason(error)}; {CONVERT}") from error
    with opened as file:
        if file.format not in _FORMATS:
            raise InputError(f"{path}: {file.format} is not read; {CONVERT}")
        _check_rate(str(path), file.samplerate, limits)
        if not 1 <= file.channels <= limits.channels:
            raise InputError(
                f"{path}: {file.channels:,} channels, above the bound of {limits.channels}; keep"
                " those with speech"
            )
        if fault := _length_fault(path, file):
            raise InputError(f"{path}: {fault}")
        try:
            yield file
        except errors as error:
            raise InputError(f"{path}: is cut off or damaged{_reason(error)}; {_AGAIN}") from error


def _length_fault(path: Path, file: Any) -> str:
    """Why libsndfile can't know how long a file is; "" where it does."""
    if file.frames >= _UNKNOWN:
        return (
            "its header does not say how long it is, as that of a stream; write it again"
            f" (ffmpeg -i IN OUT{path.suffix})"
        )
    counted = samples_of_mp3(path) if file.format == "MP3" else None
    if isinstance(counted, str):
        return f"is cut off or damaged: {counted}; {_AGAIN}"
    if counted is not None and abs(counted - file.frames) > _COUNTED * file.samplerate:
        return (
            f"has {counted / file.samplerate:,.1f} s at a variable bit rate, and no header that"
            " says so; write it again (ffmpeg -i IN OUT.mp3)"
        )
    return ""


def _reason(error: Exception) -> str:
    """What libsndfile says, without the path and the point at its end."""
    said = " ".join(str(error).split()).rpartition(": ")[2].rstrip(".")[:200]
    return f" ({said})" if said else ""


def _recording(file: Any) -> Recording:
    return Recording(file.samplerate, file.channels, file.frames, file.frames / file.samplerate)


def _check_rate(where: str, rate: int, limits: Limits) -> None:
    if not limits.lowest_rate <= rate <= limits.highest_rate:
        raise InputError(
            f"{where}: a rate of {rate:,} Hz, expected {limits.lowest_rate:,} to"
            f" {limits.highest_rate:,}; correct it"
        )


def _bounds(clip: Clip, found: Recording, limits: Limits) -> tuple[int, int]:
    """The first sample of a clip and the one after its last."""
    path = clip.path
    if not found.samples:
        raise InputError(f"{path}: holds no samples; leave it out")
    end = found.seconds if clip.end is None else clip.end
    if not 0 <= clip.begin < end:
        raise InputError(
            f"{path}: from {clip.begin:g} s to {end:g} s there is nothing; correct the times"
        )
    if end > found.seconds + _ROUNDED:
        raise InputError(
            f"{path}: ends after {found.seconds:.3f} s, but the row at {end:g} s; correct the times"
        )
    if end - clip.begin > limits.seconds:
        raise _too_long(path, limits, end - clip.begin)
    first = round(clip.begin * found.rate)
    last = min(round(end * found.rate), found.samples)
    if first >= last:
        raise InputError(f"{path}: less than a sample from {clip.begin:g} s; correct the times")
    return first, last


def _too_long(where: Path | str, limits: Limits, seconds: float | None = None) -> InputError:
    is_long = "longer" if seconds is None else f"{seconds:,.0f} s, longer"
    return InputError(
        f"{where}: {is_long} than {limits.seconds:,.0f} s, the bound; cut it into utterances, or"
        " raise --max-seconds"
    )


def _blocks(file: Any, samples: int) -> Iterator[Floats]:
    """(n, channels) what is decoded, block by block."""
    at_once = max(_BLOCK // file.channels, 1)
    while samples > 0:
        with _hush(file):
            block: Floats = file.read(min(at_once, samples), dtype="float32", always_2d=True)
        if not len(block):
            return
        samples -= len(block)
        yield block


def _hush(file: Any) -> AbstractContextManager[None]:
    return quiet() if file.format == "MP3" else nullcontext()


def _mono(block: Floats, where: str) -> Floats:
    """(n,) the mean of the channels, which has to be finite and on a scale of 1."""
    mono: Floats = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)
    peak = float(np.abs(mono).max(initial=0))
    if not math.isfinite(peak):
        raise InputError(f"{where}: a sample is not a finite number; {_AGAIN}")
    if peak > _LOUDEST:
        raise InputError(
            f"{where}: a sample is {peak:,.6g}, but floating point is expected in [-1, 1]; divide"
            " by what is full scale, such as 32768"
        )
    return mono


def _as_floats(values: np.ndarray) -> Floats:
    """Samples of any type on a scale of 1."""
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return values.astype(np.float32)
    half = float(1 << (8 * values.dtype.itemsize - 1))
    middle = half if values.dtype.kind == "u" else 0.0
    return ((values.astype(np.float64) - middle) / half).astype(np.float32)

"""Recordings as the steps of a classifier of sounds: log-mel frames, some of them a step.

Frames are kept in a file without a name and read through a memory map, since those of hours of
sound have no place in memory.

Legend: N recordings, T frames of one, S of all together, F bins, W frames a step.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.arrays import Array
from elman.data.audio.decode import Clip, Limits, Samples, read_clip, read_samples
from elman.data.audio.features import read_frames
from elman.data.audio.filter_bank import FilterBank
from elman.data.audio.rows import Utterances
from elman.data.labeled.rows import Floats, offsets_of
from elman.data.origin import Integers
from elman.errors import InputError
from elman.predictors.front_end import FrontEnd, raw_frames

_AT_ONCE = 1 << 16
"""Frames that are in memory at a time where those of many recordings are gone through."""


@dataclass(frozen=True)
class SoundEncoder:
    """Normalized frames, `window` of them a step of the network."""

    front_end: FrontEnd
    window: int

    @classmethod
    def of(
        cls, settings: Mapping[str, Any], files: Mapping[str, bytes], where: str
    ) -> SoundEncoder:
        """What `settings` and `files` gave."""
        return cls(FrontEnd.of(settings, files, where), int(settings["window"]))

    def settings(self) -> dict[str, Any]:
        """All but the scaling, as JSON values."""
        return {**self.front_end.settings(), "window": self.window}

    def encode(self, sounds: Utterances) -> tuple[Array, Integers]:
        """The normalized frames (S, F) of all recordings, in a file, and where each begins.

        Raises:
            InputError: a recording that can't be read, or is shorter than one window.
        """
        lengths: list[int] = []

        def rows() -> Iterator[Floats]:
            for row in range(len(sounds)):
                frames = frames_of(self.front_end.bank, sounds, row, self.front_end.tail)
                lengths.append(len(frames))
                yield self.front_end.scale.apply(frames)

        return stored(rows()), offsets_of(lengths)


def frames_of(
    bank: FilterBank | None,
    sounds: Utterances,
    row: int,
    tail: float = 0.0,
    perturb: Callable[[Floats], Floats] | None = None,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> Floats:
    """(T, F) the frames of one recording, not normalized yet; features are as they are.

    Raises:
        InputError: names the place: it can't be read, is shorter than one window, or is of the
            other kind, samples or features, than the network reads.
    """
    source, where = sounds.audio[row], sounds.where(row)
    if not isinstance(source, Clip | Samples):
        if bank is not None:
            raise InputError(
                f"{where}: features, but this classifier was trained on audio; give audio"
            )
        return read_frames(source, where)
    if bank is None:
        raise InputError(
            f"{where}: audio, but this classifier was trained on features; give an array of"
            " frames x bins"
        )
    samples = samples_of(source, bank.rate, where, limits)
    if perturb is not None:
        samples = perturb(samples)
    frames = raw_frames(bank, samples, tail)
    if not len(frames):
        raise InputError(
            f"{where}: {1000 * len(samples) / bank.rate:.3g} ms of sound, less than a window of"
            f" {1000 * bank.frame_length:g} ms; leave it out"
        )
    return frames


def samples_of(source: Clip | Samples, rate: int, where: str, limits: Limits) -> Floats:
    """(N,) the samples of a clip or of a recording in memory."""
    if isinstance(source, Samples):
        return read_samples(source, rate, limits, where)
    return read_clip(source, rate, limits)


def stored(parts: Iterable[Floats], folder: Path | None = None) -> Array:
    """Frames (S, F) in a file that has no name and is gone with the array."""
    with tempfile.TemporaryFile(dir=folder) as file:
        count = bins = 0
        for part in parts:
            file.write(np.ascontiguousarray(part, np.float32).data)
            count, bins = count + len(part), part.shape[1]
        file.flush()
        if not count:
            return np.zeros((0, bins), np.float32)
        return np.memmap(file, np.float32, "r", shape=(count, bins))


def in_parts(frames: Array) -> Iterator[Floats]:
    """All frames, some at a time."""
    for begin in range(0, len(frames), _AT_ONCE):
        yield np.asarray(frames[begin : begin + _AT_ONCE])

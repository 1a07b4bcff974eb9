"""Recordings as the steps of a classifier of sounds: log-mel frames, some of them a step.

Frames are kept in a file without a name and read through a memory map, since those of hours of
sound have no place in memory.

Legend: N samples, T frames of a recording, S of all together, F bins, W frames a step.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.arrays import Array
from elman.data.audio.clips import Clip, Limits, Samples
from elman.data.audio.features import read_frames
from elman.data.audio.filter_bank import FilterBank
from elman.data.audio.listen import Listener
from elman.data.audio.rows import Utterances
from elman.data.labeled.rows import Floats, offsets_of
from elman.data.origin import Integers
from elman.data.tables.table import BadRows
from elman.errors import InputError
from elman.predictors.front_end import FrontEnd, raw_frames

_AT_ONCE = 1 << 16
"""Frames that are in memory at a time where those of many recordings are gone through."""


@dataclass(frozen=True, eq=False)
class EncodedSounds:
    """Normalized frames of recordings, one after the other.

    Attributes:
        frames: (S, F), in a file.
        offsets: where each recording begins, and at last where the last one ends.
        rows: which of the recordings could be read.
        silent: for each of these, whether it is digital silence.
    """

    frames: Array
    offsets: Integers
    rows: Integers
    silent: list[bool]


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

    def encode(self, sounds: Utterances, reader: SoundReader) -> EncodedSounds:
        """The normalized frames of all recordings that can be read."""
        rows, lengths, silent = [], [], []

        def parts() -> Iterator[Floats]:
            for row, frames in reader.read(sounds):
                rows.append(row)
                lengths.append(len(frames))
                silent.append(reader.listens and not frames.any())
                yield self.front_end.scale.apply(frames)

        frames = stored(parts())
        return EncodedSounds(frames, offsets_of(lengths), np.asarray(rows, np.int64), silent)

    def reader(self, bad: BadRows, limits: Limits) -> SoundReader:
        """What reads recordings for this encoder."""
        return SoundReader(self.front_end.bank, self.front_end.tail, bad, limits)


class SoundReader:
    """The frames of recordings, not normalized yet; features that were computed elsewhere as they
    are.

    Args:
        bank: samples to frames; None for features.
        tail: seconds of silence after each recording.
        bad: takes recordings that can't be read.
        limits: bounds on each.
    """

    def __init__(self, bank: FilterBank | None, tail: float, bad: BadRows, limits: Limits) -> None:
        self._bank, self._tail, self._bad, self._limits = bank, tail, bad, limits
        self._listener = None
        if bank is not None:
            self._listener = Listener(bank.rate, bad, limits, silence=True)

    @property
    def listens(self) -> bool:
        """Whether it reads audio, and not features."""
        return self._bank is not None

    def read(self, sounds: Utterances) -> Iterator[tuple[int, Floats]]:
        """The number of each recording that can be read, and its frames (T, F)."""
        for row in range(len(sounds)):
            if (frames := self.row(sounds, row)) is not None:
                yield row, frames

    def row(
        self, sounds: Utterances, row: int, change: Callable[[Floats], Floats] | None = None
    ) -> Floats | None:
        """(T, F) the frames of one recording, with a `change` of its samples; None if it is bad."""
        where, source = sounds.where(row), sounds.audio[row]
        heard = isinstance(source, Clip | Samples)
        if heard != self.listens:
            kinds = ("audio", "features") if heard else ("features", "audio")
            raise InputError(
                f"{where}: {kinds[0]}, but this classifier reads {kinds[1]}; give {kinds[1]}"
            )
        if self._listener is None or self._bank is None:
            return self._features(sounds, row)
        samples = self._listener.row(sounds, row)
        if samples is None:
            return None
        frames = raw_frames(self._bank, samples if change is None else change(samples), self._tail)
        if len(frames):
            return frames
        if change is not None:  # at a higher speed it is shorter than a window
            return raw_frames(self._bank, samples, self._tail)
        self._bad.add(
            where,
            f"{1000 * len(samples) / self._bank.rate:.3g} ms of sound, less than a window of"
            f" {1000 * self._bank.frame_length:g} ms",
        )
        return None

    def again(self) -> SoundReader:
        """Another one, for recordings of which this one has taken notes."""
        return SoundReader(self._bank, self._tail, self._bad, self._limits)

    def notes(self) -> list[str]:
        """What is doubtful, in lines for people."""
        return [] if self._listener is None else self._listener.notes()

    def _features(self, sounds: Utterances, row: int) -> Floats | None:
        source, where = sounds.audio[row], sounds.where(row)
        assert not isinstance(source, Clip | Samples)
        try:
            return read_frames(source, where)
        except InputError as error:
            self._bad.add(where, str(error).removeprefix(f"{where}: "))
            return None


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

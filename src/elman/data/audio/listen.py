"""The samples of rows, one after the other, with what can't be heard left out and counted.

Legend: N samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from elman.data.audio.clips import Clip, Limits, Samples
from elman.data.audio.decode import Floats, read_clip, read_samples
from elman.data.audio.rows import Utterances
from elman.data.tables.table import BadRows
from elman.errors import InputError

_STEP = 1 / 32768
"""One step of 16 bits: nothing above it is silence."""

FULL = 0.9999
"""From here on a sample is at full scale."""

_CLIPPED = 0.01
"""Share of samples at full scale above which a recording was clipped: a sine that just fits has
0.9 %, speech far less."""


@dataclass(frozen=True)
class Level:
    """How loud a recording is: its highest absolute value; its share of samples at full scale."""

    peak: float
    full: float

    @classmethod
    def of(cls, samples: Floats) -> Level:
        size = np.abs(samples)
        return cls(float(size.max(initial=0)), np.count_nonzero(size >= FULL) / max(len(size), 1))

    @property
    def silent(self) -> bool:
        """Whether no sample is above one step of 16 bits."""
        return self.peak <= _STEP

    @property
    def clipped(self) -> bool:
        """Whether so much of it is at full scale that its peaks were cut."""
        return self.full > _CLIPPED


class Listener:
    """Reads the samples of rows and keeps count of what it left out, and of what is doubtful.

    Args:
        rate: samples a second that it gives.
        limits: bounds on each recording.
        bad: takes rows that can't be heard.
        silence: whether a silent recording is a row like others; to train on, it is a bad one.
    """

    def __init__(
        self,
        rate: int,
        bad: BadRows,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        *,
        silence: bool = False,
    ) -> None:
        self.rate, self.bad, self.limits, self.silence = rate, bad, limits, silence
        self.clipped: list[str] = []
        self.silent: list[str] = []

    def read(self, heard: Utterances) -> Iterator[tuple[int, Floats]]:
        """The number of each row that can be heard, and its samples (N,)."""
        for row in range(len(heard)):
            samples = self.row(heard, row)
            if samples is not None:
                yield row, samples

    def row(self, heard: Utterances, row: int) -> Floats | None:
        """(N,) the samples of one row; None where it was left out."""
        where, source = heard.where(row), heard.audio[row]
        assert isinstance(source, Clip | Samples)
        try:
            if isinstance(source, Clip):
                samples = read_clip(source, self.rate, self.limits)
            else:
                samples = read_samples(source, self.rate, self.limits, where)
        except InputError as error:
            self.bad.add(where, str(error).removeprefix(f"{where}: "))
            return None
        level = Level.of(samples)
        if level.silent and not self.silence:
            self.bad.add(where, f"{_named(source, where)}is silent, so nothing is said in it")
            return None
        if level.silent:
            self.silent.append(where)
        if level.clipped:
            self.clipped.append(where)
        return samples

    def notes(self) -> list[str]:
        """What is doubtful, in lines for people."""
        if not self.clipped:
            return []
        count = len(self.clipped)
        rows = "1 recording is" if count == 1 else f"{count:,} recordings are"
        return [f"{rows} clipped, the first at {self.clipped[0]}; record with less gain"]


def _named(source: Clip | Samples, where: str) -> str:
    path = str(source.path) if isinstance(source, Clip) else ""
    return f"{path} " if path and path != where else ""

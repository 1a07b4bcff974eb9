"""From a cell of a table, or a file, to what a row hears; its header is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.audio.clips import Clip, Limits, Recording, Samples
from elman.data.audio.decode import AUDIO_SUFFIXES, clip_seconds, probe
from elman.data.audio.features import FEATURE_SUFFIXES, FeatureFile, bins_of
from elman.data.audio.rows import Source
from elman.data.labeled.formats.rows_of_table import BadCell
from elman.errors import InputError

SUFFIXES = (*AUDIO_SUFFIXES, *FEATURE_SUFFIXES)


def is_audio_name(cell: object) -> bool:
    """Whether a cell looks like the name of a file of audio or of features."""
    return isinstance(cell, str | Path) and str(cell).strip().lower().endswith(SUFFIXES)


def recording_in(cell: object) -> tuple[Any, int] | None:
    """(samples, rate) in a cell, or as data sets of Hugging Face have them; None for no such."""
    if isinstance(cell, Mapping) and {"array", "sampling_rate"} <= set(cell):
        return cell["array"], cell["sampling_rate"]
    if isinstance(cell, tuple | list) and len(cell) == 2:
        samples, rate = cell
        if isinstance(samples, list | np.ndarray) and isinstance(rate, int | np.integer):
            return samples, int(rate)
    return None


class Sources:
    """Checks what rows hear against the limits and against each other; each file is probed once.

    Attributes:
        rates: how many rows have which rate, in Hz.
        seconds: of all rows.
        bins: numbers in a frame, of rows that are features; 0 where they are samples.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.rates: Counter[int] = Counter()
        self.seconds = 0.0
        self.bins: int | None = None
        self._probed: dict[Path, Recording] = {}

    def of_file(self, path: Path, begin: float = 0.0, end: float | None = None) -> Source:
        """What a file holds, or a stretch of it in seconds.

        Raises:
            BadCell: it can't be heard, or does not go with the rows before it.
        """
        if path.suffix.lower() in FEATURE_SUFFIXES:
            if begin or end is not None:
                raise BadCell(
                    f"{path}: features have no seconds; leave out where they begin and end"
                )
            return self.of_features(FeatureFile(path))
        self._fits(0, str(path))
        try:
            found = self._probed.get(path) or probe(path, self.limits)
            clip = Clip(path, begin, end)
            seconds = clip_seconds(clip, found, self.limits)
        except InputError as error:
            raise BadCell(str(error)) from error
        self._probed[path] = found
        self.rates[found.rate] += 1
        self.seconds += seconds
        return clip

    def of_samples(self, samples: Any, rate: int) -> Source:
        """A recording in memory."""
        self._fits(0, "samples")
        try:
            values = np.asarray(samples)
        except ValueError as error:
            raise BadCell("its samples are no array of numbers") from error
        self.rates[rate] += 1
        self.seconds += len(values) / rate if values.ndim and rate > 0 else 0
        return Samples(values, rate)

    def of_features(self, source: FeatureFile | np.ndarray) -> Source:
        """Features, with as many bins as those of the rows before."""
        try:
            bins = bins_of(source, "its features")
        except InputError as error:
            raise BadCell(str(error)) from error
        self._fits(bins, str(source.path) if isinstance(source, FeatureFile) else "features")
        return source

    def _fits(self, bins: int, what: str) -> None:
        if self.bins is None:
            self.bins = bins
        if bool(bins) != bool(self.bins):
            kinds = ("features", "samples") if bins else ("samples", "features")
            raise BadCell(f"{what}: {kinds[0]}, but the rows above are {kinds[1]}")
        if bins != self.bins:
            raise BadCell(f"{what}: has {bins} bins, expected {self.bins} as above")

    def notes(self, name: str, rows: int) -> list[str]:
        """What was found, in lines."""
        if self.bins:
            return [f"{name}: {rows:,} rows of features, {self.bins} bins"]
        rates = " and ".join(f"{rate:,}" for rate in sorted(self.rates))
        return [f"{name}: {rows:,} recordings, {spoken(self.seconds)}, {rates} Hz"]


def spoken(seconds: float) -> str:
    """A length of time, for people."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def names_of(paths: Sequence[Path]) -> list[Path]:
    """The files of audio or of features among others."""
    return [path for path in paths if is_audio_name(path)]

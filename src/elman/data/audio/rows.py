"""Recordings as values, each with what is said in it, who says it, and where it came from.

Legend: N rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from elman.data.audio.clips import Clip, Samples
from elman.data.audio.features import FeatureFile
from elman.data.origin import Integers, Origin
from elman.data.tables.asked import Asked
from elman.data.tables.dialect import Dialect

Source: TypeAlias = Clip | Samples | FeatureFile | np.ndarray
"""What a row hears: a stretch of an audio file, samples in memory, or features (T, F) that were
computed elsewhere, in a file or in memory."""


@dataclass(frozen=True)
class AudioColumns:
    """Where in a table the recordings are, and where its paths lead.

    Attributes:
        audio: the column of the paths, or of recordings in memory; None to find it.
        text: the column of the transcript; None to find it.
        label: the column of the class; None to find it.
        begin: the column of the second at which a row begins; None to find it.
        end: that of the second at which it ends; None to find it.
        duration: that of its seconds, where there is no end; None to find it.
        speaker: who speaks; None to find it.
        split: the column that says train, valid or test; None to find it.
        found: which of these were found and not said, so that another table may have others.
        root: the folder that paths are below; None for the folder of the table.
        dialect: how the table was written, where it was text with delimiters.
        asked: what the user says of how it is written.
    """

    audio: str | None = None
    text: str | None = None
    label: str | None = None
    begin: str | None = None
    end: str | None = None
    duration: str | None = None
    speaker: str | None = None
    split: str | None = None
    found: tuple[str, ...] = ()
    root: Path | None = None
    dialect: Dialect | None = None
    asked: Asked = field(default_factory=Asked)


@dataclass(frozen=True, eq=False)
class Utterances:
    """Recordings and what is said in each.

    Attributes:
        audio: (N,) what is heard: all samples, or all features; see `has_features`.
        texts: (N,) the transcripts; None where there are none.
        speakers: (N,) who speaks; None where that isn't known.
        origin: where the rows came from.
    """

    audio: tuple[Source, ...]
    texts: tuple[str, ...] | None
    speakers: tuple[str, ...] | None
    origin: Origin

    def __len__(self) -> int:
        return len(self.audio)

    @property
    def has_features(self) -> bool:
        """Whether rows are features that were computed elsewhere, and not samples."""
        return any(isinstance(source, FeatureFile | np.ndarray) for source in self.audio[:1])

    def where(self, row: int) -> str:
        """The place of one row, as an error names it."""
        return self.origin.where(row)

    def take(self, rows: Integers) -> Utterances:
        def taken(values: tuple[str, ...] | None) -> tuple[str, ...] | None:
            return None if values is None else tuple(values[row] for row in rows)

        audio = tuple(self.audio[row] for row in rows)
        return Utterances(audio, taken(self.texts), taken(self.speakers), self.origin.take(rows))


@dataclass(frozen=True, eq=False)
class AudioRows:
    """The rows of one file, folder or value.

    Attributes:
        heard: the recordings; their `texts` are None.
        answers: what `read_rows` made of the text or the label of each; None where not asked for.
        splits: "train", "valid" or "test" for each row, where the file says so.
        columns: where it was found.
        cells: all cells of each row of a table, by column.
        notes: what was found, in lines for the terminal.
    """

    heard: Utterances
    answers: Sequence[Any] | None
    splits: Sequence[str] | None = None
    columns: AudioColumns = field(default_factory=AudioColumns)
    cells: Sequence[Mapping[str, Any]] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.heard)

    def take(self, rows: Integers) -> AudioRows:
        answers = None if self.answers is None else [self.answers[row] for row in rows]
        return replace(self, heard=self.heard.take(rows), answers=answers, splits=None, cells=None)


@dataclass(frozen=True, eq=False)
class UtteranceSplits:
    """The three parts of a data set of speech; there may be no test part.

    Attributes:
        train: what weights, statistics and vocabularies are fitted on.
        valid: what is chosen by.
        test: what is reported at the end.
        columns: where they were found, for other files of the same kind.
        notes: what was found in the files, in lines for the terminal.
        skipped: rows that could not be read and were left out.
    """

    train: Utterances
    valid: Utterances
    test: Utterances | None
    columns: AudioColumns = field(default_factory=AudioColumns)
    notes: tuple[str, ...] = ()
    skipped: int = 0

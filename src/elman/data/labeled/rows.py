"""Labeled data as values: what is read, what it is called, and where each row came from.

Rows of different lengths are kept flat, one after the other, with the offsets at which they begin:
row n is `flat[offsets[n]:offsets[n + 1]]`.

Legend: N rows, S steps of all rows together, C channels, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from elman.data.audio.rows import Utterances
from elman.data.origin import Integers, Origin
from elman.data.tables.asked import Asked
from elman.data.tables.dialect import Dialect
from elman.data.video.rows import Videos

Floats: TypeAlias = npt.NDArray[np.float32]
Marks: TypeAlias = npt.NDArray[np.bool_]
LabelKind: TypeAlias = Literal["one", "step", "many"]
LineFormat: TypeAlias = Literal["", "word", "fasttext", "table"]
"""What a line of a file of text is: a text, a text after its label, or a row of a table."""


@dataclass(frozen=True)
class Columns:
    """Where in a file the texts and the labels are.

    Attributes:
        text: the column of the text, or of the numbers; None to find it.
        label: the column of the label; None to find it.
        split: the column that says train, valid or test; None to find it.
        label_separator: what stands between the labels of a row that may have several.
        per_step: every word or step has a label of its own.
        label_first: lines of text are said to begin with their label.
        lines: what lines of files of text were found to be.
        dialect: how the table was written, where it was text with delimiters.
        asked: what the user says of how it is written.
    """

    text: str | None = None
    label: str | None = None
    split: str | None = None
    label_separator: str | None = None
    per_step: bool = False
    label_first: bool = False
    lines: LineFormat = ""
    dialect: Dialect | None = None
    asked: Asked = field(default_factory=Asked)

    @property
    def encoding(self) -> tuple[str, str]:
        """The encoding that is asked for, and that of an earlier file, each "" for none."""
        return self.asked.encoding, self.dialect.encoding if self.dialect else ""


class Flat:
    """Rows of different lengths, one after the other; row n is at `offsets[n]:offsets[n + 1]`."""

    offsets: Integers

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Integers:
        """(N,) steps a row."""
        return np.diff(self.offsets)


@dataclass(frozen=True, eq=False)
class Texts:
    """One text a row, as it stood in the file."""

    texts: tuple[str, ...]
    origin: Origin

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Integers) -> Texts:
        return Texts(tuple(self.texts[row] for row in rows), self.origin.take(rows))


@dataclass(frozen=True, eq=False)
class Words(Flat):
    """Rows that are cut into words already, so that each word can have a label of its own.

    Attributes:
        words: (S,) the words of all rows.
        offsets: (N + 1,) where each row begins.
        origin: where the rows came from.
    """

    words: tuple[str, ...]
    offsets: Integers
    origin: Origin

    def row(self, row: int) -> tuple[str, ...]:
        return self.words[self.offsets[row] : self.offsets[row + 1]]

    def take(self, rows: Integers) -> Words:
        steps = steps_of(self.offsets, rows)
        words = tuple(self.words[step] for step in steps)
        return Words(words, offsets_of(self.lengths[rows]), self.origin.take(rows))


@dataclass(frozen=True, eq=False)
class Sequences(Flat):
    """Rows of numbers, a vector of C channels at each step.

    Attributes:
        values: (S, C) float32, finite.
        offsets: (N + 1,) where each row begins.
        channels: (C,) their names.
        origin: where the rows came from.
    """

    values: Floats
    offsets: Integers
    channels: tuple[str, ...]
    origin: Origin

    def row(self, row: int) -> Floats:
        """(T, C) the values of one row."""
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def take(self, rows: Integers) -> Sequences:
        return replace(
            self,
            values=self.values[steps_of(self.offsets, rows)],
            offsets=offsets_of(self.lengths[rows]),
            origin=self.origin.take(rows),
        )


Inputs: TypeAlias = Texts | Words | Sequences | Utterances | Videos
"""What a classifier reads, labeled or not."""


@dataclass(frozen=True, eq=False)
class Labels:
    """The classes of rows or of steps.

    Attributes:
        names: (K,) the classes, in the order of their ids.
        kind: "one" label a row, one for each "step", or any number of labels a row ("many").
        ids: one: (N,) int64. step: (S,) int64, flat as the inputs are. many: (N, K) bool.
    """

    names: tuple[str, ...]
    kind: LabelKind
    ids: Integers | Marks


@dataclass(frozen=True, eq=False)
class Labeled:
    """Inputs and their labels, row by row (labels of kind "step": step by step)."""

    inputs: Inputs
    labels: Labels

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True, eq=False)
class ParsedRows:
    """The rows of one file, folder or value, before labels have ids.

    Attributes:
        inputs: what is read.
        kind: how labels belong to it.
        labels: of each row, one name, one for each step, or any number; None where not asked for.
        splits: "train", "valid" or "test" for each row, where the file says so.
        columns: where it was found.
        cells: all cells of each row of a table, by column.
        notes: what was found, in lines for the terminal.
    """

    inputs: Inputs
    kind: LabelKind
    labels: Sequence[Sequence[str]] | None
    splits: Sequence[str] | None = None
    columns: Columns = field(default_factory=Columns)
    cells: Sequence[Mapping[str, Any]] | None = None
    notes: tuple[str, ...] = ()

    def take(self, rows: Integers) -> ParsedRows:
        labels = None if self.labels is None else [self.labels[row] for row in rows]
        inputs = self.inputs.take(rows)
        return replace(self, inputs=inputs, labels=labels, splits=None, cells=None)


@dataclass(frozen=True, eq=False)
class LabeledSplits:
    """The three parts of a data set, with the same classes; there may be no test part.

    Attributes:
        train: what weights, vocabularies and baselines are fitted on.
        valid: what is chosen by.
        test: what is reported at the end.
        columns: where they were found, for other files of the same kind.
        notes: what was found in the files, in lines for the terminal.
        skipped: rows that could not be read and were left out.
    """

    train: Labeled
    valid: Labeled
    test: Labeled | None
    columns: Columns = field(default_factory=Columns)
    notes: tuple[str, ...] = ()
    skipped: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """(K,) the classes."""
        return self.train.labels.names


def offsets_of(lengths: Sequence[int] | Integers) -> Integers:
    """(N + 1,) where rows of these lengths begin, and at last where the last one ends."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)


def steps_of(offsets: Integers, rows: Integers) -> Integers:
    """The places in the flat array of all steps of `rows`, in their order."""
    starts, lengths = offsets[:-1][rows], np.diff(offsets)[rows]
    ends = np.cumsum(lengths)
    places: Integers = np.repeat(starts - (ends - lengths), lengths)
    return places + np.arange(len(places), dtype=np.int64)


def inputs_of(rows: Sequence[Any], origin: Origin, channels: tuple[str, ...] = ()) -> Inputs:
    """Strings as texts, lists of strings as words, arrays (T, C) as sequences."""
    if not rows or isinstance(rows[0], str):
        return Texts(tuple(rows), origin)
    offsets = offsets_of([len(row) for row in rows])
    if isinstance(rows[0], list):
        return Words(tuple(chain.from_iterable(rows)), offsets, origin)
    values = np.concatenate(rows)
    return Sequences(values, offsets, channels or numbered(values), origin)


def numbered(values: Floats) -> tuple[str, ...]:
    """Names for the channels of (S, C) that have none."""
    return tuple(str(number) for number in range(1, values.shape[1] + 1))

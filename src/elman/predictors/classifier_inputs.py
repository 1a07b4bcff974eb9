"""What a classifier's run keeps of its data, and how rows become ids or standardized numbers."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from elman.data.batching import IGNORE
from elman.data.labeled.encoded import Encoded
from elman.data.labeled.rows import (
    Columns,
    Inputs,
    Labeled,
    LabeledSplits,
    LabelKind,
    Sequences,
    Texts,
    Words,
    offsets_of,
)
from elman.data.labeled.standardize import Standardizer
from elman.data.labeled.words import WordEncoder, words_of
from elman.errors import InputError
from elman.files import write_json

InputKind = Literal["texts", "words", "numbers"]
_KINDS: dict[InputKind, type[Inputs]] = {"texts": Texts, "words": Words, "numbers": Sequences}


@dataclass(frozen=True)
class Schema:
    """What goes in and what comes out.

    Attributes:
        names: (K,) the classes.
        kind: one label a row, one for each step, or many a row.
        inputs: texts, rows of words, or rows of numbers.
        channels: the names of the numbers of a step.
        notes: what was found when the data were read.
        columns: where in the files the texts and the labels were.
    """

    names: tuple[str, ...]
    kind: LabelKind
    inputs: InputKind
    channels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    columns: Columns = field(default_factory=Columns)

    @classmethod
    def of(cls, splits: LabeledSplits, notes: tuple[str, ...]) -> Schema:
        """That of some data."""
        read, labels = splits.train.inputs, splits.train.labels
        inputs = next(name for name, kind in _KINDS.items() if isinstance(read, kind))
        channels = read.channels if isinstance(read, Sequences) else ()
        return cls(labels.names, labels.kind, inputs, channels, notes, splits.columns)

    @property
    def reads(self) -> type[Inputs]:
        """The type of the inputs."""
        return _KINDS[self.inputs]

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> Schema:
        """What `save` wrote.

        Raises:
            InputError: missing or damaged.
        """
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            columns = Columns(**found.pop("columns"))
            values: dict[str, Any] = {name: _frozen(value) for name, value in found.items()}
            schema = cls(**values, columns=columns)
            if not schema.names or schema.inputs not in _KINDS:
                raise ValueError("it names no classes or unknown inputs")
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise InputError(
                f"{path}: cannot be read as the classes of a run ({error}); train again"
            ) from error
        return schema


@dataclass(frozen=True)
class Encoder:
    """Rows as people have them to rows as the network reads them.

    Attributes:
        words: for texts and words.
        scale: for numbers; None leaves them as they are.
    """

    words: WordEncoder | None
    scale: Standardizer | None

    def labeled(self, data: Labeled) -> Encoded:
        """Rows with their labels."""
        steps, offsets, ends = self._steps(data.inputs)
        kind, labels = data.labels.kind, data.labels.ids
        if kind == "step" and ends is not None:
            # The last token of a word knows all of it.
            spread = np.full(len(steps), IGNORE, np.int64)
            spread[ends] = labels
            labels = spread
        return Encoded(steps, offsets, labels, kind)

    def bare(self, inputs: Inputs, kind: LabelKind) -> tuple[Encoded, np.ndarray | None]:
        """Rows without labels; and for words, the step at which each of all words ends (W,)."""
        steps, offsets, ends = self._steps(inputs)
        return Encoded(steps, offsets, None, kind), ends

    def _steps(self, inputs: Inputs) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        if isinstance(inputs, Sequences):
            values = inputs.values if self.scale is None else self.scale.apply(inputs.values)
            return values, inputs.offsets, None
        assert self.words is not None
        if isinstance(inputs, Texts):
            rows = [self.words.encode(words_of(text)) for text in inputs.texts]
        else:
            rows = [self.words.encode(inputs.row(row)) for row in range(len(inputs))]
        offsets = offsets_of([len(ids) for ids, _ in rows])
        ends = [own + begin - 1 for (_, own), begin in zip(rows, offsets, strict=False)]
        return _joined([ids for ids, _ in rows]), offsets, _joined(ends)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value

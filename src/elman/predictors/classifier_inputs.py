"""The input side of a classifier: its schema, the rows to classify, and how they become steps."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from elman.data.audio.rows import AudioColumns, Utterances
from elman.data.audio.settings import AudioSettings
from elman.data.batching import IGNORE
from elman.data.given import Arrays, Files, Given
from elman.data.given import Columns as GivenColumns
from elman.data.given import Texts as GivenTexts
from elman.data.labeled.dataset import read_unlabeled
from elman.data.labeled.encoded import Encoded
from elman.data.labeled.rows import (
    Columns,
    Inputs,
    Labeled,
    LabelKind,
    Sequences,
    Texts,
    Words,
    offsets_of,
)
from elman.data.labeled.standardize import Standardizer
from elman.data.labeled.words import WordEncoder, words_of
from elman.data.origin import Origin
from elman.data.tables.asked import TableSettings
from elman.data.tables.read import KINDS, suffix_of
from elman.data.tables.table import BadRows
from elman.data.text import lines_of
from elman.data.text_files import encoding_of
from elman.data.tokenizer import tokenizer_from_bytes
from elman.data.video.clips import VideoLimits
from elman.data.video.rows import VideoColumns, Videos
from elman.data.video.settings import VideoSettings
from elman.errors import InputError
from elman.predictors.classifier_sounds import SoundEncoder
from elman.predictors.classifier_videos import VideoEncoder
from elman.settings import Options

LOG = logging.getLogger("elman")

InputKind = Literal["texts", "words", "numbers", "audio", "video"]
_KINDS: dict[InputKind, type[Inputs]] = {"texts": Texts, "words": Words, "numbers": Sequences}

TOKENIZER, SCALER = "tokenizer.json", "scaler.json"
_ROWS_AT_ONCE = 256

Row = Mapping[str, Any]


class RowOptions(AudioSettings, TableSettings, Options):
    """Where in other data the rows are, and how those are written."""

    text_column: str | None = Field(
        default=None, description="column of the text, or its number; default: as in training"
    )
    skip_bad_rows: bool = Field(default=False, description="leave out rows that can't be read")
    video_column: str | None = Field(
        default=None, description="column of the paths of videos, or its number; default: found"
    )
    video_root: Path | None = Field(
        default=None,
        description="folder that paths of videos are below; default: that of the table",
    )
    fps: float | None = Field(
        default=None,
        description="images a second of folders of images, frames a second of arrays",
        gt=0,
        le=1000,
    )

    def sounds(self, trained: AudioColumns) -> AudioColumns:
        """The columns of a table of recordings."""
        if self.text_column is not None:
            raise InputError("--text-column: this classifier reads audio; say --audio-column")
        return self.audio_columns(trained, asked=self.asked)

    def videos(self, trained: VideoColumns | None) -> VideoColumns:
        """The columns of a table of videos."""
        if self.text_column is not None:
            raise InputError("--text-column: this classifier reads video; say --video-column")
        return self._video.video_columns(trained or VideoColumns(), asked=self.asked)

    @property
    def video_limits(self) -> VideoLimits:
        """The bounds on each video."""
        return self._video.limits

    @property
    def _video(self) -> VideoSettings:
        said = self.model_fields_set & VideoSettings.model_fields.keys()
        return VideoSettings(**{name: getattr(self, name) for name in said})

    def check(self, inputs: InputKind) -> None:
        """Raise InputError for an option of audio or video where `inputs` are something else."""
        audio = AudioSettings.model_fields.keys()
        video = VideoSettings.model_fields.keys()
        for name in sorted(self.model_fields_set & (audio | video)):
            kinds = ["audio"] * (name in audio) + ["video"] * (name in video)
            if inputs not in kinds:
                flag = "--" + name.replace("_", "-")
                raise InputError(
                    f"{flag}: for {' and '.join(kinds)}, but this classifier reads {inputs}; leave"
                    " it out"
                )

    def columns(self, trained: Columns) -> Columns:
        """The columns of training, with what these options say."""
        return replace(
            trained, text=self.text_column or trained.text, asked=self.asked.over(trained.asked)
        )


class LabeledRowOptions(RowOptions):
    """The same for rows with labels."""

    label_column: str | None = Field(
        default=None, description="column of the label, or its number; default: as in training"
    )

    def sounds(self, trained: AudioColumns) -> AudioColumns:
        return replace(super().sounds(trained), label=self.label_column or trained.label)

    def columns(self, trained: Columns) -> Columns:
        found = super().columns(trained)
        return replace(found, label=self.label_column or trained.label)


@dataclass(frozen=True)
class Schema:
    """What goes in and what comes out.

    Attributes:
        names: (K,) the classes.
        kind: one label a row, one for each step, or many a row.
        inputs: texts, rows of words, rows of numbers, audio, or video.
        channels: the names of the numbers of a step, or of the bins of a frame of audio.
        columns: where in a table the texts and the labels are.
        audio: where in a table the recordings and the labels are; None but for audio.
        video: the same of videos.
    """

    names: Annotated[tuple[str, ...], Field(min_length=1)]
    kind: LabelKind
    inputs: InputKind
    channels: tuple[str, ...] = ()
    columns: Columns = field(default_factory=Columns)
    audio: AudioColumns | None = None
    video: VideoColumns | None = None

    @classmethod
    def of(cls, data: Labeled, columns: Columns) -> Schema:
        """The schema of labeled rows."""
        inputs = next(name for name, kind in _KINDS.items() if isinstance(data.inputs, kind))
        channels = data.inputs.channels if isinstance(data.inputs, Sequences) else ()
        return cls(data.labels.names, data.labels.kind, inputs, channels, columns)

    @property
    def steps(self) -> str:
        return "words" if self.inputs in ("texts", "words") else "steps"


@dataclass(frozen=True)
class Encoder:
    """Encodes rows of text as token ids and standardizes rows of numbers, if there is a scale.

    Of audio it makes normalized frames, of video frames of one rate and size.
    """

    words: WordEncoder | None
    scale: Standardizer | None
    sounds: SoundEncoder | None = None
    videos: VideoEncoder | None = None

    @classmethod
    def of(
        cls,
        files: Mapping[str, bytes],
        *,
        split_punctuation: bool,
        sounds: Mapping[str, Any] | None = None,
        videos: Mapping[str, Any] | None = None,
        where: str,
    ) -> Encoder:
        """The encoder whose `files` these are; of audio or video, whose settings are `sounds` or
        `videos` too.
        """
        if videos is not None:
            return cls(None, None, None, VideoEncoder.of(videos))
        if sounds is not None:
            return cls(None, None, SoundEncoder.of(sounds, files, where))
        if TOKENIZER in files:
            tokenizer = tokenizer_from_bytes(files[TOKENIZER], f"{where}/{TOKENIZER}")
            return cls(WordEncoder(tokenizer, split_punctuation=split_punctuation), None)
        if SCALER in files:
            return cls(None, Standardizer.from_bytes(files[SCALER], f"{where}/{SCALER}"))
        return cls(None, None)

    @property
    def files(self) -> Mapping[str, bytes]:
        """The tokenizer or the scaler, by the name of its file."""
        files: dict[str, bytes] = {}
        if self.sounds is not None:
            files |= self.sounds.front_end.files()
        if self.words is not None:
            files[TOKENIZER] = self.words.tokenizer.to_bytes()
        if self.scale is not None:
            files[SCALER] = self.scale.to_bytes()
        return files

    @property
    def split_punctuation(self) -> bool:
        """Whether punctuation is split off the words of a text."""
        return self.words is not None and self.words.split_punctuation

    def labeled(self, data: Labeled) -> Encoded:
        """Rows with their labels."""
        steps, offsets, ends = self._steps(data.inputs)
        kind, labels = data.labels.kind, data.labels.ids
        if kind == "step" and ends is not None:
            # A word is labeled at its last token, where all of it has been read.
            spread = np.full(len(steps), IGNORE, np.int64)
            spread[ends] = labels
            labels = spread
        return Encoded(steps, offsets, labels, kind)

    def unlabeled(self, inputs: Inputs, kind: LabelKind) -> tuple[Encoded, np.ndarray | None]:
        """Rows without labels; and for words, the step at which each of all words ends (W,)."""
        steps, offsets, ends = self._steps(inputs)
        return Encoded(steps, offsets, None, kind), ends

    def reads(self, inputs: InputKind) -> bool:
        """Whether it is an encoder of such inputs."""
        if inputs in ("audio", "video") or self.sounds is not None or self.videos is not None:
            own = self.sounds if inputs == "audio" else self.videos if inputs == "video" else None
            return own is not None
        return (inputs == "numbers") == (self.words is None)

    @property
    def window(self) -> int | None:
        """The frames of a step; None but for audio."""
        return None if self.sounds is None else self.sounds.window

    def _steps(self, inputs: Inputs) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        assert not isinstance(inputs, Utterances | Videos), "their frames are kept in files"
        if isinstance(inputs, Sequences):
            values = inputs.values if self.scale is None else self.scale.apply(inputs.values)
            return values, inputs.offsets, None
        assert self.words is not None
        rows = [self.words.encode(words) for words in words_by_row(inputs)]
        offsets = offsets_of([len(ids) for ids, _ in rows])
        ends = [own + begin - 1 for (_, own), begin in zip(rows, offsets, strict=False)]
        return _joined([ids for ids, _ in rows]), offsets, _joined(ends)


def words_by_row(inputs: Texts | Words) -> Iterator[Sequence[str]]:
    """The words of each row."""
    if isinstance(inputs, Texts):
        return map(words_of, inputs.texts)
    return map(inputs.row, range(len(inputs)))


def rows_of(
    schema: Schema, data: Given | None, options: RowOptions
) -> Iterator[tuple[Inputs, Sequence[Row]]]:
    """The rows to classify, in parts of any size, with the columns that each row came with.

    Texts that arrive come one by one, so that each is answered before the next is there.
    """
    options.check(schema.inputs)
    match data:
        case Files(paths):
            for path in paths:
                if schema.inputs == "texts" and _has_texts(path, schema, options):
                    encoding = encoding_of(path, *options.columns(schema.columns).encoding)
                    texts = lines_of(path, encoding)
                    yield from _of_texts(schema, texts, str(path), _ROWS_AT_ONCE)
                else:
                    yield _of_table(schema, Files((path,)), str(path), options)
        case GivenTexts(texts, _, where, arriving):
            if schema.inputs == "numbers":
                raise InputError(
                    f"{where}: texts, but this classifier reads numbers; give a file of them"
                )
            yield from _of_texts(schema, iter(texts), where, 1 if arriving else _ROWS_AT_ONCE)
        case GivenColumns():
            yield _of_table(schema, data, data.where, options)
        case Arrays() if schema.inputs == "numbers":
            yield _of_table(schema, data, data.where, options)
        case None:
            raise InputError("nothing to classify; give a file or texts")
        case _:
            reads = "numbers" if schema.inputs == "numbers" else "texts"
            kind = type(data).__name__.lower()
            raise InputError(f"expected {reads}, as this classifier was trained on, got {kind}")


def _has_texts(path: Path, schema: Schema, options: RowOptions) -> bool:
    """Whether a file has a text on each line and nothing else."""
    table = KINDS.get(suffix_of(path), "lines") != "lines" or path.is_dir()
    return not (table or schema.columns.lines or options.delimiter or options.text_column)


def _of_table(
    schema: Schema, data: Given, where: str, options: RowOptions
) -> tuple[Inputs, Sequence[Row]]:
    columns = options.columns(schema.columns)
    bad = BadRows(options.skip_bad_rows)
    found = read_unlabeled(data, columns, schema.names, bad)
    for note in bad.notes():
        LOG.warning("%s: %s", where, note)
    if not isinstance(found.inputs, _KINDS[schema.inputs]):
        raise InputError(f"{where}: expected {schema.inputs}, as this classifier was trained on")
    numbered = [{"row": n} for n in range(1, len(found.inputs) + 1)]
    return found.inputs, numbered if found.cells is None else found.cells


def _of_texts(
    schema: Schema, texts: Iterator[str], where: str, at_once: int
) -> Iterator[tuple[Inputs, Sequence[Row]]]:
    before = 0
    while part := list(islice(texts, at_once)):
        numbers = np.arange(before + 1, before + len(part) + 1)
        for number, text in zip(numbers, part, strict=True):
            if not text.strip():
                place = where if where.startswith("--") else f"{where}:{number}"
                raise InputError(f"{place}: an empty text; give one with at least a word in it")
        origin = Origin((Path(where),), np.zeros(len(part), np.int64), numbers)
        if schema.inputs == "texts":
            yield Texts(tuple(part), origin), [{"text": text} for text in part]
        else:
            rows = [words_of(text) for text in part]
            words = tuple(word for row in rows for word in row)
            offsets = offsets_of([len(row) for row in rows])
            yield Words(words, offsets, origin), [{"row": int(number)} for number in numbers]
        before += len(part)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)

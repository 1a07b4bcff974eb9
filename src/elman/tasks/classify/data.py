"""What training a classifier needs of the user's data: encoded rows, classes, baselines."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from elman.data.audio.dataset import AudioOptions
from elman.data.audio.rows import AudioColumns, Utterances
from elman.data.given import Files, Given, Splits
from elman.data.labeled.dataset import read_labeled, read_more
from elman.data.labeled.encoded import Encoded
from elman.data.labeled.rows import Columns, LabeledSplits, Sequences
from elman.data.labeled.sounds import has_sounds, read_labeled_sounds, read_more_sounds
from elman.data.labeled.standardize import Standardizer
from elman.data.labeled.words import WordEncoder, separated
from elman.data.tables.table import BadRows
from elman.data.tokenizer import Tokenizer, train_tokenizer
from elman.data.video.rows import Videos
from elman.errors import InputError
from elman.evaluation.baselines import Baseline, fit_baselines
from elman.files import write_bytes, write_json
from elman.predictors.classifier_inputs import (
    SCALER,
    TOKENIZER,
    Encoder,
    InputKind,
    LabeledRowOptions,
    Schema,
    words_by_row,
)
from elman.predictors.classifier_sounds import SoundReader
from elman.settings import adapter
from elman.tasks.classify.config import ClassifyConfig
from elman.tasks.classify.initialize import Start, from_language_model, from_vectors
from elman.tasks.classify.sounds import prepare_sounds

SPLITS = ("train", "valid", "test")

FOUND = logging.getLogger("elman.data")
"""Hears what was read, before the baselines are fitted; the command line prints it."""

PROGRESS = logging.getLogger("elman.progress")
"""Hears what is being done."""

_DATA, _START = "data.json", "start.safetensors"

_ONCE = (1.0,)
"""The shares of the copies of a row that has one."""


@dataclass(frozen=True)
class _Found:
    """The part of `ClassifyData` that is a file of JSON."""

    schema: Schema
    notes: tuple[str, ...]
    baselines: tuple[Baseline, ...]
    sounds: dict[str, Any] | None = None
    shares: tuple[float, ...] = _ONCE


@dataclass(frozen=True, eq=False)
class ClassifyData:
    """Labeled rows of each split, encoded, with what was found when they were read.

    Of audio the training part has copies of each row; `shares` says how often each is drawn.
    """

    splits: Mapping[str, Encoded]
    schema: Schema
    encoder: Encoder
    baselines: Sequence[Baseline]
    start: Start
    notes: Sequence[str]
    shares: tuple[float, ...] = _ONCE

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """The rows and the steps, or frames, of each part."""
        shares = {"train": self.shares}
        return {name: _count(rows, shares.get(name, _ONCE)) for name, rows in self.splits.items()}

    def labeled(self, given: Given, options: LabeledRowOptions, bad: BadRows) -> dict[str, Encoded]:
        """The rows of other data of the same kind, by the name of each part."""
        match given:
            case Files(paths):
                names = [path.name for path in paths]
                unique = len(set(names)) == len(names)
                parts: dict[str, Given] = {
                    path.name if unique else str(path): Files((path,)) for path in paths
                }
            case Splits():
                raise InputError("the data are cut into parts; give one of them")
            case _:
                parts = {given.where: given}
        schema = self.schema
        options.check(schema.inputs)
        if self.encoder.sounds is not None and schema.audio is not None:
            reader = self.encoder.sounds.reader(bad, options.limits)
            return {name: self._heard(part, options, reader, bad) for name, part in parts.items()}
        columns = options.columns(schema.columns)
        return {
            name: self.encoder.labeled(
                read_more(
                    part,
                    columns,
                    schema.names,
                    schema.kind,
                    bad=bad,
                )
            )
            for name, part in parts.items()
        }

    def _heard(
        self, part: Given, options: LabeledRowOptions, reader: SoundReader, bad: BadRows
    ) -> Encoded:
        """The recordings of one part, and their labels."""
        schema, encoder = self.schema, self.encoder.sounds
        assert schema.audio is not None
        assert encoder is not None
        rows = read_more_sounds(
            part,
            options.sounds(schema.audio),
            schema.names,
            schema.kind,
            schema.columns.label_separator,
            bad,
            options.limits,
        )
        assert isinstance(rows.inputs, Utterances)
        heard = encoder.encode(rows.inputs, reader)
        labels = rows.labels.ids[heard.rows]
        return Encoded(heard.frames, heard.offsets, labels, schema.kind, encoder.window)


def prepare(config: ClassifyConfig, given: Given | None, folder: Path) -> None:
    """Read labeled data and leave in `folder` what `open_data` takes."""
    if given is None:
        raise InputError("no data; give texts, sequences of numbers or audio, with labels")
    audio = has_sounds(given, _audio_columns(config))
    made = _sounds(config, given, folder) if audio else _encoded(config, given)
    for name, content in made.encoder.files.items():
        write_bytes(folder / name, content)
    made.start.save(folder / _START)
    counts = {}
    for name in SPLITS:
        if (part := made.parts(name)) is not None:
            part.save(folder / name)
            counts[name] = _count(part, made.shares if name == "train" else _ONCE)
    for line in described(made.notes, counts, made.schema, made.encoder):
        FOUND.info(line)
    means = "mean log-mels" if made.schema.inputs == "audio" else ""
    baselines = fit_baselines(made.splits, config.seed, PROGRESS.info, means)
    sounds = None if made.encoder.sounds is None else made.encoder.sounds.settings()
    found = _Found(made.schema, tuple(made.notes), tuple(baselines), sounds, made.shares)
    write_json(folder / _DATA, asdict(found))


@dataclass(frozen=True, eq=False)
class _Made:
    """What was read and is to be kept: how rows are encoded, and the rows as baselines take them.

    `parts` gives the encoded rows of a part, None where there is none.
    """

    schema: Schema
    encoder: Encoder
    splits: LabeledSplits
    parts: Callable[[str], Encoded | None]
    notes: Sequence[str]
    start: Start = field(default_factory=Start)
    shares: tuple[float, ...] = _ONCE


def _sounds(config: ClassifyConfig, given: Given, folder: Path) -> _Made:
    """Recordings, whose frames are computed."""
    _check_settings(config, "audio")
    bad = BadRows(config.skip_bad_rows)
    options = AudioOptions(
        _audio_columns(config),
        config.limits,
        config.valid_fraction,
        config.test_fraction,
        config.seed,
        config.skip_bad_rows,
    )
    splits, columns = read_labeled_sounds(given, options, config.label_separator, bad)
    made = prepare_sounds(config, splits, folder, bad)
    kept = replace(columns, root=None, asked=columns.asked.for_later())
    schema = replace(Schema.of(made.frames.train, splits.columns), inputs="audio", audio=kept)
    notes = [*splits.notes, *made.notes, *bad.notes()]
    encoder = Encoder(None, None, made.encoder)
    return _Made(schema, encoder, made.frames, made.encoded.get, notes, shares=made.shares)


def _audio_columns(config: ClassifyConfig) -> AudioColumns:
    """Where the settings say that recordings and labels are."""
    return config.audio_columns(
        label=config.label_column, split=config.split_column, asked=config.asked
    )


def _encoded(config: ClassifyConfig, given: Given) -> _Made:
    """Texts, words or numbers."""
    splits = read_labeled(
        given,
        Columns(
            text=config.text_column,
            label=config.label_column,
            split=config.split_column,
            label_separator=config.label_separator,
            per_step=config.per_step,
            label_first=config.label_first,
            asked=config.asked,
        ),
        valid_fraction=config.valid_fraction,
        test_fraction=config.test_fraction,
        seed=config.seed,
        skip_bad_rows=config.skip_bad_rows,
    )
    schema = Schema.of(splits.train, splits.columns)
    _check_settings(config, schema.inputs)
    notes, start = list(splits.notes), Start()
    if isinstance(splits.train.inputs, Sequences):
        values = splits.train.inputs.values
        encoder = Encoder(None, Standardizer.fit(values) if config.standardize else None)
    elif config.from_run is not None:
        tokenizer, start = from_language_model(config.from_run, config)
        encoder = Encoder(WordEncoder(tokenizer, split_punctuation=_splits(config)), None)
    else:
        tokenizer = _tokenizer(config, splits)
        encoder = Encoder(WordEncoder(tokenizer, split_punctuation=_splits(config)), None)
        if config.vectors is not None:
            start, line = from_vectors(config, tokenizer)
            notes.append(line)

    def part(name: str) -> Encoded | None:
        rows = getattr(splits, name)
        return None if rows is None else encoder.labeled(rows)

    return _Made(schema, encoder, splits, part, notes, start)


def _check_settings(config: ClassifyConfig, inputs: InputKind) -> None:
    """Raise InputError for a setting that is for data of another kind."""
    if inputs != "audio" and (flag := config.asked_of_audio()) is not None:
        raise InputError(f"{flag}: for audio, but the data are {inputs}; leave it out")
    if inputs == "audio" and (config.per_step or config.label_first):
        flag = "--per-step" if config.per_step else "--label-first"
        raise InputError(f"{flag}: for texts and numbers, but the data are audio; leave it out")
    if inputs in ("numbers", "audio") and (config.from_run or config.vectors) is not None:
        flag = "--vectors" if config.from_run is None else "--from"
        raise InputError(f"{flag}: for texts, but the data are {inputs}; leave it out")


def _count(rows: Encoded, shares: Sequence[float]) -> tuple[int, int]:
    """The rows of one copy, and their steps (frames of audio)."""
    count = len(rows) // len(shares)
    return count, int(rows.offsets[count])


def described(
    notes: Sequence[str],
    counts: Mapping[str, tuple[int, int]],
    schema: Schema,
    encoder: Encoder,
) -> list[str]:
    """What was read, in lines: the notes, the rows and steps of each split, classes, vocabulary."""
    lines = list(notes)
    unit = "frames" if schema.inputs in ("audio", "video") else "steps"
    for name, (rows, steps) in counts.items():
        lines.append(f"{name:<5} {rows:>9,} rows  {steps:>11,} {unit}")
    names = schema.names
    shown = ", ".join(names[:10]) + (" …" if len(names) > 10 else "")
    lines.append(f"{len(names)} classes: {shown}")
    if encoder.words is not None:
        tokenizer = encoder.words.tokenizer
        lines.append(f"vocabulary {tokenizer.vocab_size:,} ({tokenizer.unit})")
    return lines


def open_data(config: ClassifyConfig, folder: Path) -> ClassifyData:
    """What `prepare` left in `folder`; the rows stay on disk until they are used."""
    path = folder / _DATA
    try:
        found = adapter(_Found).validate_json(path.read_bytes())
        names = [name for name in (TOKENIZER, SCALER) if (folder / name).exists()]
        files = {name: (folder / name).read_bytes() for name in names}
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path}: cannot be read as the data of a classifier ({reason}); train again"
        ) from error
    schema = found.schema
    encoder = Encoder.of(
        files, split_punctuation=_splits(config), sounds=found.sounds, where=str(folder)
    )
    if not encoder.reads(schema.inputs):
        raise InputError(f"{folder / TOKENIZER}: is missing or too much; train again")
    splits = {
        name: Encoded.open(folder / name, schema.kind, encoder.window)
        for name in SPLITS
        if name != "test" or (folder / name).exists()
    }
    start = Start.load(folder / _START)
    return ClassifyData(splits, schema, encoder, found.baselines, start, found.notes, found.shares)


def _splits(config: ClassifyConfig) -> bool:
    """Whether punctuation is split off the words; a language model has read them together."""
    return config.split_punctuation and config.from_run is None


def _tokenizer(config: ClassifyConfig, splits: LabeledSplits) -> Tokenizer:
    """One trained on the texts of the training part."""
    inputs = splits.train.inputs
    assert not isinstance(inputs, Sequences | Utterances | Videos)
    texts = (" ".join(words) for words in words_by_row(inputs))
    split = config.unit == "word" and config.split_punctuation
    return train_tokenizer(
        config.unit,
        ((separated(text) if split else text) + "\n" for text in texts),
        config.vocabulary_limit,
        config.min_count,
        lower=config.lower and config.unit == "word",
    )

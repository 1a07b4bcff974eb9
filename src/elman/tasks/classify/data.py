"""What training a classifier needs of the user's data: encoded rows, classes, baselines."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from elman.data.given import Files, Given, Splits
from elman.data.labeled.dataset import read_labeled, read_more
from elman.data.labeled.encoded import Encoded
from elman.data.labeled.rows import Columns, LabeledSplits, Sequences
from elman.data.labeled.standardize import Standardizer
from elman.data.labeled.words import WordEncoder, separated
from elman.data.tables.table import BadRows
from elman.data.tokenizer import Tokenizer, train_tokenizer
from elman.errors import InputError
from elman.evaluation.baselines import Baseline, fit_baselines
from elman.files import write_bytes, write_json
from elman.predictors.classifier_inputs import (
    SCALER,
    TOKENIZER,
    Encoder,
    LabeledRowOptions,
    Schema,
    words_by_row,
)
from elman.settings import adapter
from elman.tasks.classify.config import ClassifyConfig
from elman.tasks.classify.initialize import Start, from_language_model, from_vectors

SPLITS = ("train", "valid", "test")

FOUND = logging.getLogger("elman.data")
"""Hears what was read, before the baselines are fitted; the command line prints it."""

PROGRESS = logging.getLogger("elman.progress")
"""Hears what is being done."""

_DATA, _START = "data.json", "start.safetensors"


@dataclass(frozen=True)
class _Found:
    """The part of `ClassifyData` that is a file of JSON."""

    schema: Schema
    notes: tuple[str, ...]
    baselines: tuple[Baseline, ...]


@dataclass(frozen=True, eq=False)
class ClassifyData:
    """Labeled rows of each split, encoded, with what was found when they were read."""

    splits: Mapping[str, Encoded]
    schema: Schema
    encoder: Encoder
    baselines: Sequence[Baseline]
    start: Start
    notes: Sequence[str]

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


def prepare(config: ClassifyConfig, given: Given | None, folder: Path) -> None:
    """Read labeled data and leave in `folder` what `open_data` takes."""
    if given is None:
        raise InputError("no data; give texts with labels, or sequences of numbers with labels")
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
    notes = list(splits.notes)
    start = Start()
    if isinstance(splits.train.inputs, Sequences):
        if config.from_run is not None or config.vectors is not None:
            flag = "--vectors" if config.from_run is None else "--from"
            raise InputError(f"{flag}: for texts, but the data are numbers; leave it out")
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
    for name, content in encoder.files.items():
        write_bytes(folder / name, content)
    start.save(folder / _START)
    counts = {}
    for name in SPLITS:
        if (rows := getattr(splits, name)) is not None:
            encoded = encoder.labeled(rows)
            encoded.save(folder / name)
            counts[name] = (len(encoded), len(encoded.steps))
    schema = Schema.of(splits.train, splits.columns)
    for line in described(notes, counts, schema, encoder):
        FOUND.info(line)
    baselines = fit_baselines(splits, config.seed, PROGRESS.info)
    found = _Found(schema, tuple(notes), tuple(baselines))
    write_json(folder / _DATA, asdict(found))


def described(
    notes: Sequence[str],
    counts: Mapping[str, tuple[int, int]],
    schema: Schema,
    encoder: Encoder,
) -> list[str]:
    """What was read, in lines: the notes, the rows and steps of each split, classes, vocabulary."""
    lines = list(notes)
    for name, (rows, steps) in counts.items():
        lines.append(f"{name:<5} {rows:>9,} rows  {steps:>11,} steps")
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
    encoder = Encoder.of(files, split_punctuation=_splits(config), where=str(folder))
    if (schema.inputs == "numbers") != (encoder.words is None):
        raise InputError(f"{folder / TOKENIZER}: is missing or too much; train again")
    splits = {
        name: Encoded.open(folder / name, schema.kind)
        for name in SPLITS
        if name != "test" or (folder / name).exists()
    }
    start = Start.load(folder / _START)
    return ClassifyData(splits, schema, encoder, found.baselines, start, found.notes)


def _splits(config: ClassifyConfig) -> bool:
    """Whether punctuation is split off the words; a language model has read them together."""
    return config.split_punctuation and config.from_run is None


def _tokenizer(config: ClassifyConfig, splits: LabeledSplits) -> Tokenizer:
    """One trained on the texts of the training part."""
    inputs = splits.train.inputs
    assert not isinstance(inputs, Sequences)
    texts = (" ".join(words) for words in words_by_row(inputs))
    split = config.unit == "word" and config.split_punctuation
    return train_tokenizer(
        config.unit,
        ((separated(text) if split else text) + "\n" for text in texts),
        config.vocabulary_limit,
        config.min_count,
        lower=config.lower and config.unit == "word",
    )

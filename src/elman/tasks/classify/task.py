"""The tasks `classify` and `sentiment`: a label for a sequence, or for each step of it.

Legend: T time, B batch, N rows, S steps of all rows together, K classes, V vocabulary.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, cast

from torch import nn

from elman.data.labeled.dataset import read_labeled, read_more
from elman.data.labeled.encoded import Bucketed, Encoded
from elman.data.labeled.rows import Columns, LabeledSplits, Sequences, Texts, Words
from elman.data.labeled.standardize import Standardizer
from elman.data.labeled.words import WordEncoder, separated, words_of
from elman.data.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from elman.diagnostics.activations import Activations
from elman.diagnostics.diagnosis_input import DiagnosisInput
from elman.errors import InputError
from elman.evaluation.baselines import fit_baselines, load_baselines, save_baselines
from elman.evaluation.classification_report import plots, report
from elman.models.cells import check_cell, recurrent_layers
from elman.models.classifier import Classifier
from elman.models.stacked import output_width
from elman.predictors.classifier import judge
from elman.predictors.classifier_activations import read_numbers, read_words
from elman.predictors.classifier_answers import predictions
from elman.predictors.classifier_inputs import Encoder, Schema
from elman.predictors.classifier_options import ClassifyPrediction
from elman.predictors.classifier_session import ClassifierStream
from elman.predictors.number_session import NumberStream
from elman.tasks.classify.config import ClassifyConfig, SentimentConfig
from elman.tasks.classify.diagnosis_input import classifier_diagnosis_input
from elman.tasks.classify.initialize import (
    Architecture,
    from_language_model,
    from_vectors,
    load_start,
    paces,
)
from elman.tasks.classify.objective import ClassifyObjective
from elman.tasks.task import NO_OPTIONS, FrontEnd, Given, Options, Record, Report, Task

SPLITS = ("train", "valid", "test")
PLURALS = {"char": "characters", "word": "words", "bpe": "tokens"}


class ClassifyTask(Task):
    """Learn labels from rows of texts, words or numbers."""

    name: ClassVar[str] = "classify"
    summary: ClassVar[str] = "Label texts or sequences of numbers, as a whole or step by step."
    Config = ClassifyConfig
    counted: ClassVar[str] = "labels"
    data: ClassVar[str] = (
        "a table (CSV, TSV, JSONL, Parquet) of texts and labels, CoNLL columns, or sequences of"
        " numbers (.npz, .jsonl, .ts, a folder of CSVs); or train, valid and test files"
    )
    common: ClassVar[tuple[str, ...]] = (
        *("text_column", "label_column", "per_step", "unit", "from_run", "vectors"),
        *("cell", "hidden_size", "num_layers", "bidirectional", "pooling", "dropout"),
        *("class_weights", "batch_size", "learning_rate", "max_steps", "max_minutes"),
        *("eval_every", "checkpoint_every", "patience", "seed", "threads", "device"),
    )
    Prediction = ClassifyPrediction
    config: ClassifyConfig

    def prepare(self, paths: Sequence[Path]) -> None:
        """Encode the rows and fit the baselines, in the run directory; see `Task.prepare`."""
        config = self.config
        check_cell(config.cell)
        splits = read_labeled(
            paths,
            self.columns,
            valid_fraction=config.valid_fraction,
            test_fraction=config.test_fraction,
            seed=config.seed,
            skip_bad_rows=config.skip_bad_rows,
        )
        notes = list(splits.notes)
        if isinstance(splits.train.inputs, Sequences):
            if config.from_run is not None or config.vectors is not None:
                flag = "--vectors" if config.from_run is None else "--from"
                raise InputError(f"{flag}: for texts, but {paths[0]} holds numbers; leave it out")
            channels = len(splits.train.inputs.channels)
            sizes = Architecture.of(config, channels)
            if config.standardize:
                Standardizer.fit(splits.train.inputs.values).save(self._scale_path)
        else:
            sizes = self._prepare_text(splits, notes)
        sizes.save(self._sizes_path)
        Schema.of(splits, tuple(notes)).save(self._schema_path)
        for name in SPLITS:
            rows = getattr(splits, name)
            if rows is not None:
                self.encoder.labeled(rows).save(self._rows_path(name))
        save_baselines(self._baselines_path, fit_baselines(splits, config.seed))

    def _prepare_text(self, splits: LabeledSplits, notes: list[str]) -> Architecture:
        config = self.config
        if config.from_run is not None:
            tokenizer, sizes = from_language_model(config.from_run, config, self._start_path)
            tokenizer.save(self._tokenizer_path)
            return sizes
        inputs = splits.train.inputs
        assert isinstance(inputs, (Texts, Words))
        rows = (
            [words_of(text) for text in inputs.texts]
            if isinstance(inputs, Texts)
            else [list(inputs.row(row)) for row in range(len(inputs))]
        )
        texts = (" ".join(row) for row in rows)
        split = config.unit == "word" and config.split_punctuation
        tokenizer = train_tokenizer(
            config.unit,
            ((separated(text) if split else text) + "\n" for text in texts),
            config.vocabulary_limit,
            config.min_count,
            lower=config.lower and config.unit == "word",
        )
        tokenizer.save(self._tokenizer_path)
        width = config.embedding_size or config.hidden_size
        if config.vectors is not None:
            width, line = from_vectors(config, tokenizer, self._start_path)
            notes.append(line)
        return Architecture.of(config, width)

    def describe(self) -> list[str]:
        lines = list(self.schema.notes)
        for name in self._split_names():
            rows = self.rows(name)
            lines.append(f"{name:<5} {len(rows):>9,} rows  {len(rows.steps):>11,} steps")
        names = ", ".join(self.schema.names[:10]) + (" …" if len(self.schema.names) > 10 else "")
        lines.append(f"{len(self.schema.names)} classes: {names}")
        if self.schema.inputs != "numbers":
            lines.append(f"vocabulary {self.tokenizer.vocab_size:,} ({self.tokenizer.unit})")
        for baseline in load_baselines(self._baselines_path):
            lines += baseline.notes
        return lines

    def build_model(self) -> Classifier:
        config, sizes = self.config, Architecture.load(self._sizes_path)
        embedding = None
        if self.schema.inputs != "numbers":
            embedding = nn.Embedding(self.tokenizer.vocab_size, sizes.embedding_size)
            # Small beside the gates' own start, so that a rare word begins by saying little.
            nn.init.normal_(embedding.weight, std=0.1)
        layers = recurrent_layers(
            self.config.cell if config.from_run is None else sizes.cell,
            sizes.embedding_size,
            [sizes.hidden_size] * sizes.num_layers,
            sizes.options(config),
            bidirectional=config.both_ways,
        )
        model = Classifier(
            embedding,
            layers,
            output_width(layers, sizes.embedding_size),
            len(self.schema.names),
            pooling=None if self.schema.kind == "step" else config.pooling,
            word_dropout=config.word_dropout,
            input_dropout=config.dropout_of("input"),
            hidden_dropout=config.dropout_of("hidden"),
            output_dropout=config.dropout_of("output"),
            locked_dropout=config.locked_dropout,
        )
        model.load_state_dict(load_start(self._start_path), strict=False)
        model.paces = paces([name for name, _ in model.named_parameters()], config)
        return model

    def source(self) -> Bucketed:
        return Bucketed(self.rows("train"), self.config.batch_size, self.config.seed)

    def objective(self, model: nn.Module) -> ClassifyObjective:
        assert isinstance(model, Classifier)
        return ClassifyObjective(model, self.config, self.rows("train"), self.rows("valid"))

    def evaluate(
        self, model: nn.Module, paths: Sequence[Path] = (), options: Options = NO_OPTIONS
    ) -> Report:
        assert isinstance(model, Classifier)
        schema = self.schema
        if paths:
            splits = {path.name: self._labeled(path) for path in paths}
            return report(schema, {name: (judge(model, r), r) for name, r in splits.items()}, [])
        splits = {name: self.rows(name) for name in self._split_names() if name != "train"}
        judged = {name: (judge(model, rows), rows) for name, rows in splits.items()}
        plots(schema, judged, self.run.path)
        return report(schema, judged, load_baselines(self._baselines_path))

    def diagnosis_input(
        self,
        model: nn.Module,
        path: Path | None = None,
        *,
        max_lag: int | None = None,
        needs: int | None = None,
    ) -> DiagnosisInput:
        """The model on the longest validation rows, or on those of another file."""
        assert isinstance(model, Classifier)
        unit = "steps" if self.schema.inputs == "numbers" else PLURALS[self.tokenizer.unit]
        rows = self.rows("valid") if path is None else self._labeled(path)
        return classifier_diagnosis_input(
            model, rows, self.config, unit=unit, max_lag=max_lag, needs=needs
        )

    def read(self, model: nn.Module, text: str | None) -> Activations:
        """What can be seen of the model as it reads a text, or its first validation row."""
        assert isinstance(model, Classifier)
        title = str(self.run.path)
        if self.schema.inputs == "numbers":
            if text is not None:
                raise InputError(
                    f"{title}: reads numbers; leave --text out to see its first validation row"
                )
            values = self.rows("valid").row(0)
            return read_numbers(model, self.schema, values, f"{title}, first validation row")
        if text is None:
            raise InputError(f"{title}: this classifier reads text; give some with --text")
        words = cast("WordEncoder", self.encoder.words)
        return read_words(model, self.schema, words, text, title)

    def predict(
        self, model: nn.Module, given: Given, options: Options = NO_OPTIONS
    ) -> Iterator[Record]:
        assert isinstance(model, Classifier)
        chosen = options if isinstance(options, ClassifyPrediction) else ClassifyPrediction()
        return predictions(model, self.schema, self.encoder, given, chosen)

    def stream(self, model: nn.Module, options: Options = NO_OPTIONS) -> FrontEnd:
        assert isinstance(model, Classifier)
        if model.bidirectional:
            raise InputError(
                f"{self.run.path}: reads from both ends, so it has to see the end before it can"
                " answer; train one with --no-bidirectional to stream"
            )
        if self.schema.inputs == "numbers":
            return NumberStream(model, self.schema, self.encoder.scale)
        return ClassifierStream(model, self.schema, cast("WordEncoder", self.encoder.words))

    def next_steps(self) -> list[str]:
        run = shlex.quote(str(self.run.path))
        if self.schema.inputs == "numbers":
            lines = [f"elman predict {run} FILE", f"elman show {run}"]
        else:
            lines = [
                f'elman predict {run} --text "…" --explain',
                f"elman predict {run} FILE --out OUT.csv",
                f'elman show {run} --text "…"',
            ]
        if not self.config.both_ways:
            lines.append(f"elman stream {run}")
        return [*lines, f"elman evaluate {run} FILE"]

    def rows(self, split: str) -> Encoded:
        """The encoded rows of "train", "valid" or "test"."""
        return Encoded.open(self._rows_path(split), self.schema.kind)

    def _labeled(self, path: Path) -> Encoded:
        """The encoded rows of another file."""
        schema, skip = self.schema, self.config.skip_bad_rows
        return self.encoder.labeled(
            read_more(path, schema.columns, schema.names, schema.kind, skip_bad_rows=skip)
        )

    @property
    def columns(self) -> Columns:
        """What was said about the files."""
        config = self.config
        return Columns(
            text=config.text_column,
            label=config.label_column,
            split=config.split_column,
            label_separator=config.label_separator,
            per_step=config.per_step,
        )

    @cached_property
    def schema(self) -> Schema:
        """What goes in and what comes out."""
        return Schema.load(self._schema_path)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that the run was trained with."""
        return load_tokenizer(self._tokenizer_path)

    @cached_property
    def encoder(self) -> Encoder:
        """Rows as people have them to rows as the network reads them."""
        if self.schema.inputs == "numbers":
            scale = Standardizer.load(self._scale_path) if self._scale_path.exists() else None
            return Encoder(None, scale)
        # A language model has read words with their punctuation.
        split = self.config.split_punctuation and self.config.from_run is None
        return Encoder(WordEncoder(self.tokenizer, split_punctuation=split), None)

    def _split_names(self) -> list[str]:
        return [name for name in SPLITS if self._rows_path(name).exists()]

    def _rows_path(self, split: str) -> Path:
        return self.run.path / "rows" / split

    @property
    def _schema_path(self) -> Path:
        return self.run.path / "classes.json"

    @property
    def _sizes_path(self) -> Path:
        return self.run.path / "encoder.json"

    @property
    def _tokenizer_path(self) -> Path:
        return self.run.path / "tokenizer.json"

    @property
    def _scale_path(self) -> Path:
        return self.run.path / "scaler.json"

    @property
    def _start_path(self) -> Path:
        return self.run.path / "start.safetensors"

    @property
    def _baselines_path(self) -> Path:
        return self.run.path / "baselines.json"


class SentimentTask(ClassifyTask):
    """The same for texts, under the name of what it is most used for."""

    name: ClassVar[str] = "sentiment"
    summary: ClassVar[str] = "Say what texts feel, or any other label of theirs; see also classify."
    Config = SentimentConfig

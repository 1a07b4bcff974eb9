"""The tasks `classify` and `sentiment`: a label for a sequence, or for each step of it.

Legend: T time, B batch, N rows, S steps of all rows together, K classes, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from elman.data.given import Given
from elman.data.labeled.encoded import Bucketed, Encoded
from elman.diagnostics.activations import Activations
from elman.diagnostics.diagnosis_input import DiagnosisInput
from elman.errors import InputError
from elman.evaluation.classification_report import (
    Classes,
    Predictions,
    confusion_of,
    reliability_of,
    report,
)
from elman.evaluation.report import Report
from elman.models.cells import cell_options, check_cell
from elman.plots.classification import draw_confusion, draw_reliability
from elman.predictors.classifier import Architecture, ClassifierPredictor
from elman.predictors.classifier_activations import activations_of_numbers
from elman.predictors.classifier_answers import probabilities_of
from elman.settings import Options
from elman.tasks.classify.config import ClassifyConfig, SentimentConfig
from elman.tasks.classify.data import ClassifyData, open_data, prepare
from elman.tasks.classify.diagnosis_input import classifier_diagnosis_input
from elman.tasks.classify.initialize import paces
from elman.tasks.classify.objective import ClassifyObjective
from elman.tasks.task import Task

PLURALS = {"char": "characters", "word": "words", "bpe": "tokens"}


class ClassifyTask(Task[ClassifyConfig, ClassifyData, ClassifierPredictor]):
    """Learn labels from rows of texts, words or numbers."""

    name: ClassVar[str] = "classify"
    summary: ClassVar[str] = "Label texts or sequences of numbers, as a whole or step by step."
    Config = ClassifyConfig
    counted: ClassVar[str] = "labels"
    data_help: ClassVar[str] = (
        "a table (CSV, TSV, JSONL, Parquet) of texts and labels, CoNLL columns, or sequences of"
        " numbers (.npz, .jsonl, .ts, a folder of CSVs); or train, valid and test files"
    )
    common: ClassVar[tuple[str, ...]] = (
        *("text_column", "label_column", "per_step", "unit", "from_run", "vectors"),
        *("cell", "hidden_size", "num_layers", "bidirectional", "pooling", "dropout"),
        *("class_weights", "batch_size", "learning_rate", "max_steps", "max_minutes"),
        *("eval_every", "checkpoint_every", "patience", "seed", "threads", "device"),
    )

    @classmethod
    def prepare(cls, config: ClassifyConfig, given: Given | None, folder: Path) -> ClassifyData:
        """Encode the rows and fit the baselines; see `Task.prepare`."""
        check_cell(config.cell)
        prepare(config, given, folder)
        return open_data(config, folder)

    @classmethod
    def open(cls, config: ClassifyConfig, folder: Path) -> ClassifyData:
        return open_data(config, folder)

    def describe(self) -> list[str]:
        data, names = self.data, self.data.schema.names
        lines = list(data.notes)
        for name, rows in data.splits.items():
            lines.append(f"{name:<5} {len(rows):>9,} rows  {len(rows.steps):>11,} steps")
        shown = ", ".join(names[:10]) + (" …" if len(names) > 10 else "")
        lines.append(f"{len(names)} classes: {shown}")
        if data.encoder.words is not None:
            tokenizer = data.encoder.words.tokenizer
            lines.append(f"vocabulary {tokenizer.vocab_size:,} ({tokenizer.unit})")
        for baseline in data.baselines:
            lines += baseline.notes
        return lines

    def make(self) -> ClassifierPredictor:
        schema, encoder, start = self.data.schema, self.data.encoder, self.data.start
        config = self.config.model_copy(update=dict(start.settings))
        numbers = schema.inputs == "numbers"
        architecture = Architecture(
            config.cell,
            cell_options(config),
            len(schema.channels) if numbers else config.embedding_size or config.hidden_size,
            config.hidden_size,
            config.num_layers,
            config.both_ways,
            None if schema.kind == "step" else config.pooling,
            config.word_dropout,
            config.dropout_of("input"),
            config.dropout_of("hidden"),
            config.dropout_of("output"),
            config.locked_dropout,
        )
        model = architecture.make(schema, encoder)
        model.load_state_dict(start.weights, strict=False)
        model.paces = paces([name for name, _ in model.named_parameters()], config)
        return ClassifierPredictor(model, schema, encoder, architecture)

    def source(self) -> Bucketed:
        return Bucketed(self.data.splits["train"], self.config.batch_size, self.config.seed)

    def objective(self, predictor: ClassifierPredictor) -> ClassifyObjective:
        splits = self.data.splits
        return ClassifyObjective(predictor.model, self.config, splits["train"], splits["valid"])

    def evaluate(
        self, predictor: ClassifierPredictor, given: Given | None, options: Options
    ) -> Report:
        schema = predictor.schema
        classes = Classes(
            schema.names, schema.kind, schema.steps if schema.kind == "step" else "rows"
        )

        def predictions(splits: Mapping[str, Encoded]) -> dict[str, Predictions]:
            return {
                name: Predictions.of(probabilities_of(predictor.model, rows), rows)
                for name, rows in splits.items()
            }

        if given is not None:
            return report(classes, predictions(self._labeled(given)), [])
        held_out = {name: rows for name, rows in self.data.splits.items() if name != "train"}
        found = predictions(held_out)
        figures = _figures(classes, list(found.values())[-1])
        return replace(report(classes, found, self.data.baselines), figures=figures)

    def diagnosis_input(
        self,
        predictor: ClassifierPredictor,
        given: Given | None = None,
        *,
        max_lag: int | None = None,
        needs: int | None = None,
    ) -> DiagnosisInput:
        """The network on the longest validation rows, or on those of other data."""
        words = predictor.encoder.words
        unit = "steps" if words is None else PLURALS[words.tokenizer.unit]
        rows = self.data.splits["valid"]
        if given is not None:
            rows, *more = self._labeled(given).values()
            if more:
                raise InputError(f"{len(more) + 1} files to diagnose on; give one")
        return classifier_diagnosis_input(
            predictor.model, rows, self.config, unit=unit, max_lag=max_lag, needs=needs
        )

    def activations(self, predictor: ClassifierPredictor, text: str | None) -> Activations:
        """Those of a text, or of the first validation row of numbers."""
        if predictor.encoder.words is not None:
            if text is None:
                raise InputError(
                    f"{predictor.name}: this classifier reads text; give some with --text"
                )
            return predictor.activations(text)
        if text is not None:
            raise InputError(
                f"{predictor.name}: reads numbers; leave --text out to see its first validation row"
            )
        title = f"{predictor.name}, first validation row"
        row = self.data.splits["valid"].row(0)
        return activations_of_numbers(predictor.model, predictor.schema, row, title)

    def next_steps(self, run: str) -> list[str]:
        if self.data.schema.inputs == "numbers":
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

    def _labeled(self, given: Given) -> dict[str, Encoded]:
        return self.data.labeled(given, skip_bad_rows=self.config.skip_bad_rows)


class SentimentTask(ClassifyTask):
    """The same for texts, under the name of its most common use."""

    name: ClassVar[str] = "sentiment"
    summary: ClassVar[str] = (
        "Label texts with their sentiment, or anything else; see also classify."
    )
    Config = SentimentConfig


def _figures(classes: Classes, part: Predictions) -> dict[str, Callable[[Path], None]]:
    """The confusion matrix and the reliability diagram; none without matplotlib."""
    if find_spec("matplotlib") is None:
        return {}
    figures: dict[str, Callable[[Path], None]] = {
        "calibration.png": partial(draw_reliability, reliability_of(classes, part))
    }
    if classes.kind != "many":
        matrix = confusion_of(classes, part)
        figures["confusion.png"] = partial(draw_confusion, matrix, classes.names)
    return figures

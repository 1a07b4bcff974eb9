"""The tasks `classify` and `sentiment`: a label for a sequence, or for each step of it.

Legend: T time, B batch, N rows, S steps of all rows together, K classes, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from elman.data.batching import IGNORE
from elman.data.given import Given
from elman.data.labeled.encoded import Bucketed, Encoded, LabeledBatch
from elman.data.tables.table import BadRows
from elman.diagnostics.activations import Activations
from elman.diagnostics.diagnosis_input import DiagnosisInput, Lags
from elman.diagnostics.losses import losses_of
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
from elman.models.classifier import Classifier
from elman.plots.classification import draw_confusion, draw_reliability
from elman.predictors.classifier import Architecture, ClassifierPredictor
from elman.predictors.classifier_inputs import LabeledRowOptions
from elman.predictors.classifier_outputs import activations_of_numbers, probabilities_of
from elman.predictors.classifier_sound_activations import activations_of_sound
from elman.settings import Options, adapter
from elman.tasks.classify.config import ClassifyConfig, SentimentConfig
from elman.tasks.classify.data import ClassifyData, described, open_data, prepare
from elman.tasks.classify.initialize import paces
from elman.tasks.classify.objective import ClassifyObjective
from elman.tasks.classify.sounds import vary_of
from elman.tasks.task import Task, text_of

ROWS = 16
MOST = 224
"""The most rows of a diagnosis, and the most steps unless a longer lag is asked for."""

PLURALS = {"char": "characters", "word": "words", "bpe": "tokens"}


class ClassifyTask(Task[ClassifyConfig, ClassifyData, ClassifierPredictor]):
    """Learn labels from rows of texts, words, numbers or audio."""

    name: ClassVar[str] = "classify"
    summary: ClassVar[str] = (
        "Label texts, sequences of numbers or audio, as a whole or step by step."
    )
    Config = ClassifyConfig
    Evaluation: ClassVar[type[Options]] = LabeledRowOptions
    counted: ClassVar[str] = "labels"
    data_help: ClassVar[str] = (
        "a table (CSV, TSV, JSONL, Parquet) of texts and labels, CoNLL columns, or sequences of"
        " numbers (.npz, .jsonl, .ts, a folder of CSVs), or audio: a table of paths and labels, a"
        " folder for each label; or train, valid and test of these"
    )
    common: ClassVar[tuple[str, ...]] = (
        *(
            "delimiter",
            "encoding",
            "text_column",
            "label_column",
            "label_first",
            "per_step",
            "unit",
            "from_run",
            "vectors",
            *("audio_column", "audio_root", "rate", "window", "speeds", "noise"),
        ),
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
        data = self.data
        lines = described(data.notes, data.counts, data.schema, data.encoder)
        for baseline in data.baselines:
            lines += baseline.notes
        return lines

    def make(self) -> ClassifierPredictor:
        schema, encoder, start = self.data.schema, self.data.encoder, self.data.start
        config = self.config.model_copy(update=dict(start.settings))
        given = config.embedding_size or config.hidden_size
        width = len(schema.channels) if encoder.words is None else given
        settings = {
            **config.model_dump(),
            **config.dropouts,
            "options": cell_options(config),
            "embedding_size": width,
            "bidirectional": config.both_ways,
            "pooling": None if schema.kind == "step" else config.pooling,
        }
        architecture = adapter(Architecture).validate_python(settings)
        model = architecture.make(schema, encoder)
        model.load_state_dict(start.weights, strict=False)
        model.paces = paces([name for name, _ in model.named_parameters()], config)
        return ClassifierPredictor(model, schema, encoder, architecture)

    def source(self) -> Bucketed:
        train, vary = self.data.splits["train"], None
        if (sounds := self.data.encoder.sounds) is not None:
            vary = vary_of(self.config, sounds.front_end)
        return Bucketed(
            train,
            self.config.batch_size,
            self.config.seed,
            shares=self.data.shares,
            vary=vary,
        )

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
            asked = LabeledRowOptions.model_validate(options.model_dump(exclude_unset=True))
            bad = self._bad_rows(asked)
            said = report(classes, predictions(self.data.labeled(given, asked, bad)), [])
            return replace(said, verdict=[*said.verdict, *bad.notes()])
        held_out = {name: rows for name, rows in self.data.splits.items() if name != "train"}
        found = predictions(held_out)
        figures = _figures(classes, list(found.values())[-1])
        return replace(report(classes, found, self.data.baselines), figures=figures)

    def diagnosis_input(
        self, predictor: ClassifierPredictor, given: Given | None, lags: Lags
    ) -> DiagnosisInput:
        """The network on the longest validation rows, or on those of other data."""
        words = predictor.encoder.words
        unit = "steps" if words is None else PLURALS[words.tokenizer.unit]
        rows = self.data.splits["valid"]
        if given is not None:
            options = LabeledRowOptions()
            rows, *more = self.data.labeled(given, options, self._bad_rows(options)).values()
            if more:
                raise InputError(f"{len(more) + 1} files to diagnose on; give one")
        return classifier_diagnosis_input(predictor.model, rows, self.config, unit, lags)

    def activations(
        self, predictor: ClassifierPredictor, sequence: str | Path | None
    ) -> Activations:
        """Those of a text or a recording, or of the first validation row of numbers or sounds."""
        sounds = predictor.encoder.sounds
        if sounds is not None:
            if isinstance(sequence, str):
                raise InputError(f"{predictor.name}: hears recordings; give one with --audio")
            if sequence is not None:
                return predictor.activations(sequence)
        text = text_of(sequence, predictor.name)
        if text is not None:
            return predictor.activations(text)
        if predictor.encoder.words is not None:
            raise InputError(f"{predictor.name}: this classifier reads text; give some with --text")
        title = f"{predictor.name}, first validation row"
        valid = self.data.splits["valid"]
        if sounds is not None:
            frames = np.array(valid.steps[: valid.offsets[1]])
            return activations_of_sound(predictor.model, predictor.schema, sounds, frames, title)
        row = valid.row(0)
        return activations_of_numbers(predictor.model, predictor.schema, row, title)

    def next_steps(self, run: str) -> list[str]:
        if self.data.schema.inputs == "audio":
            lines = [
                f"elman predict {run} FILE.wav",
                f"elman predict {run} FOLDER --out OUT.csv",
                f"elman show {run} --plot heard.png",
            ]
        elif self.data.schema.inputs == "numbers":
            lines = [f"elman predict {run} FILE", f"elman show {run}"]
        else:
            lines = [
                f'elman predict {run} --text "…" --explain',
                f"elman predict {run} FILE --out OUT.csv",
                f'elman show {run} --text "…"',
            ]
        if not self.config.both_ways:
            live = "cat FILE.wav | " if self.data.schema.inputs == "audio" else ""
            lines.append(f"{live}elman stream {run}")
        return [*lines, f"elman evaluate {run} FILE"]

    def _bad_rows(self, options: LabeledRowOptions) -> BadRows:
        return BadRows(options.skip_bad_rows or self.config.skip_bad_rows)


class SentimentTask(ClassifyTask):
    """The same under the name of its most common use, on texts."""

    name: ClassVar[str] = "sentiment"
    summary: ClassVar[str] = (
        "Label texts with their sentiment, or anything else; see also classify."
    )
    Config = SentimentConfig


def _figures(classes: Classes, part: Predictions) -> dict[str, Callable[[Path], None]]:
    """The confusion matrix and the reliability diagram."""
    figures: dict[str, Callable[[Path], None]] = {
        "calibration.png": partial(draw_reliability, reliability_of(classes, part))
    }
    if classes.kind != "many":
        matrix = confusion_of(classes, part)
        figures["confusion.png"] = partial(draw_confusion, matrix, classes.names)
    return figures


def classifier_diagnosis_input(
    model: Classifier, rows: Encoded, config: ClassifyConfig, unit: str, lags: Lags
) -> DiagnosisInput:
    """A classifier on the last steps of its longest rows, as many as all of them have.

    Where a row has one label, the loss is at its end and lags go back to its beginning.
    """
    batch = longest(rows, None if lags.most is None else lags.most + 1)
    steps = len(batch.inputs)
    asked = 1 if lags.most is None else lags.most
    if steps <= asked:
        have = int(rows.lengths.max(initial=0))
        raise InputError(
            f"the longest row has {have} {unit}, too few for a lag of {asked}; give longer rows"
            + (" or a smaller --max-lag" if asked > 1 else "")
        )
    device = model.readout.weight.device
    batch = batch.to(device)
    targets, lengths = batch.targets, batch.lengths
    assert targets is not None
    scored = None
    if batch.kind == "step":
        labeled = (targets != IGNORE).any(1)
        scored = None if bool(labeled.all()) else tuple(labeled.nonzero().flatten().tolist())
        if scored is not None and scored[-1] < asked:
            raise InputError(f"no row has a label after its first {asked} {unit}; give longer rows")

    def outputs(x: Tensor) -> Tensor:
        logits: Tensor = model(x, lengths)
        return logits

    def losses(x: Tensor) -> Tensor:
        logits = outputs(x)
        if batch.kind != "many":
            return losses_of(logits, targets)
        wanted = targets.to(logits)
        each = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        return each.mean(-1)

    return DiagnosisInput(
        model,
        batch.inputs,
        losses,
        outputs,
        categorical=batch.kind != "many",
        scored=scored,
        needs=lags.needs,
        cell=config.cell,
        unit=unit,
        # With a label at the end, the longest lag is that of the first step.
        max_lag=None if batch.kind == "step" else lags.most or steps - 1,
    )


def longest(rows: Encoded, steps: int | None) -> LabeledBatch:
    """Some of the longest rows, cut to their last steps: `steps`, or as many as all of them have.

    Rows shorter than half of the longest, or than `steps`, are left out.
    """
    lengths = rows.lengths
    most = int(lengths.max(initial=0))
    least = min(steps, most) if steps else max((min(most, MOST) + 1) // 2, 1)
    order = np.argsort(-lengths, kind="stable")
    chosen = order[lengths[order] >= least][:ROWS]
    size = min(int(lengths[chosen].min(initial=most)), max(MOST, steps or 0))
    batch = rows.rows(chosen)
    place = torch.from_numpy(lengths[chosen] - size) + torch.arange(size).unsqueeze(1)
    column = torch.arange(len(chosen))
    targets = batch.targets
    if targets is not None and batch.kind == "step":
        targets = targets[place, column]
    return LabeledBatch(
        batch.inputs[place, column], torch.full((len(chosen),), size), targets, batch.kind
    )

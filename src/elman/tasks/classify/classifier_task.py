"""What tasks of classifiers share, whatever they read: objective, evaluation and diagnosis.

Legend: T time, B batch, N rows, S steps of all rows together, K classes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from elman.data.batching import IGNORE
from elman.data.given import Given
from elman.data.labeled.encoded import Encoded, LabeledBatch
from elman.data.tables.table import BadRows
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
from elman.models.cells import cell_options
from elman.models.classifier import Classifier
from elman.plots.classification import draw_confusion, draw_reliability
from elman.predictors.classifier import Architecture, ClassifierPredictor
from elman.predictors.classifier_outputs import probabilities_of
from elman.settings import Options, adapter
from elman.tasks.classify.classifier_config import ClassifierConfig
from elman.tasks.classify.data import ClassifyData, described
from elman.tasks.classify.objective import ClassifyObjective
from elman.tasks.task import Task

ROWS = 16
MOST = 224
"""The most rows of a diagnosis, and the most steps unless a longer lag is asked for."""

PLURALS = {"char": "characters", "word": "words", "bpe": "tokens"}

ConfigT = TypeVar("ConfigT", bound=ClassifierConfig)


class ClassifierTask(Task[ConfigT, ClassifyData, ClassifierPredictor]):
    """Learn labels from rows; what the rows are, and what is asked of others, comes below."""

    counted: ClassVar[str] = "labels"

    @abstractmethod
    def others(self, given: Given, options: Options, bad: BadRows) -> Mapping[str, Encoded]:
        """The rows of other data, by the name of each part, with the options of `Evaluation`."""

    def describe(self) -> list[str]:
        data = self.data
        lines = described(data.notes, data.counts, data.schema, data.encoder)
        for baseline in data.baselines:
            lines += baseline.notes
        return lines

    def architecture(self, config: ClassifierConfig, width: int) -> Architecture:
        """What the settings make of a network whose first layer reads `width` numbers."""
        settings = {
            **config.model_dump(),
            **config.dropouts,
            "options": cell_options(config),
            "embedding_size": width,
            "bidirectional": self.config.both_ways,
            "pooling": None if self.data.schema.kind == "step" else config.pooling,
        }
        found: Architecture = adapter(Architecture).validate_python(settings)
        return found

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
            asked = self.Evaluation.model_validate(options.model_dump(exclude_unset=True))
            bad = self._bad_rows(asked)
            said = report(classes, predictions(self.others(given, asked, bad)), [])
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
        unit = "frames" if predictor.schema.inputs == "video" else "steps"
        unit = unit if words is None else PLURALS[words.tokenizer.unit]
        rows = self.data.splits["valid"]
        if given is not None:
            options = self.Evaluation()
            rows, *more = self.others(given, options, self._bad_rows(options)).values()
            if more:
                raise InputError(f"{len(more) + 1} files to diagnose on; give one")
        return classifier_diagnosis_input(predictor.model, rows, self.config, unit, lags)

    def _bad_rows(self, options: Options) -> BadRows:
        skip = bool(options.model_dump().get("skip_bad_rows", False))
        return BadRows(skip or self.config.skip_bad_rows)


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
    model: Classifier, rows: Encoded, config: ClassifierConfig, unit: str, lags: Lags
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

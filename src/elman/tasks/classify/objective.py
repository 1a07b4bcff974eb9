"""The loss of a classifier, and its metrics on validation rows.

Legend: T time, B batch, K classes, N rows.
"""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from elman.data.batching import IGNORE
from elman.data.labeled.encoded import Encoded, LabeledBatch
from elman.diagnostics.losses import last_losses
from elman.evaluation.classification import fit_temperature, metrics_of
from elman.layers.state import State
from elman.models.classifier import Classifier
from elman.predictors.classifier_outputs import logits_of, softened
from elman.tasks.classify.classifier_config import ClassifierConfig
from elman.training.contracts import StepLoss


@final
class ClassifyObjective:
    """Mean nats per label, and the metrics on validation rows."""

    unit = "labels"

    def __init__(
        self, model: Classifier, config: ClassifierConfig, train: Encoded, valid: Encoded
    ) -> None:
        self.model: nn.Module = model
        self._classifier = model
        self._config = config
        self._valid = valid
        self._weights = None
        if config.class_weights == "balanced":
            self._weights = balanced(train, model.readout.out_features)

    def loss(self, batch: LabeledBatch, state: State | None) -> StepLoss:
        return StepLoss(self._losses(batch).mean(), batch.units, None)

    def advance(self, batch: LabeledBatch, state: State) -> State:
        raise AssertionError("each batch is whole sequences, so no state is carried")

    def row_losses(self, batch: LabeledBatch, rows: int) -> Tensor:
        """(B,) the losses of the first rows; where steps have labels, of the last that has one."""
        few = batch.select(torch.arange(min(rows, batch.batch_size), device=batch.lengths.device))
        if few.kind != "step":
            return self._losses(few)
        assert few.targets is not None
        logits = self._classifier(few.inputs, few.lengths)
        return last_losses(logits, few.targets)

    def _losses(self, batch: LabeledBatch) -> Tensor:
        """The losses of all labels of a batch, in nats."""
        assert batch.targets is not None
        logits = self._classifier(batch.inputs, batch.lengths)
        smoothing = self._config.label_smoothing
        weights = None if self._weights is None else self._weights.to(logits)
        if batch.kind == "many":
            targets = batch.targets.to(logits) * (1 - smoothing) + smoothing / 2
            each = functional.binary_cross_entropy_with_logits(
                logits, targets, pos_weight=weights, reduction="none"
            )
            return each.mean(-1)
        targets = batch.targets
        if batch.kind == "step":
            scored = targets != IGNORE
            logits, targets = logits[scored], targets[scored]
        each = functional.cross_entropy(
            logits, targets, label_smoothing=smoothing, reduction="none"
        )
        # Weighted row by row, so that the mean over parts of a batch is that of the batch.
        return each if weights is None else each * weights[targets]

    def evaluate(self) -> dict[str, float]:
        """Loss, accuracy and macro F1; fits the temperature, which is saved with the weights."""
        rows, many = self._valid, self._valid.kind == "many"
        logits, ids = scored(logits_of(self._classifier, rows), rows)
        raw = torch.from_numpy(logits)
        if many:
            wanted = torch.from_numpy(ids).to(raw)
            loss = float(functional.binary_cross_entropy_with_logits(raw, wanted))
        else:
            loss = float(functional.cross_entropy(raw, torch.from_numpy(ids)))
        temperature = self._classifier.temperature
        temperature.fill_(fit_temperature(logits, ids))
        found = softened(raw, temperature.cpu(), many=many).numpy()
        scores = metrics_of(rows.kind, found, ids)  # entities are for the report
        leading = scores["micro_f1" if many else "accuracy"]
        if self._config.choose == "accuracy":
            return {"loss": 1 - leading, "nats": loss, **scores}
        return {"loss": loss, **scores}


def scored(values: np.ndarray, rows: Encoded) -> tuple[np.ndarray, np.ndarray]:
    """Values and labels where there is a label: of rows, or of the labeled steps."""
    assert rows.labels is not None
    labels = np.array(rows.labels)  # its own copy: the file's array can't be written to
    if rows.kind != "step":
        return values, labels
    there = labels != IGNORE
    return values[there], labels[there]


def balanced(rows: Encoded, classes: int) -> Tensor:
    """(K,) the weight of each class, N / (K n_k); for many labels a row, that of a label there.

    Source: King & Zeng 2001, and scikit-learn's "balanced".
    """
    assert rows.labels is not None
    labels = np.asarray(rows.labels)
    if rows.kind == "many":
        there = labels.sum(0)
        weights = (len(labels) - there) / np.maximum(there, 1)
    else:
        counts = np.bincount(labels[labels != IGNORE], minlength=classes)
        weights = counts.sum() / (classes * np.maximum(counts, 1))
    return torch.from_numpy(weights.astype(np.float32))

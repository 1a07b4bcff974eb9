"""The loss of a classifier, by hand."""

import numpy as np
import pytest
import torch
from torch import Tensor

import elman
from elman.data.batching import IGNORE
from elman.data.labeled.encoded import Encoded
from elman.data.labeled.rows import LabelKind, offsets_of
from elman.models.classifier import Classifier
from elman.settings import configure
from elman.tasks.classify.config import ClassifyConfig
from elman.tasks.classify.objective import ClassifyObjective

C, H, K = 2, 4, 3
LENGTHS = [3, 1, 4, 2]
LABELS = {
    "one": np.array([0, 2, 2, 1]),
    "step": np.array([0, 1, IGNORE, 2, 2, 2, IGNORE, 0, 1, 1]),
    "many": np.array([[1, 0, 1], [0, 0, 1], [0, 1, 1], [0, 0, 0]], bool),
}


def made(kind: LabelKind, **settings: object) -> tuple[ClassifyObjective, Encoded]:
    values = np.random.default_rng(0).normal(size=(sum(LENGTHS), C)).astype(np.float32)
    rows = Encoded(values, offsets_of(LENGTHS), LABELS[kind], kind)
    pooling = None if kind == "step" else "last"
    model = Classifier(None, [elman.GRU(C, H)], H, K, pooling=pooling).eval()
    return ClassifyObjective(model, configure(ClassifyConfig, settings), rows, rows), rows


def by_hand(
    objective: ClassifyObjective, rows: Encoded, smoothing: float, weights: Tensor
) -> float:
    batch = rows.rows(np.arange(len(rows)))
    logits = objective.model(batch.inputs, batch.lengths)
    losses = []
    if rows.kind == "many":
        for row, there in zip(logits, LABELS["many"], strict=True):
            p = row.sigmoid()
            target = torch.from_numpy(there) * (1 - smoothing) + smoothing / 2
            each = -(weights * target * p.log() + (1 - target) * (1 - p).log())
            losses.append(each.mean())
    else:
        if rows.kind == "step":
            logits = torch.cat([logits[: LENGTHS[n], n] for n in range(len(LENGTHS))])
        for row, label in zip(logits.log_softmax(-1), LABELS[rows.kind].tolist(), strict=True):
            if label != IGNORE:
                nll = -(1 - smoothing) * row[label] - smoothing * row.mean()
                losses.append(weights[label] * nll)
    return float(torch.stack(losses).mean().detach())


@pytest.mark.parametrize("kind", ["one", "step", "many"])
def test_the_loss_with_label_smoothing_and_class_weights(kind: LabelKind) -> None:
    balanced = {"one": [4 / 3, 4 / 3, 2 / 3], "step": [8 / 6, 8 / 9, 8 / 9], "many": [3, 3, 1 / 3]}
    found = {}
    for smoothing in (0.0, 0.3):
        for weighted in (False, True):
            torch.manual_seed(0)
            objective, rows = made(
                kind,
                label_smoothing=smoothing,
                class_weights="balanced" if weighted else "none",
            )
            weights = torch.tensor(balanced[kind]) if weighted else torch.ones(K)
            loss = objective.loss(rows.rows(np.arange(len(rows))), None).loss.detach()
            assert float(loss) == pytest.approx(
                by_hand(objective, rows, smoothing, weights), rel=1e-5
            )
            found[smoothing, weighted] = float(loss)
    assert len(set(found.values())) == 4
    # Validation is measured without either.
    scores = [made(kind, label_smoothing=s)[0] for s in (0.0, 0.3)]
    scores[1].model.load_state_dict(scores[0].model.state_dict())
    assert scores[0].evaluate()["loss"] == scores[1].evaluate()["loss"]

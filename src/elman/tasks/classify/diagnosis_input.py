"""A classifier on some of its longest rows, for a diagnosis.

Legend: N rows, T time, B batch, K classes.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from elman.data.batching import IGNORE
from elman.data.labeled.encoded import Encoded, LabeledBatch
from elman.diagnostics.diagnosis_input import DiagnosisInput
from elman.diagnostics.losses import losses_of
from elman.errors import InputError
from elman.models.classifier import Classifier
from elman.tasks.classify.config import ClassifyConfig

ROWS = 16
MOST = 224
"""The most steps unless a longer lag is asked for."""


def classifier_diagnosis_input(
    model: Classifier,
    rows: Encoded,
    config: ClassifyConfig,
    *,
    unit: str,
    max_lag: int | None = None,
    needs: int | None = None,
) -> DiagnosisInput:
    """A classifier on the last steps of its longest rows, as many as all of them have.

    Where a row has one label, the loss is at its end and lags go back to its beginning.

    Raises:
        InputError: no row is long enough.
    """
    batch = longest(rows, None if max_lag is None else max_lag + 1)
    steps = len(batch.inputs)
    asked = 1 if max_lag is None else max_lag
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
        needs=needs,
        cell=config.cell,
        unit=unit,
        # With a label at the end, the longest lag is that of the first step.
        max_lag=None if batch.kind == "step" else max_lag or steps - 1,
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

"""The output side of a classifier: logits, probabilities, and the answer for a row.

Legend: N rows, S steps of all rows together, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from elman.data.labeled.encoded import Encoded
from elman.evaluation.classification import predicted
from elman.models.classifier import Classifier
from elman.predictors.classifier_inputs import Schema
from elman.streaming.stream import evaluating

Array = npt.NDArray[Any]


def logits_of(model: Classifier, rows: Encoded) -> Array:
    """The logits (N, K) of all rows, in their order; for labels at each step, (S, K)."""
    per_step = model.pooling is None
    classes = model.readout.out_features
    found = np.zeros((len(rows.steps) if per_step else len(rows), classes), np.float32)
    device = model.readout.weight.device
    with evaluating(model), torch.inference_mode():
        for places, batch in rows.batches():
            logits = model(batch.inputs.to(device), batch.lengths.to(device)).cpu()
            if not per_step:
                found[places] = logits.numpy()
                continue
            for column, (place, length) in enumerate(zip(places, batch.lengths, strict=True)):
                begin = rows.offsets[place]
                found[begin : begin + int(length)] = logits[: int(length), column].numpy()
    return found


def softened(logits: Tensor, temperature: Tensor, *, many: bool) -> Tensor:
    """Softmax of logits (…, K) over the temperature; where a row may have many labels, sigmoid."""
    scaled = logits / temperature
    return scaled.sigmoid() if many else scaled.softmax(-1)


def probabilities_of(model: Classifier, rows: Encoded) -> Array:
    """The probabilities of all rows, in the shape of their logits."""
    logits = torch.from_numpy(logits_of(model, rows))
    found: Array = softened(logits, model.temperature.cpu(), many=rows.kind == "many").numpy()
    return found


def answered(schema: Schema, probabilities: Array) -> Mapping[str, Any]:
    """The label of one row or step, and the probability (K,) of each class."""
    each = {f"p_{name}": float(p) for name, p in zip(schema.names, probabilities, strict=True)}
    if schema.kind == "many":
        there = predicted("many", probabilities)
        names = [name for name, is_there in zip(schema.names, there, strict=True) if is_there]
        return {"predicted": (schema.columns.label_separator or ",").join(names), **each}
    best = int(predicted(schema.kind, probabilities))
    return {"predicted": schema.names[best], "probability": float(probabilities[best]), **each}

"""A trained classifier over many rows: logits, and the probabilities that are reported.

Legend: N rows, S steps of all rows together, K classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from elman.data.labeled.encoded import Encoded
from elman.models.classifier import Classifier
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


def probabilities_of(logits: Tensor, temperature: Tensor, *, many: bool) -> Tensor:
    """Softmax of logits (…, K) over the temperature; where a row may have many, sigmoids."""
    scaled = logits / temperature
    return scaled.sigmoid() if many else scaled.softmax(-1)


def judge(model: Classifier, rows: Encoded) -> Array:
    """The probabilities of all rows, shaped as `logits_of` shapes them."""
    logits = torch.from_numpy(logits_of(model, rows))
    many = rows.kind == "many"
    found: Array = probabilities_of(logits, model.temperature.cpu(), many=many).numpy()
    return found

"""How well a translation model expects the true translations.

Legend: T target steps, B batch, V target vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from elman.data.pairs.batching import PairBatch
from elman.diagnostics.losses import last_scored
from elman.models.seq2seq import Seq2Seq


@dataclass(frozen=True)
class Expectation:
    """The loss over true translations, end tokens included.

    Attributes:
        loss: mean nats per target token, without label smoothing.
        tokens: how many there are.
    """

    loss: float
    tokens: int

    @property
    def perplexity(self) -> float:
        """exp(loss), per token; it depends on what a token is."""
        return math.exp(min(self.loss, 700.0))


@torch.no_grad()
def expect(model: Seq2Seq, batches: Iterable[PairBatch]) -> Expectation:
    """The loss of `model`, which is in eval mode, over `batches`."""
    device = next(model.parameters()).device
    nats, tokens = 0.0, 0
    for batch in batches:
        here = batch.to(device)
        features = model(here.source, here.source_lengths, here.inputs)
        units = here.units
        nats += units * float(model.loss(features, here.targets))
        tokens += units
    return Expectation(nats / max(tokens, 1), tokens)


def last_logits(model: Seq2Seq, batch: PairBatch) -> tuple[Tensor, Tensor]:
    """The logits (B, V) of the last token of each target, given the true ones before; and it (B,).

    The graph stays.
    """
    features = model(batch.source, batch.source_lengths, batch.inputs)
    last = last_scored(batch.targets)
    rows = torch.arange(batch.batch_size, device=last.device)
    chosen = features[last, rows]
    logits = functional.linear(chosen, model.readout.weight, model.readout.bias)
    return logits, batch.targets[last, rows]


def row_losses(model: Seq2Seq, batch: PairBatch) -> Tensor:
    """(B,) the nats of the last token of each target, with their graph."""
    return functional.cross_entropy(*last_logits(model, batch), reduction="none")

"""How well a translation model expects the true translations."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from elman.data.pairs.batching import PairBatch
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

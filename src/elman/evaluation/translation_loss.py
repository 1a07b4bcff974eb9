"""The loss of a translation model over true translations."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from elman.data.pairs.batching import PairBatch
from elman.evaluation.report import Score
from elman.models.seq2seq import Seq2Seq
from elman.streaming.stream import evaluating


@dataclass(frozen=True)
class Measurement:
    """The loss over true translations, end tokens included.

    Attributes:
        loss: mean nats per target token, without label smoothing.
        tokens: the number of target tokens.
    """

    loss: float
    tokens: int

    @property
    def perplexity(self) -> float:
        """exp(loss), per token; it depends on what a token is."""
        return math.exp(min(self.loss, 700.0))

    def scores(self, split: str) -> list[Score]:
        """The scores of a report."""
        return [
            Score(split, "loss", self.loss, "nats per token"),
            Score(split, "perplexity", self.perplexity, "per token"),
        ]


def measure(model: Seq2Seq, batches: Iterable[PairBatch]) -> Measurement:
    """The loss of `model`, in eval mode, over `batches`."""
    device = next(model.parameters()).device
    nats, tokens = 0.0, 0
    with evaluating(model), torch.no_grad():
        for batch in batches:
            here = batch.to(device)
            features = model(here.source, here.source_lengths, here.inputs)
            units = here.units
            nats += units * float(model.loss(features, here.targets))
            tokens += units
    return Measurement(nats / max(tokens, 1), tokens)

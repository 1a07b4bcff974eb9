"""The loss of a translation: mean nats per target token, given the true tokens before it.

Legend: B batch, V target vocabulary.
"""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from elman.data.pairs.batching import EncodedPairs, PairBatch, in_order
from elman.diagnostics.losses import last_scored
from elman.evaluation.perplexity import Measurement
from elman.evaluation.translation import measure
from elman.layers.state import State
from elman.models.seq2seq import Seq2Seq
from elman.tasks.translation.config import TranslationConfig
from elman.training.contracts import StepLoss


@final
class TranslationObjective:
    """Mean nats per target token, and the same on the validation pairs."""

    unit = "tokens"

    def __init__(
        self, model: Seq2Seq, config: TranslationConfig, valid: EncodedPairs, start_id: int
    ) -> None:
        self.model: nn.Module = model
        self._network, self._config = model, config
        self._valid, self._start_id = valid, start_id

    def loss(self, batch: PairBatch, state: State | None) -> StepLoss:
        config = self._config
        risen = min(1.0, batch.number / config.sampling_steps)
        sampling = config.scheduled_sampling * risen if self.model.training else 0.0
        features = self._network(
            batch.source, batch.source_lengths, batch.inputs, sampling=sampling
        )
        loss = self._network.loss(features, batch.targets, config.label_smoothing)
        return StepLoss(loss, batch.units, None)

    def advance(self, batch: PairBatch, state: State) -> State:
        raise AssertionError("each batch is whole sentences, so no state is carried")

    def row_losses(self, batch: PairBatch, rows: int) -> Tensor:
        """(B,) the nats of the last target token of each of the first rows, unsmoothed."""
        few = batch.select(torch.arange(min(rows, batch.batch_size), device=batch.inputs.device))
        features = self._network(few.source, few.source_lengths, few.inputs)
        last = last_scored(few.targets)
        each = torch.arange(few.batch_size, device=last.device)
        readout = self._network.readout
        logits = functional.linear(features[last, each], readout.weight, readout.bias)
        return functional.cross_entropy(logits, few.targets[last, each], reduction="none")

    def evaluate(self) -> dict[str, float]:
        measured = measured_loss(self._network, self._config, self._valid, self._start_id)
        return {"loss": measured.loss, "perplexity": measured.perplexity}


def measured_loss(
    model: Seq2Seq, config: TranslationConfig, pairs: EncodedPairs, start_id: int
) -> Measurement:
    """The loss over `pairs`, in batches of the sizes of training."""
    return measure(model, in_order(pairs, config.batch_tokens, config.batch_size, start_id))

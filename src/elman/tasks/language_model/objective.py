"""The loss of a language model: mean nats per token.

Legend: T time, B batch.
"""

from __future__ import annotations

from typing import cast, final

from torch import nn

from elman.data.batching import Batch
from elman.evaluation.perplexity import Measurement, Split, measure
from elman.layers.state import State
from elman.models.language_model import LanguageModel, activation_penalty
from elman.predictors.language_model import LanguageModelPredictor
from elman.tasks.language_model.config import LanguageModelConfig
from elman.tasks.language_model.data import LanguageModelData
from elman.training.contracts import StepLoss

# Each row begins without context; at this length that costs less than the third decimal.
TOKENS_PER_ROW = 2000


@final
class LanguageModelObjective:
    """Mean nats per token, and the same on the validation text."""

    unit = "tokens"

    def __init__(
        self,
        predictor: LanguageModelPredictor,
        config: LanguageModelConfig,
        data: LanguageModelData,
    ) -> None:
        self.model: nn.Module = predictor.model
        self._language_model: LanguageModel = predictor.model
        self._predictor, self._config = predictor, config
        self._valid = data.splits["valid"].cut(config.eval_tokens)

    def loss(self, batch: Batch, state: State | None) -> StepLoss:
        assert state is not None
        features, after = self._language_model(batch.inputs, state, batch.lengths)
        loss, units = self._language_model.loss(features, batch.targets)
        config = self._config
        if self.model.training and (config.activation_penalty or config.slowness_penalty):
            loss = loss + activation_penalty(
                features, config.activation_penalty, config.slowness_penalty
            )
        return StepLoss(loss, units, after)

    def advance(self, batch: Batch, state: State) -> State:
        _, after = self._language_model(batch.inputs, state, batch.lengths)
        return cast("State", after)

    def evaluate(self) -> dict[str, float]:
        measured = measured_loss(self._predictor, self._config, self._valid)
        return {
            "loss": measured.loss,
            "perplexity": measured.perplexity,
            "bits_per_character": measured.bits_per_character,
        }


def measured_loss(
    predictor: LanguageModelPredictor, config: LanguageModelConfig, split: Split
) -> Measurement:
    """The loss over a split, the state carried through it from the initial one."""
    wanted = len(split.tokens) // TOKENS_PER_ROW
    rows = config.eval_rows or max(1, min(config.batch_size, wanted))
    return measure(predictor.model, split, rows, predictor.tokenizer.start_id)

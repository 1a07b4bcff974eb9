"""The loss of a recognizer, connectionist temporal classification, and its error rates.

Legend: T frames, S network steps, B batch, F bins, K outputs, L tokens of the longest text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from elman.data.audio.utterances import UtteranceBatch
from elman.data.optional import library
from elman.decoding.ctc import decode
from elman.layers.state import State
from elman.models.acoustic import AcousticModel
from elman.predictors.spoken_words import text_of
from elman.tasks.speech.config import SpeechConfig
from elman.tasks.speech.data import SpeechData
from elman.training.contracts import StepLoss

_TIE = 1e-4
"""How much a nat a token counts where the best weights are chosen by their errors."""


@final
class SpeechObjective:
    """-log p(text | frames) in nats a token, summed over all alignments (Graves 2006).

    A row whose text doesn't fit its steps has no alignment; such rows are left out of training
    beforehand, and of the loss of validation here.
    """

    unit = "tokens"

    def __init__(self, model: AcousticModel, config: SpeechConfig, data: SpeechData) -> None:
        self.model: nn.Module = model
        self._network, self._config, self._data = model, config, data

    def loss(self, batch: UtteranceBatch, state: State | None) -> StepLoss:
        log_probs, steps = self._network(batch.frames, batch.lengths)
        return StepLoss(
            self._losses(log_probs, steps, batch).sum() / batch.units, batch.units, None
        )

    def advance(self, batch: UtteranceBatch, state: State) -> State:
        raise AssertionError("each batch is whole utterances, so no state is carried")

    def row_losses(self, batch: UtteranceBatch, rows: int) -> Tensor:
        """(B,) the nats of the whole text of each of the first rows."""
        few = batch.select(torch.arange(min(rows, batch.batch_size), device=batch.lengths.device))
        log_probs, steps = self._network(few.frames, few.lengths)
        return self._losses(log_probs, steps, few)

    def evaluate(self) -> dict[str, float]:
        """Loss and error rates on the validation utterances, decoded greedily."""
        data, device = self._data, self._network.readout.weight.device
        rows, texts = data.splits["valid"], data.texts["valid"]
        nats, units = 0.0, 0
        heard = [""] * len(rows)
        for chosen, batch in rows.in_order(data.frames):
            log_probs, steps = self._network(batch.frames.to(device), batch.lengths.to(device))
            nats += float(self._losses(log_probs, steps, batch.to(device)).sum())
            units += batch.units
            for row, (best,) in zip(chosen.tolist(), decode(log_probs.cpu(), steps), strict=True):
                heard[row] = text_of(data.tokenizer, best.tokens)
        loss = nats / units
        cer, wer = error_rates(texts, heard)
        chosen_by = {"loss": loss, "cer": cer + _TIE * loss, "wer": wer + _TIE * loss}
        return {"loss": chosen_by[self._config.choose], "nats": loss, "cer": cer, "wer": wer}

    def _losses(self, log_probs: Tensor, steps: Tensor, batch: UtteranceBatch) -> Tensor:
        """(B,) nats of each row; 0 where the text doesn't fit."""
        return functional.ctc_loss(
            log_probs,
            batch.tokens,
            steps,
            batch.token_lengths,
            blank=self._network.blank,
            reduction="none",
            zero_infinity=True,
        )


def error_rates(references: Sequence[str], heard: Sequence[str]) -> tuple[float, float]:
    """The character and the word error rate of all texts together."""
    distance = library("rapidfuzz.distance.Levenshtein", "speech").distance
    pairs = list(zip(references, heard, strict=True))
    characters = sum(distance(a, b) for a, b in pairs)
    words = sum(distance(a.split(), b.split()) for a, b in pairs)
    return (
        characters / max(sum(map(len, references)), 1),
        words / max(sum(len(text.split()) for text in references), 1),
    )

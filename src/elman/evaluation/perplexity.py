"""The loss of a language model over a text, in nats, perplexity and bits per character.

Legend: T time, B batch (rows the text is cut into).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from elman.data.batching import TokenArray, evaluation_chunks
from elman.data.tokens import TextCounts
from elman.evaluation.report import Score
from elman.models.language_model import LanguageModel
from elman.streaming.stream import evaluating

LENGTH = 256


@dataclass(frozen=True)
class Split:
    """One part of the text, encoded."""

    tokens: TokenArray
    counts: TextCounts

    def cut(self, most: int) -> Split:
        """At most `most` tokens from the beginning.

        The characters of a part, and the spelling of its unknown tokens, are counted in proportion.
        """
        share = most / len(self.tokens)
        if share >= 1:
            return self
        counts = self.counts
        return Split(
            self.tokens[:most],
            TextCounts(
                most,
                max(1, round(share * counts.characters)),
                max(1, round(share * counts.bytes)),
                round(share * counts.unknown),
                share * counts.spelling,
            ),
        )


@dataclass(frozen=True)
class Measurement:
    """A loss over a text, in several units.

    Attributes:
        nats: of all tokens.
        tokens: how many.
        characters: of the text; None for translations, which are not counted in characters.
        unknown: tokens that are unknown characters or words.
        spelling: the nats it takes to say what these stand for.
    """

    nats: float
    tokens: int
    characters: int | None = None
    unknown: int = 0
    spelling: float = 0.0

    @property
    def loss(self) -> float:
        """Nats per token."""
        return self.nats / max(self.tokens, 1)

    @property
    def perplexity(self) -> float:
        """Per token."""
        return math.exp(min(self.loss, 700.0))

    @property
    def bits_per_character(self) -> float:
        """Comparable between models with different tokens, since unknown ones are spelled out.

        (nats + spelling) / (ln 2 · characters); see `elman.data.units.spelling`.
        """
        assert self.characters is not None
        return (self.nats + self.spelling) / math.log(2) / self.characters

    @property
    def unknown_share(self) -> float:
        """Of all tokens."""
        return self.unknown / max(self.tokens, 1)

    def scores(self, split: str) -> list[Score]:
        """The scores of a report."""
        scores = [
            Score(split, "loss", self.loss, "nats per token"),
            Score(split, "perplexity", self.perplexity, "per token"),
        ]
        if self.characters is not None:
            bits = self.bits_per_character
            scores.append(Score(split, "bits", bits, "bits per character"))
        if self.unknown:
            scores.append(Score(split, "unknown", self.unknown_share, "of all tokens"))
        return scores


def measure(model: LanguageModel, split: Split, rows: int, start_id: int) -> Measurement:
    """Score every token of `split` once, cut into `rows`, the state carried through each.

    Each row begins with the initial state, so fewer rows give a lower loss and take longer. The
    model runs in eval mode.
    """
    device = next(model.parameters()).device
    nats, units, state = 0.0, 0, None
    with evaluating(model), torch.inference_mode():
        for chunk in evaluation_chunks(split.tokens, rows, LENGTH, start_id):
            batch = chunk.to(device)
            if state is None:
                state = model.initial_state(batch.batch_size)
            features, state = model(batch.inputs, state, batch.lengths)
            loss, scored = model.loss(features, batch.targets)
            nats, units = nats + float(loss) * scored, units + scored
    counts = split.counts
    return Measurement(nats, units, counts.characters, counts.unknown, counts.spelling)

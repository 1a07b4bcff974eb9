"""The quality of translations: the loss, and BLEU and chrF beside the untranslated source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from elman.data.pairs.batching import PairBatch
from elman.evaluation.perplexity import Measurement
from elman.evaluation.report import Score
from elman.models.seq2seq import Seq2Seq
from elman.streaming.stream import evaluating

MISSING = 'BLEU and chrF need sacrebleu: pip install "elman[text]"'


def score_translations(
    split: str, sources: Sequence[str], outputs: Sequence[str], references: Sequence[str]
) -> tuple[list[Score], list[str]]:
    """The scores of translations, and what they mean in words.

    Both metrics compare plain text with the one reference of each source. The unit of a score is
    sacrebleu's signature, without which two scores can't be compared (Post 2018, arXiv:1804.08771).
    """
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    metrics = {"BLEU": BLEU(), "chrF": CHRF()}
    found, copied = (
        {
            metric: float(measure.corpus_score(list(texts), [list(references)]).score)
            for metric, measure in metrics.items()
        }
        for texts in (outputs, sources)
    )
    scores = [
        Score(split, f"{metric}{suffix}", value, str(metrics[metric].get_signature()))
        for suffix, values in (("", found), (" of the source", copied))
        for metric, value in values.items()
    ]
    verdict = []
    if found["BLEU"] <= copied["BLEU"]:
        verdict.append(
            f"{split}: no better than the untranslated source (BLEU {found['BLEU']:.1f} against"
            f" {copied['BLEU']:.1f}): train longer, or on more pairs"
        )
    return scores, verdict


def can_score() -> bool:
    """Whether sacrebleu is installed."""
    try:
        import sacrebleu.metrics.bleu  # noqa: F401
    except ImportError:
        return False
    return True


def measure(model: Seq2Seq, batches: Iterable[PairBatch]) -> Measurement:
    """The loss over true translations, ends included, in eval mode and without smoothing."""
    device = next(model.parameters()).device
    nats, tokens = 0.0, 0
    with evaluating(model), torch.no_grad():
        for batch in batches:
            here = batch.to(device)
            features = model(here.source, here.source_lengths, here.inputs)
            units = here.units
            nats += units * float(model.loss(features, here.targets))
            tokens += units
    return Measurement(nats, tokens)

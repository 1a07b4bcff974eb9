"""How good translations are: BLEU and chrF by sacrebleu, beside the source left as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from elman.data.pairs.rows import Pair
from elman.evaluation.report import Score
from elman.predictors.translator import Languages, Translator
from elman.predictors.translator_options import TranslationEvaluation

MISSING = 'BLEU and chrF need sacrebleu: pip install "elman[text]"'


def score_translations(
    languages: Languages,
    model: nn.Module,
    name: str,
    pairs: Sequence[Pair],
    options: TranslationEvaluation,
) -> tuple[list[Score], list[str]]:
    """The scores of the model's translations of `pairs`, and what they mean in words.

    Both metrics compare plain text, as it is written, with the one reference there is. The unit of
    a score is sacrebleu's signature, without which two scores can't be compared (Post 2018,
    arXiv:1804.08771).

    Args:
        languages: the run's tokenizers.
        model: see `elman.decoding.writer.Writer`.
        name: of the split or file.
        pairs: sources and references; those beyond ``options.sentences`` are left out.
        options: how translations are searched for.
    """
    metrics = _metrics()
    if metrics is None:
        return [], [MISSING]
    scored = pairs[: options.sentences]
    translator = Translator(languages, model, options)
    outputs = [each.translation for each in translator.translate([p.source for p in scored])]
    references = [pair.target for pair in scored]
    found, copied = (
        {metric: _score(measure, texts, references) for metric, measure in metrics.items()}
        for texts in (outputs, [pair.source for pair in scored])
    )
    scores = [
        Score(name, f"{metric}{suffix}", value, str(metrics[metric].get_signature()))
        for suffix, values in (("", found), (" of the source", copied))
        for metric, value in values.items()
    ]
    verdict = []
    if found["BLEU"] <= copied["BLEU"]:
        verdict.append(
            f"{name}: no better than leaving the source as it is (BLEU {found['BLEU']:.1f} against"
            f" {copied['BLEU']:.1f}): train longer, or on more pairs"
        )
    if len(scored) < len(pairs):
        verdict.append(
            f"{name}: BLEU and chrF are of the first {len(scored):,} of {len(pairs):,} pairs;"
            " --sentences takes more"
        )
    return scores, verdict


def _score(measure: Any, outputs: list[str], references: list[str]) -> float:
    return float(measure.corpus_score(outputs, [references]).score)


def _metrics() -> dict[str, Any] | None:
    """Sacrebleu's metrics by name; None where it is not installed."""
    try:
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF
    except ImportError:
        return None
    return {"BLEU": BLEU(), "chrF": CHRF()}

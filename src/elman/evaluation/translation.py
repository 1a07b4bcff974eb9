"""The quality of translations: BLEU and chrF by sacrebleu, beside the untranslated source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.evaluation.report import Score

MISSING = 'BLEU and chrF need sacrebleu: pip install "elman[text]"'


def score_translations(
    split: str, sources: Sequence[str], outputs: Sequence[str], references: Sequence[str]
) -> tuple[list[Score], list[str]]:
    """The scores of translations, and what they mean in words.

    Both metrics compare plain text with the one reference of each source. The unit of a score is
    sacrebleu's signature, without which two scores can't be compared (Post 2018, arXiv:1804.08771).

    Args:
        split: the name of the split or file.
        sources: what was translated.
        outputs: the translations.
        references: the true translations.

    Raises:
        ImportError: sacrebleu is not installed.
    """
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    metrics = {"BLEU": BLEU(), "chrF": CHRF()}
    found, copied = (
        {metric: _score(measure, texts, references) for metric, measure in metrics.items()}
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


def _score(measure: Any, outputs: Sequence[str], references: Sequence[str]) -> float:
    return float(measure.corpus_score(list(outputs), [list(references)]).score)

"""The quality of translations: the loss, and BLEU and chrF beside the untranslated source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from elman.data.pairs.batching import PairBatch
from elman.evaluation.paired import FEWEST, SIGNIFICANT
from elman.evaluation.perplexity import Measurement
from elman.evaluation.report import Score
from elman.evaluation.tokenization import Tokenization, check_tokenization, tokenization_for
from elman.models.seq2seq import Seq2Seq
from elman.numbers import chance
from elman.streaming.stream import evaluating

MISSING = 'BLEU and chrF need sacrebleu: pip install "elman[text]"'

ORDER = 4
"""The longest n-grams of BLEU."""

_MOST_TESTED = 2000
"""Pairs of the significance test, which bounds its memory."""

_TOKENIZED = 100
"""Translations with a period that stands apart from which data count as tokenized."""


@dataclass(frozen=True)
class _Scored:
    """One metric of the translations and of the untranslated source."""

    name: Literal["BLEU", "chrF"]
    metric: Any
    ours: float
    copied: float
    comparable: bool

    @property
    def signature(self) -> str:
        return str(self.metric.get_signature())


def score_translations(
    split: str,
    sources: Sequence[str],
    outputs: Sequence[str],
    references: Sequence[str],
    tokenize: Tokenization | None = None,
) -> tuple[list[Score], list[str]]:
    """The scores of translations, and what they mean in words.

    Both metrics compare plain text with the one reference of each source. The unit of a score is
    sacrebleu's signature, without which two scores can't be compared (Post 2018, arXiv:1804.08771).
    BLEU cuts text by `tokenize`, by default as the script of the references needs. Where no
    reference is as long as BLEU's n-grams, it takes the orders that there are ("eff:yes").

    Raises:
        InputError: a tokenization whose library is missing.
    """
    why = ""
    if tokenize is None:
        tokenize, why = tokenization_for(references)
    check_tokenization(tokenize)
    both = [
        _bleu(tokenize, sources, outputs, references),
        _chrf(sources, outputs, references),
    ]
    scores = [Score(split, each.name, each.ours, each.signature) for each in both]
    scores += [
        Score(split, f"{each.name} of the source", each.copied, each.signature) for each in both
    ]
    verdict = [_verdict(split, both, sources, outputs, references)]
    if why:
        verdict.append(f"{split}: BLEU counts {why}; --bleu-tokenize chooses another tokenization")
    if both[0].metric.effective_order:
        verdict.append(
            f"{split}: no reference has {ORDER} tokens, so BLEU is of shorter n-grams (eff:yes)"
        )
    apart = sum(output.endswith(" .") for output in outputs)
    if apart >= _TOKENIZED:
        verdict.append(
            f"{split}: {apart:,} translations end in a period that stands apart, so the data look"
            " tokenized; BLEU compares with other work only on plain text"
        )
    return scores, verdict


def _bleu(
    tokenize: Tokenization,
    sources: Sequence[str],
    outputs: Sequence[str],
    references: Sequence[str],
) -> _Scored:
    from sacrebleu.metrics.bleu import BLEU

    def score(metric: Any, texts: Sequence[str]) -> tuple[float, int]:
        found = metric.corpus_score(list(texts), [list(references)])
        return min(float(found.score), 100.0), int(found.totals[ORDER - 1])

    # `force` leaves out advice that sacrebleu would print.
    metric = BLEU(tokenize=tokenize, force=True)
    _, longest = score(metric, references)
    if not longest:
        metric = BLEU(tokenize=tokenize, force=True, effective_order=True)
    (ours, our_longest), (copied, _) = (score(metric, texts) for texts in (outputs, sources))
    # Without n-grams of the full length a score of 0 is none, and two of 0 compare nothing.
    comparable = bool(our_longest or not longest) and (ours > 0 or copied > 0)
    return _Scored("BLEU", metric, ours, copied, comparable)


def _chrf(sources: Sequence[str], outputs: Sequence[str], references: Sequence[str]) -> _Scored:
    from sacrebleu.metrics.chrf import CHRF

    metric = CHRF()
    ours, copied = (
        float(metric.corpus_score(list(texts), [list(references)]).score)
        for texts in (outputs, sources)
    )
    return _Scored("chrF", metric, ours, copied, comparable=True)


def _verdict(
    split: str,
    both: Sequence[_Scored],
    sources: Sequence[str],
    outputs: Sequence[str],
    references: Sequence[str],
) -> str:
    """Whether the translations are better than their sources, by the first metric that can tell."""
    deciding = next(each for each in both if each.comparable)
    values = f"{deciding.name} {deciding.ours:.1f} against {deciding.copied:.1f}"
    if deciding is not both[0]:
        values += "; BLEU is 0 or undefined"
    if deciding.ours == deciding.copied:
        return (
            f"{split}: not better than copying the source ({values}): train longer, or on more"
            " pairs"
        )
    if len(outputs) < FEWEST:
        return (
            f"{split}: undecided whether it is better than copying the source ({values}; too few"
            f" pairs for a test): evaluate on {FEWEST} or more"
        )
    p, tested = _p_value(deciding, sources, outputs, references)
    values += f"; {chance(p)}, paired bootstrap, n = {tested:,}"
    if p >= SIGNIFICANT:
        return (
            f"{split}: undecided whether it is better than copying the source ({values}): evaluate"
            " on more pairs, or train longer"
        )
    if deciding.ours > deciding.copied:
        return f"{split}: better than copying the source ({values})"
    return f"{split}: not better than copying the source ({values}): train longer, or on more pairs"


def _p_value(
    scored: _Scored, sources: Sequence[str], outputs: Sequence[str], references: Sequence[str]
) -> tuple[float, int]:
    """The p-value of the difference, and the number of pairs it was tested on, evenly drawn.

    Source: Koehn 2004, "Statistical significance tests for machine translation evaluation".
    """
    from sacrebleu.significance import PairedTest

    every = -(-len(outputs) // _MOST_TESTED)
    systems: list[tuple[str, Sequence[str]]] = [
        ("source", sources[::every]),
        ("ours", outputs[::every]),
    ]
    test = PairedTest(
        systems, {scored.name: scored.metric}, [list(references[::every])], test_type="bs"
    )
    found: dict[str, list[Any]] = test()[1]
    (_, ours), *_ = (results for name, results in found.items() if name != "System")
    return float(ours.p_value), len(systems[0][1])


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

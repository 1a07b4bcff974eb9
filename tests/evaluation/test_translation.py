"""BLEU and chrF are sacrebleu's; the loss is that of each pair alone."""

from __future__ import annotations

import sys

import pytest

from elman.data.pairs.batching import in_order
from elman.evaluation.perplexity import Measurement
from elman.evaluation.translation import can_score, measure, score_translations
from elman.tasks.translation.data import encoded
from tests.translators import PAIRS, translator


def test_bleu_and_chrf_are_those_of_sacrebleu() -> None:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    sources, outputs = ["a red ball 1", "a blue ball"], ["ein Ball 1", "ein blueer Ball 2"]
    references = ["a red ball 1 it is", "ein blueer Ball"]
    scores, verdict = score_translations("here", sources, outputs, references)
    values = {score.metric: score for score in scores}
    for name, metric in (("BLEU", BLEU()), ("chrF", CHRF())):
        assert values[name].value == metric.corpus_score(outputs, [references]).score > 0
        copied = metric.corpus_score(sources, [references]).score
        assert values[f"{name} of the source"].value == copied > 0
        assert values[name].unit == str(metric.get_signature())
    assert len(verdict) == 1
    assert verdict[0].startswith("here: no better than the untranslated source (BLEU ")
    assert score_translations("here", sources, references, references)[1] == []


def test_without_sacrebleu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert can_score()
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics.bleu", None)
    assert not can_score()


def test_the_loss_is_that_of_each_pair_alone() -> None:
    predictor = translator()
    predictor.model.double().train()

    def loss(pairs: slice, rows: int) -> Measurement:
        ids = encoded(predictor.vocabularies, PAIRS[pairs])
        batches = in_order(ids, 100, rows, predictor.vocabularies.start_id)
        return measure(predictor.model, batches)

    together = loss(slice(None), 4)
    alone = [loss(slice(place, place + 1), 1) for place in range(len(PAIRS))]
    nats = sum(each.loss * each.tokens for each in alone)
    assert together.loss * together.tokens == pytest.approx(nats, rel=1e-12)
    assert together.tokens == sum(len(pair.target.split()) + 1 for pair in PAIRS)
    assert predictor.model.training
    assert [score.metric for score in together.scores("valid")] == ["loss", "perplexity"]

"""BLEU and chrF are sacrebleu's; the loss is that of each pair alone."""

from __future__ import annotations

import random
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
    assert verdict[0].startswith("here: undecided whether it is better than copying the source")
    assert verdict[0].endswith("; too few pairs for a test): evaluate on 10 or more")


DIGITS = "零一二三四五六七八九"


def numbers(count: int, longest: int) -> tuple[list[str], list[str]]:
    """Numbers as digits with spaces, and in Chinese."""
    draw = random.Random(0)
    digits = [draw.choices(range(10), k=draw.randint(2, longest)) for _ in range(count)]
    return [" ".join(map(str, row)) for row in digits], [
        "".join(DIGITS[digit] for digit in row) for row in digits
    ]


@pytest.mark.fault(4)
@pytest.mark.parametrize("longest", [2, 3, 4, 12])
def test_a_perfect_translation_is_100_and_better_than_its_source(longest: int) -> None:
    sources, references = numbers(60, longest)
    scores, verdict = score_translations("test", sources, references, references)
    values = {score.metric: score for score in scores}
    assert values["BLEU"].value == pytest.approx(100)
    assert "tok:zh" in values["BLEU"].unit
    assert ("eff:yes" in values["BLEU"].unit) == (longest < 4)
    assert verdict[0].startswith("test: better than copying the source (BLEU 100.0 against 0.0; p")
    assert "n = 60" in verdict[0]
    assert "BLEU counts Chinese characters (zh)" in verdict[1]


@pytest.mark.fault(4)
def test_the_sources_themselves_are_not_better() -> None:
    sources, references = numbers(60, 6)
    _, verdict = score_translations("test", sources, sources, references)
    assert verdict[0].startswith("test: not better than copying the source")


@pytest.mark.fault(4)
def test_chrf_decides_where_bleu_cannot() -> None:
    # Translations of two words have none of BLEU's 4-grams, their references do.
    sources, outputs = ["x y"] * 40, ["ein Ball"] * 40
    scores, verdict = score_translations("test", sources, outputs, ["ein Ball am Haus"] * 40)
    values = {score.metric: score.value for score in scores}
    assert values["BLEU"] == pytest.approx(0)
    assert verdict[0].startswith("test: better than copying the source (chrF ")
    assert "BLEU is 0 or undefined" in verdict[0]


def test_a_difference_that_may_be_chance_is_undecided() -> None:
    draw = random.Random(1)
    words = ["a", "b", "c", "d", "e", "f", "g", "h"]
    references = [" ".join(draw.choices(words, k=8)) for _ in range(40)]
    noisy = [
        [" ".join(draw.choice([word, "x"]) for word in row.split()) for row in references]
        for _ in range(2)
    ]
    _, verdict = score_translations("test", noisy[0], noisy[1], references)
    assert verdict[0].startswith("test: undecided whether it is better than copying the source")


def test_the_tokenization_that_is_asked_for_is_used_and_named() -> None:
    sources, references = numbers(20, 6)
    scores, verdict = score_translations("test", sources, references, references, "char")
    assert "tok:char" in {score.metric: score.unit for score in scores}["BLEU"]
    assert len(verdict) == 1


@pytest.mark.fault(41)
def test_advice_of_sacrebleu_is_not_printed_but_said(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    references = [f"the number {place} ." for place in range(120)]
    sources = [f"die Zahl {place} ." for place in range(120)]
    _, verdict = score_translations("test", sources, references, references)
    assert not caplog.records
    assert capfd.readouterr() == ("", "")
    assert "120 translations end in a period that stands apart" in verdict[1]


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

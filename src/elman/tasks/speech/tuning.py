"""How much a language model should count, found on the validation utterances of a recognizer."""

from __future__ import annotations

import logging

from elman.decoding.ctc import decode_rows
from elman.decoding.ctc_beam import BeamSearch
from elman.evaluation.recognition import errors_of
from elman.predictors.fusion import Fusion, Tuned, tune
from elman.predictors.recognizer import RecognizerPredictor
from elman.tasks.speech.data import SpeechData

PROGRESS = logging.getLogger("elman.progress")
"""Hears what is being done."""

MOST_UTTERANCES = 400
"""So many validation utterances, evenly spread, are decoded with each setting."""


def tuned_on(data: SpeechData, predictor: RecognizerPredictor, search: BeamSearch) -> Tuned:
    """The weight and the bonus with which `search` makes the fewest errors on validation data."""
    rows, texts = data.splits["valid"], data.texts["valid"]
    chosen = range(0, len(rows), -(-len(rows) // MOST_UTTERANCES))
    said = [texts[row] for row in chosen]
    PROGRESS.info("tuning the language model on %s validation utterances", f"{len(said):,}")
    log_probs = list(predictor.log_probs(data.frames(rows.row(row)) for row in chosen))

    def errors(fusion: Fusion) -> tuple[int, int]:
        trial = with_fusion(search, fusion)
        heard = [predictor.text(best) for best, *_ in decode_rows(trial, log_probs)]
        found = errors_of(said, heard)
        return found.words.errors, found.characters.errors

    return tune(errors)


def with_fusion(search: BeamSearch, fusion: Fusion) -> BeamSearch:
    """The same search, in which the language model counts so much."""
    scorer = search.scorer if fusion.weight else None
    return BeamSearch(search.beam, scorer, fusion.weight, fusion.bonus, search.hot)


def said_of(tuned: Tuned, data: SpeechData) -> str:
    """What tuning found, in a sentence."""
    best, words = tuned.best, tuned.tried[tuned.best][0]
    count = min(len(data.splits["valid"]), MOST_UTTERANCES)
    if not best.weight:
        return (
            f"tuned on {count:,} validation utterances: the language model does not lower the"
            f" {words:,} word errors there, so it does not count (--lm-weight 0)"
        )
    return (
        f"tuned on {count:,} validation utterances: --lm-weight {best.weight:g} --bonus"
        f" {best.bonus:g} ({words:,} word errors, {tuned.without[0]:,} without the language model)"
    )

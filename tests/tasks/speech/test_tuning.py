"""A language model in the evaluation of a recognizer: tuned on validation, and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman import load
from elman.data.given import Audio, Files
from elman.data.tokenizer import train_tokenizer
from elman.decoding.ctc_beam import BeamSearch
from elman.errors import InputError
from elman.evaluation.recognition import errors_of
from elman.evaluation.report import Report
from elman.models.cells import CellOptions
from elman.plots.recognition import draw_errors
from elman.predictors.fusion import Fusion
from elman.predictors.language_model import Architecture, LanguageModelPredictor
from elman.predictors.recognizer import RecognizerPredictor
from elman.predictors.search_options import SearchOptions
from elman.tasks.runs import Run
from elman.tasks.speech.data import SpeechData
from elman.tasks.speech.tuning import tuned_on, with_fusion
from tests import toy_speech


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that was stopped while it still makes errors; tests read it and never write to it."""
    folder = tmp_path_factory.mktemp("speech")
    return toy_speech.run(folder, max_steps=60, eval_every=30, checkpoint_every=30)


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model to which all words of the toy language are alike, and others are not."""
    tokenizer = train_tokenizer("word", [" ".join(toy_speech.texts(50))])
    architecture = Architecture("rnn", CellOptions(), 4, 4, 1)
    model = architecture.make(tokenizer.vocab_size)
    for parameter in model.parameters():
        parameter.data.zero_()
    path = tmp_path_factory.mktemp("words") / "words"
    LanguageModelPredictor(model, tokenizer, architecture).save(path)
    return path


def recognizer_of(run: Run) -> RecognizerPredictor:
    assert isinstance(run.predictor, RecognizerPredictor)
    return run.predictor


def values(report: Report) -> dict[tuple[str, str], float]:
    return {(score.split, score.metric): score.value for score in report.scores}


def test_what_is_tuned_has_the_fewest_errors_on_validation(hurried: Run, words: Path) -> None:
    data, predictor = hurried.task.data, recognizer_of(hurried)
    assert isinstance(data, SpeechData)
    search = predictor.search(SearchOptions(language_model=words))
    assert isinstance(search, BeamSearch)
    tuned = tuned_on(data, predictor, search)
    rows = data.splits["valid"]
    for fusion in (tuned.best, Fusion(0.0, 0.0), Fusion(2.0, 4.0)):
        frames = [data.frames(rows.row(row)) for row in range(len(rows))]
        found = predictor.hypotheses(frames, with_fusion(search, fusion))
        heard = [predictor.text(best) for best, *_ in found]
        errors = errors_of(data.texts["valid"], heard)
        assert tuned.tried[fusion] == (errors.words.errors, errors.characters.errors)
    assert tuned.tried[tuned.best] == min(tuned.tried.values())
    assert tuned.tried[tuned.best] < tuned.without


def test_what_was_tuned_is_evaluated_and_kept(hurried: Run, words: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tuned"
    options: dict[str, Any] = {"language_model": words}
    report = hurried.report(None, **options, tune=True, tuned_out=folder)
    line = report.verdict[0]
    assert line.startswith("tuned on 6 validation utterances: --lm-weight ")
    assert line.endswith(f"; kept in {folder}")
    weight, bonus = (float(line.split(flag)[1].split()[0]) for flag in ("weight ", "--bonus "))
    kept = load(folder)
    assert isinstance(kept, RecognizerPredictor)
    assert kept.fusion == Fusion(weight, bonus)
    asked = values(hurried.report(None, **options, lm_weight=weight, bonus=bonus))
    assert asked == values(report)
    # The kept recognizer weighs a language model so without being told.
    recording = hurried.path.parent / "audio" / "000.wav"
    told = recognizer_of(hurried).predict(recording, **options, lm_weight=weight, bonus=bonus)
    assert kept.predict(recording, **options)[0].text == told[0].text
    with pytest.raises(InputError, match=r"--tuned-out .*tuned: is there already; name a new"):
        hurried.report(None, **options, tune=True, tuned_out=folder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tune": True}, "--tune is for a language model; name its run with --language-model"),
        ({"tune": True, "language_model": "lm", "bonus": 1.0}, "--tune finds --lm-weight and"),
        ({"tuned_out": "there"}, "--tuned-out keeps what --tune finds; give --tune"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    hurried: Run, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        hurried.report(None, **options)


def test_recordings_side_by_side_are_heard_as_alone(hurried: Run, words: Path) -> None:
    audio = sorted((hurried.path.parent / "audio").glob("*.wav"))[:5]
    predictor = recognizer_of(hurried)
    options: dict[str, Any] = {"language_model": words, "hot_words": "cad=2", "n_best": 3}
    together = predictor.predict(Files(tuple(audio)), **options)
    alone = [predictor.predict(path, **options)[0] for path in audio]
    for one, other in zip(together, alone, strict=True):
        assert (one.text, [each.text for each in one.n_best]) == (
            *(other.text, [each.text for each in other.n_best]),
        )
        assert [(w.begin, w.end) for w in one.words] == [(w.begin, w.end) for w in other.words]
        assert one.n_best[0].text == one.text
        assert [each.score for each in one.n_best] == sorted(
            (each.score for each in one.n_best), reverse=True
        )


def test_a_session_searches_as_a_prediction_does(hurried: Run, words: Path) -> None:
    samples = toy_speech.spoken("cad ab db", np.random.default_rng(5)).astype(np.float32) / 32768
    predictor = recognizer_of(hurried)
    options: dict[str, Any] = {"language_model": words, "lm_weight": 1.0, "bonus": 1.0}
    (whole,) = predictor.predict(Audio([(samples, toy_speech.RATE)]), **options)
    for size in (len(samples), 999):
        session = predictor.session(rate=toy_speech.RATE, partial=False, **options)
        heard = []
        for begin in range(0, len(samples), size):
            heard += session.push(samples[begin : begin + size])
        (final,) = [*heard, *session.flush()]
        assert (final.text, final.words) == (whole.text, whole.words)


def test_the_errors_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    said, heard = ["a b c", "a", "<x> $1"], ["a x", "a y", "<x> $2"]
    draw_errors(errors_of(said, heard), "test", tmp_path / "errors.svg")
    text = (tmp_path / "errors.svg").read_text(encoding="utf-8")
    draw_errors(errors_of(said, said), "test", tmp_path / "none.svg")
    assert len(text) > len((tmp_path / "none.svg").read_text(encoding="utf-8"))

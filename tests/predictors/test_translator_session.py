"""Text that arrives: any cut of it, from any snapshot, gives the translations of the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.errors import InputError
from elman.predictors.translator import TranslatorPredictor
from tests.predictors import contract
from tests.translators import LINES, translator

TEXT = "a réd ball 1\r\n\na blue ball 2 blue\n   \nred red red\nthe unheard ball"


@pytest.fixture(scope="module")
def predictor() -> TranslatorPredictor:
    return translator()


@pytest.fixture(scope="module")
def other() -> TranslatorPredictor:
    return translator(seed=1)


def same(got: list[Any], wanted: list[Any]) -> None:
    assert got == wanted
    assert wanted


@given(st.data(), st.booleans())
@settings(max_examples=15, deadline=None)
def test_any_cut_and_any_stop_is_the_whole(
    predictor: TranslatorPredictor, data: st.DataObject, as_bytes: bool
) -> None:
    sequence = TEXT.encode() if as_bytes else TEXT
    contract.any_cut_and_any_stop_is_the_whole(predictor, sequence, data, same, beam=2)


def test_sessions_never_touch(predictor: TranslatorPredictor) -> None:
    contract.sessions_never_touch(predictor, TEXT, TEXT[::-1], same)
    contract.an_end_that_fails_is_an_end(predictor, TEXT, same)


def test_it_goes_on_in_a_new_process(predictor: TranslatorPredictor, tmp_path: Path) -> None:
    inside = TEXT.encode().index("é".encode()) + 1
    contract.goes_on_in_a_new_process(predictor, tmp_path, TEXT.encode(), inside, same, no_repeat=2)


def test_other_weights_are_refused(
    predictor: TranslatorPredictor, other: TranslatorPredictor
) -> None:
    contract.other_weights_are_refused(predictor, other, TEXT, same)


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_damaged_snapshots_are_refused(predictor: TranslatorPredictor, data: st.DataObject) -> None:
    contract.damaged_snapshots_are_refused(predictor, "a red ball\na bl", data)


def test_faults_of_text(predictor: TranslatorPredictor) -> None:
    contract.faults_of_text_are_kept_and_ended(predictor, b"a red ball\na ball", same)


def test_saved_and_loaded_is_the_same(predictor: TranslatorPredictor, tmp_path: Path) -> None:
    contract.saved_and_loaded_is_the_same(predictor, tmp_path, TEXT, same)


def test_a_line_is_answered_as_soon_as_it_is_complete(predictor: TranslatorPredictor) -> None:
    session = predictor.session()
    assert session.push("a red") == []
    assert [record.line for record in session.push(b" ball\na blue")] == [1]
    assert [record.source for record in session.flush()] == ["a blue"]
    assert session.flush() == []
    assert [record.line for record in session.push("a\n")] == [1]


def test_a_session_says_what_predict_says(predictor: TranslatorPredictor) -> None:
    answers = contract.answers_of(predictor.session(beam=3), ["\n".join(LINES)])
    expected = predictor.predict(LINES, beam=3)
    assert [(r.line, r.translation) for r in answers] == [(r.line, r.translation) for r in expected]
    assert [r.score for r in answers] == pytest.approx([r.score for r in expected], rel=1e-5)


def test_lines_that_are_too_long(predictor: TranslatorPredictor) -> None:
    session = predictor.session()
    with pytest.raises(InputError, match=r":2: a line of more than 1,048,576 characters") as error:
        session.push("a\n" + "x" * 2_000_000)
    assert [answer.source for answer in error.value.answers] == ["a"]
    session.reset()
    with pytest.raises(InputError, match="line 1: 6,001 tokens"):
        session.push("red " * 6000 + "\na ball\n")
    assert [(answer.line, answer.source) for answer in session.push("")] == [(2, "a ball")]


def test_a_session_has_no_settings_of_predict(predictor: TranslatorPredictor) -> None:
    with pytest.raises(InputError, match="--n-best: a translator has no such setting here"):
        predictor.session(n_best=2)

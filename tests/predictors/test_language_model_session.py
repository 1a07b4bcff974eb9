"""Text cut anywhere and stopped anywhere is the text read at once."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from elman.errors import InputError
from elman.layers.state import State
from elman.predictors.language_model import LanguageModelPredictor
from elman.predictors.language_model_session import LanguageModelSession, ReadToken
from elman.streaming.session import Snapshot
from tests.predictors import contract
from tests.predictors.language_models import TEXT, UNITS, predictor_of, tokenizer_of

TEXTS = st.one_of(
    st.text(max_size=30),
    st.text("The catson\n .,42–", max_size=150),
    st.text(" x", min_size=60, max_size=200),
)


def session_of(unit: str, guesses: int = 3) -> LanguageModelSession:
    predictor = predictor_of(unit)
    return LanguageModelSession(predictor, predictor.model, predictor.tokenizer, guesses)


def assert_same(got: list[ReadToken], wanted: list[ReadToken]) -> None:
    assert [(r.id, r.text) for r in got] == [(r.id, r.text) for r in wanted]
    assert [r.bits for r in got] == pytest.approx([r.bits for r in wanted], rel=1e-5)
    for mine, theirs in zip(got, wanted, strict=True):
        assert len(mine.guesses) == len(theirs.guesses)
        for one, other in zip(mine.guesses, theirs.guesses, strict=True):
            assert one.probability == pytest.approx(other.probability, rel=1e-4)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("kind", [str, bytes])
@given(text=TEXTS, data=st.data())
@settings(max_examples=25)
def test_any_cut_and_any_stop_is_the_whole(
    unit: str, kind: type, text: str, data: st.DataObject
) -> None:
    given = text if kind is str else text.encode()
    contract.any_cut_and_any_stop_is_the_whole(predictor_of(unit), given, data, assert_same)


@pytest.mark.parametrize("unit", UNITS)
@given(one=TEXTS, other=TEXTS)
@settings(max_examples=15)
def test_two_sessions_never_touch(unit: str, one: str, other: str) -> None:
    contract.sessions_never_touch(predictor_of(unit), one, other.encode(), assert_same)
    contract.an_end_that_fails_is_an_end(predictor_of(unit), one, assert_same)


def test_a_session_goes_on_in_a_new_process(tmp_path: Path) -> None:
    text = "The cat, 42 of them – sat".encode()
    place = text.index("–".encode()) + 1  # inside of a character
    contract.goes_on_in_a_new_process(
        predictor_of("bpe"), tmp_path, text, place, assert_same, guesses=2
    )


@pytest.mark.parametrize("unit", UNITS)
def test_a_snapshot_of_other_weights_is_refused(unit: str) -> None:
    one, other = predictor_of(unit), predictor_of(unit, seed=3)
    contract.other_weights_are_refused(one, other, "The cat sat on", assert_same)


@pytest.mark.parametrize("unit", UNITS)
def test_faults_of_text(unit: str) -> None:
    contract.faults_of_text_are_kept_and_ended(predictor_of(unit), b"The cat sat", assert_same)


@given(data=st.data())
@settings(max_examples=60)
def test_damaged_snapshots_are_refused(data: st.DataObject) -> None:
    contract.damaged_snapshots_are_refused(predictor_of("bpe"), b"The dog \xe2\x80", data)


@pytest.mark.parametrize("unit", UNITS)
def test_a_folder_holds_the_whole_predictor(unit: str, tmp_path: Path) -> None:
    contract.saved_and_loaded_is_the_same(predictor_of(unit), tmp_path, TEXT[:90], assert_same)


@pytest.mark.parametrize("unit", UNITS)
def test_text_and_its_bytes_are_the_same(unit: str) -> None:
    wanted = contract.answers_of(session_of(unit), [TEXT[:150]])
    assert len(wanted) > 20
    for chunks in ([TEXT[:150].encode()], [b"\xef\xbb\xbf" + TEXT[:150].encode()]):
        assert_same(contract.answers_of(session_of(unit), chunks), wanted)


@pytest.mark.parametrize("unit", UNITS)
def test_bits_are_the_models_loss(unit: str) -> None:
    model, tokenizer = predictor_of(unit).model, tokenizer_of(unit)
    ids = torch.from_numpy(tokenizer.encode(TEXT[:200]))
    inputs = torch.cat([torch.tensor([tokenizer.start_id]), ids[:-1]])
    features, _ = model.eval()(inputs[:, None], model.initial_state(1))
    loss, units = model.loss(features, ids[:, None])
    read = contract.answers_of(predictor_of(unit).session(guesses=0), [TEXT[:200]])
    assert [r.id for r in read] == ids.tolist()
    assert sum(r.bits for r in read) * math.log(2) == pytest.approx(loss.item() * units)
    assert all(r.guesses == () for r in read)


def test_guesses_are_what_was_expected_before_the_token() -> None:
    session = session_of("char", guesses=3)
    expected = session.peek(3)
    (first,) = session.push("T")
    for guess, peeked in zip(first.guesses, expected, strict=True):
        assert guess.text == peeked.text
        assert guess.probability == pytest.approx(peeked.probability)
    everything = session.peek(1000)
    assert len(everything) == session.model.vocab_size
    assert sum(guess.probability for guess in everything) == pytest.approx(1)
    before = session.state
    (read,) = session.push("h")
    by_text = {guess.text: guess.probability for guess in everything}
    assert by_text["h"] == pytest.approx(2**-read.bits)
    layers = before.states["layers"], session.state.states["layers"]
    assert not torch.equal(layers[0]["layer0.h"], layers[1]["layer0.h"])


def test_long_texts_are_read_in_bounded_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_of("char", guesses=1)
    wanted = session.push(TEXT[:100])
    module = "elman.predictors.language_model_session"
    monkeypatch.setattr(f"{module}.LOGITS_AT_ONCE", 7 * session.model.vocab_size)
    sizes: list[int] = []
    scan = session.model.scan

    def counted(tokens: Tensor, state: State) -> tuple[Tensor, State]:
        sizes.append(len(tokens))
        return scan(tokens, state)

    monkeypatch.setattr(session.model, "scan", counted)
    session.reset()
    assert_same(session.push(TEXT[:100]), wanted)
    assert max(sizes) == 7


def test_the_end_of_a_text_can_be_looked_past() -> None:
    session, other = session_of("word"), session_of("word")
    session.push("The cat")
    read = session.flush()
    assert [token.text for token in read] == ["cat"]
    other.push("The cat ")
    for one, two in zip(session.peek(3), other.peek(3), strict=True):
        assert one.text == two.text
        assert one.probability == pytest.approx(two.probability)


def test_a_session_that_was_saved_at_an_end_begins_anew() -> None:
    session, wanted = session_of("word"), session_of("word").push("The cat ")
    session.push("The dog")
    session.flush()
    assert_same(session.fork().push("The cat "), wanted)


def test_text_before_a_bad_byte_is_answered() -> None:
    session = session_of("char")
    wanted = session_of("char").push("The")
    with pytest.raises(InputError, match="not UTF-8 at byte 3") as error:
        session.push(b"The\xff cat")
    assert_same(list(error.value.answers), wanted)
    with pytest.raises(InputError, match="not UTF-8"):
        session.push("cat")
    session.reset()
    assert_same(session.push("The"), wanted)


def test_an_end_inside_of_a_character_is_said_after_what_came_before() -> None:
    session = session_of("word")
    session.push(b"The ca\xe2\x80")
    with pytest.raises(InputError, match="not UTF-8 at byte 6") as error:
        session.flush()
    assert [token.text for token in error.value.answers] == ["<unk>"]
    assert [token.text for token in session.push("The cat ")] == ["The", "cat"]


def test_what_does_not_belong_is_said() -> None:
    predictor = predictor_of("char")
    with pytest.raises(InputError, match="do not belong together"):
        LanguageModelPredictor(predictor.model, tokenizer_of("bpe"), predictor.architecture)
    with pytest.raises(InputError, match="guesses"):
        predictor.session(guesses=-1)
    session = session_of("char")
    session.push("The")
    good = session.state
    wanted = session.fork().push(" cat")

    def changed(**parts: Any) -> Snapshot:
        return replace(good, **parts)

    layers = good.states["layers"]
    for wrong, said in [
        (changed(states={"layers": State.stack([layers] * 2)}), "does not fit"),
        (
            changed(
                states={"layers": State.stack([layers] * 2)},
                tensors={"last": good.tensors["last"].repeat(2)},
            ),
            "2 texts side by side, expected 1",
        ),
        (changed(states={"layers": layers.part("layer0")}), "another model"),
        (changed(tensors={"last": torch.tensor([1000])}), "not in the vocabulary"),
        (changed(tensors={"last": torch.tensor([0.5])}), "does not fit"),
        (changed(tensors={}), "does not fit"),
        (changed(values={**good.values, "pending": "x" * 65}), "does not fit"),
        (changed(values={**good.values, "input": {"bytes": "zz"}}), "does not fit"),
        (changed(values={}), "does not fit"),
        (changed(kind="classifier"), "of a classifier session"),
    ]:
        with pytest.raises(InputError, match=said) as error:
            session.state = wrong
        assert "\n" not in str(error.value)
        assert_same(session.fork().push(" cat"), wanted)
    session.state = good
    assert_same(session.push(" cat"), wanted)

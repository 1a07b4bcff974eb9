from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.errors import InputError
from elman.predictors.language_model import LanguageModelPredictor
from elman.predictors.language_model_session import Generation
from elman.streaming.session import Snapshot
from elman.tasks.runs import Run
from tests import tiny
from tests.predictors.language_models import predictor_of


def writer(run: Run) -> LanguageModelPredictor:
    assert isinstance(run.predictor, LanguageModelPredictor)
    return run.predictor


def write(run: Run, *args: Any, **options: Any) -> Generation:
    return writer(run).generate(*args, **options)


def read(run: Run, *args: Any, **options: Any) -> list[str]:
    return write(run, *args, **options).read()


def test_the_same_seed_writes_the_same_text(trained: Run) -> None:
    first = read(trained, "the ", 60, seed=3, samples=3)
    assert first == read(trained, "the ", 60, seed=3, samples=3)
    assert first != read(trained, "the ", 60, seed=4, samples=3)
    assert [len(text) for text in first] == [60] * 3
    assert len(set(first)) == 3


def test_greedy_text_is_what_the_model_says_is_most_probable(trained: Run) -> None:
    tokenizer, model = writer(trained).tokenizer, writer(trained).model
    ids = [tokenizer.start_id, *tokenizer.encode("the d")]
    for _ in range(12):
        with torch.inference_mode():
            features, _ = model(torch.tensor(ids)[:, None], model.initial_state(1))
            ids.append(int(model.log_probs(features)[-1, 0].argmax()))
    assert read(trained, "the d", 12, temperature=0) == [tokenizer.decode(ids[-12:])]


@pytest.mark.parametrize("samples", [1, 3])
def test_what_goes_on_from_a_state_is_what_was_never_stopped(
    trained: Run, tmp_path: Path, samples: int
) -> None:
    whole = read(trained, "the ", 40, seed=5, samples=samples)
    first = write(trained, "the ", 15, seed=5, samples=samples)
    before = first.read()
    first.state.save(tmp_path / "state")
    after = read(trained, "", 25, state=Snapshot.load(tmp_path / "state"))
    assert [a + b for a, b in zip(before, after, strict=True)] == whole


def test_a_state_can_be_taken_at_any_token(trained: Run) -> None:
    writing = write(trained, "the ", 40, seed=5)
    before = "".join(piece for [piece] in islice(writing, 7))
    assert before + read(trained, "", 33, state=writing.state)[0] == before + writing.read()[0]


def test_a_prompt_after_a_state_is_read_on_from_it(trained: Run) -> None:
    first = write(trained, "the cat", 1, temperature=0)
    drawn = first.read()[0]
    going_on = read(trained, "sat on", 20, temperature=0, state=first.state)
    assert going_on == read(trained, f"the cat{drawn}sat on", 20, temperature=0)


def test_a_seed_beats_the_random_numbers_of_a_state(trained: Run) -> None:
    first = write(trained, "the ", 5, seed=1)
    first.read()
    texts = {read(trained, "", 30, seed=seed, state=first.state)[0] for seed in (1, 2, 3)}
    assert len(texts) == 3


def test_unknown_characters_are_named_and_replaced(trained: Run) -> None:
    writing = write(trained, "thé ☃", 3, seed=0)
    assert writing.unknown == ["é", "☃"]
    assert writing.prompt == "th\ufffd \ufffd"
    assert len(writing.read()[0]) == 3


@pytest.mark.parametrize("unit", ["bpe", "word"])
def test_pieces_and_words_are_spelled_as_they_come(tmp_path: Path, unit: str) -> None:
    run = tiny.run(tmp_path, unit=unit, vocab_size=270 if unit == "bpe" else None, max_steps=2)
    whole = write(run, "the cat", 30, seed=2)
    text = whole.read()[0]
    tokenizer = writer(run).tokenizer
    drawn = write(run, "the cat", 30, seed=2)
    ids = [int(i) for ids in drawn._ids for i in ids]
    prompt = [int(i) for i in tokenizer.encode("the cat")]
    assert tokenizer.decode(prompt) + text == tokenizer.decode(prompt + ids)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 0}, "length must"),
        ({"samples": 0}, "samples must"),
        ({"temperature": -1.0}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"top_p": 0.0}, "top_p"),
    ],
)
def test_options_out_of_range(trained: Run, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        write(trained, "the ", **options)


def test_a_state_that_does_not_fit(trained: Run, tmp_path: Path) -> None:
    writing = write(trained, "the ", 2, seed=0, samples=2)
    writing.read()
    good = writing.state
    other = tiny.run(tmp_path, hidden_size=5, max_steps=1)
    random = replace(good, tensors={**good.tensors, "random": torch.zeros(3, dtype=torch.uint8)})
    for run, state, samples, said in [
        (trained, good, 3, "2 texts side by side, expected 1 or 3"),
        (trained, replace(good, kind="classifier"), None, "of a classifier session"),
        (other, good, None, "belongs to model"),
        (trained, random, None, "give --seed to begin anew"),
        (trained, replace(good, values={**good.values, "spelling": ["zz"]}), None, "characters"),
        (trained, replace(good, values={**good.values, "spelling": [""] * 3}), None, "3 texts"),
    ]:
        with pytest.raises(InputError, match=said) as error:
            write(run, "", 2, samples=samples, state=state)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("unit", ["char", "bpe", "word"])
@given(st.text("The catson\n .,42–", max_size=40), st.integers(0, 40))
@settings(max_examples=15)
def test_a_session_is_gone_on_with_by_writing(unit: str, text: str, place: int) -> None:
    predictor = predictor_of(unit)
    wanted = predictor.generate(text, 9, temperature=0)
    session = predictor.session()
    session.push(text[:place])
    writing = predictor.generate(text[place:], 9, temperature=0, state=session.state)
    assert writing.read() == wanted.read()
    several = predictor.generate(text[place:], 9, temperature=0, state=session.state, samples=3)
    assert several.read() == predictor.generate(text, 9, temperature=0, samples=3).read()


@pytest.mark.parametrize("unit", ["char", "bpe", "word"])
def test_what_was_written_is_gone_on_with_by_a_session(unit: str) -> None:
    predictor = predictor_of(unit)
    writing = predictor.generate("The ", 12, seed=3)
    ids = [int(writing._session.last[0]) for _ in writing]
    session = predictor.session(guesses=5)
    session.state = writing.state
    after = session.push("cat sat ")

    model, tokens = predictor.model, [*predictor.tokenizer.encode("The ").tolist(), *ids]
    with torch.inference_mode():
        everything = [predictor.tokenizer.start_id, *tokens, *(token.id for token in after)]
        features, _ = model.eval()(torch.tensor(everything)[:, None], model.initial_state(1))
        log_probs = model.log_probs(features)[len(tokens) :, 0]
    for token, expected in zip(after, log_probs, strict=False):
        assert 2**-token.bits == pytest.approx(float(expected[token.id].exp()), rel=1e-4)


def test_a_character_that_is_stopped_in_is_gone_on_with() -> None:
    predictor = predictor_of("bpe")
    whole = "".join(piece for [piece] in predictor.generate("", 300, seed=1))
    assert "\ufffd" in whole or any(ord(c) > 127 for c in whole)
    pieces, state = "", None
    for _ in range(100):
        writing = predictor.generate("", 3, seed=None if state else 1, state=state)
        pieces += "".join(piece for [piece] in writing)
        state = Snapshot.from_bytes(writing.state.to_bytes())
    assert pieces == whole

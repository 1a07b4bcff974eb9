"""What a language model adds to the search of a recognizer is its own log p of the text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from elman.data.tokenizer import Tokenizer, train_tokenizer
from elman.data.units.char import CharTokenizer
from elman.decoding.ctc import decode
from elman.decoding.ctc_beam import BeamSearch
from elman.decoding.scorer import Scorer
from elman.errors import InputError
from elman.predictors.language_model import score_lines
from elman.predictors.language_scorer import language_scorer
from elman.streaming.session import Snapshot
from tests.decoding.alignments import random_steps
from tests.predictors.language_models import predictor_of, tokenizer_of

TEXTS = ["", "the cat", "The cat sat on the dog", "zebra dog", "them, of", "  the   cat "]


def walk(scorer: Scorer, tokens: Sequence[int]) -> tuple[float, float]:
    """log p and the units of a text, token by token, its end included."""
    scores, state = scorer.start()
    total, units = 0.0, 0.0
    log_probs, counts = scores
    for token in tokens:
        total, units = total + float(log_probs[token]), units + float(counts[token])
        scores, (state,) = scorer.extend([state], [token])
        log_probs, counts = scores.log_probs[0], scores.units[0]
    end = scorer.finish([state])
    return total + float(end.log_probs[0]), units + float(end.units[0])


def nats(unit: str, text: str) -> float:
    """By the language model's own account of a line, unknown words spelled."""
    predictor = predictor_of(unit)
    (score,) = score_lines(predictor.model, predictor.tokenizer, [text])
    return -score.nats - predictor.tokenizer.left_out(text)[1]


@pytest.mark.parametrize("text", TEXTS[:3])
@pytest.mark.parametrize("unit", ["char", "bpe"])
def test_tokens_are_scored_as_the_line_is(unit: str, text: str) -> None:
    tokens = tokenizer_of(unit).encode(text).tolist()
    total, units = walk(language_scorer(predictor_of(unit), tokenizer_of(unit)), tokens)
    assert total == pytest.approx(nats(unit, text), rel=1e-5)
    assert units == len(tokens)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("unit", ["char", "bpe"])
def test_words_are_scored_where_they_end(unit: str, text: str) -> None:
    own = train_tokenizer(unit, ["abcdefghijklmnopqrstuvwxyzT, .\n"])  # type: ignore[arg-type]
    total, units = walk(language_scorer(predictor_of("word"), own), own.encode(text).tolist())
    assert total == pytest.approx(nats("word", text), rel=1e-5)
    assert units == len(text.split())


def test_within_a_word_nothing_is_scored() -> None:
    tokenizer = tokenizer_of("char")
    scorer = language_scorer(predictor_of("word"), tokenizer)
    space, letter = tokenizer.encode(" a").tolist()
    scores, state = scorer.start()
    assert not scores.log_probs.any()  # a space before any word
    for token in tokenizer.encode("cat").tolist():
        scores, (state,) = scorer.extend([state], [token])
        assert scores.log_probs[0, letter] == 0 > scores.log_probs[0, space]
        assert scores.units[0, [letter, space]].tolist() == [0, 1]


def test_another_case_is_read_where_only_that_is_known() -> None:
    upper = CharTokenizer("THECASD ")
    char = language_scorer(predictor_of("char"), upper)
    lower = language_scorer(predictor_of("char"), tokenizer_of("char"))
    ids = upper.encode("CAS").tolist()
    assert walk(char, ids) == walk(lower, tokenizer_of("char").encode("cas").tolist())
    word = language_scorer(predictor_of("word"), upper)
    assert walk(word, upper.encode("CAT").tolist())[0] == pytest.approx(nats("word", "cat"))


def test_texts_side_by_side_are_scored_as_alone() -> None:
    scorer, tokenizer = (
        language_scorer(predictor_of("word"), tokenizer_of("char")),
        tokenizer_of("char"),
    )
    ends = tokenizer.encode(" t e").tolist()
    states = []
    for text in ("the ", "ca", "the", "on th"):
        _, state = scorer.start()
        for token in tokenizer.encode(text).tolist():
            _, (state,) = scorer.extend([state], [token])
        states.append(state)
    together, after = scorer.extend(states, ends)
    for row, (state, token) in enumerate(zip(states, ends, strict=True)):
        alone, (then,) = scorer.extend([state], [token])
        np.testing.assert_allclose(together.log_probs[row], alone.log_probs[0], rtol=1e-5)
        np.testing.assert_allclose(
            scorer.finish([after[row]]).log_probs, scorer.finish([then]).log_probs, rtol=1e-5
        )


@pytest.mark.parametrize("unit", ["char", "word"])
def test_a_snapshot_of_the_search_holds_the_scorer(unit: str) -> None:
    scorer = language_scorer(predictor_of(unit), tokenizer_of("char"))
    search = BeamSearch(6, scorer, 0.7, 0.5)
    steps = random_steps(24, tokenizer_of("char").vocab_size + 1, 3, 3.0)
    state = search.advance(search.start(), steps[:11])
    tensors, values = search.pack(state)
    kept = Snapshot.from_bytes(Snapshot("k", "m", tensors=tensors, values=values).to_bytes())
    again = search.advance(search.unpack(kept.tensors, kept.values), steps[11:])
    whole = search.advance(search.start(), steps)
    assert search.n_best(again, 6) == search.n_best(whole, 6)


def test_a_snapshot_with_another_language_model_is_refused() -> None:
    search = BeamSearch(4, language_scorer(predictor_of("char"), tokenizer_of("char")))
    tensors, values = search.pack(search.start())
    for name in ("scorer.log_probs", "scorer.layers.layer0.h"):
        with pytest.raises((KeyError, ValueError)):
            search.unpack({**tensors, name: torch.zeros(4, 99)}, values)
    for unit, seed in (("char", 3), ("word", 2)):
        other = BeamSearch(4, language_scorer(predictor_of(unit, seed), tokenizer_of("char")))
        with pytest.raises((KeyError, ValueError)):
            other.unpack(tensors, values)


def test_the_language_model_decides_what_sounds_alike() -> None:
    tokenizer = tokenizer_of("char")
    steps = np.full((5, tokenizer.vocab_size + 1), -20.0)
    for step, letters in enumerate(["t", "h", "eo", " ", "c"]):
        steps[step, tokenizer.encode(letters)] = -np.log(len(letters)) - 1e-7 * len(letters)

    scorer = language_scorer(predictor_of("char"), tokenizer)
    options = {
        text: walk(scorer, tokenizer.encode(text).tolist())[0] for text in ("the c", "tho c")
    }
    (found,) = decode(steps[:, None], [5], BeamSearch(16, scorer, 5.0), n=2)
    assert tokenizer.decode(found[0].tokens) == max(options, key=lambda text: options[text])
    assert {tokenizer.decode(each.tokens) for each in found} == set(options)


@pytest.mark.parametrize(
    ("unit", "tokenizer", "words"),
    [
        ("char", tokenizer_of("bpe"), "hears bpe tokens; give one over words"),
        (
            "bpe",
            train_tokenizer("bpe", ["other words " * 20], 300),
            "bpe tokens of another vocabulary",
        ),
        ("char", CharTokenizer("абв"), "knows no letter of the recognizer"),
    ],
)
def test_other_units_are_refused(unit: str, tokenizer: Tokenizer, words: str) -> None:
    with pytest.raises(InputError, match=words):
        language_scorer(predictor_of(unit), tokenizer)

"""The options of a recognizer's search: what they make, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.data.units.char import CharTokenizer
from elman.decoding.ctc import GreedySearch, decode
from elman.decoding.ctc_beam import BeamSearch
from elman.errors import InputError
from elman.predictors.fusion import Fusion
from elman.predictors.language_scorer import WordScorer
from elman.predictors.search_options import BestTextsOptions, SearchOptions
from elman.settings import configure
from tests.predictors.language_models import predictor_of, tokenizer_of
from tests.predictors.test_memory import made as memory_predictor

TOKENIZER = tokenizer_of("char")


def search(**options: Any) -> BeamSearch:
    made = configure(BestTextsOptions, options).search(TOKENIZER)
    assert isinstance(made, BeamSearch)
    return made


@pytest.fixture
def language_model(tmp_path: Path) -> Path:
    predictor_of("word").save(tmp_path / "words")
    return tmp_path / "words"


def test_without_anything_to_weigh_the_search_is_greedy() -> None:
    for options in (SearchOptions(), SearchOptions(beam=1)):
        assert isinstance(options.search(TOKENIZER), GreedySearch)
        assert options.width == 1


@pytest.mark.parametrize(
    ("options", "width"),
    [({"beam": 7}, 7), ({"n_best": 3}, 16), ({"n_best": 30}, 30), ({"hot_words": "cat"}, 16)],
)
def test_what_needs_a_beam_gets_one(options: dict[str, Any], width: int) -> None:
    assert search(**options).beam == width


def test_a_language_model_counts_as_asked_as_tuned_or_as_usual(language_model: Path) -> None:
    options = SearchOptions(language_model=language_model)
    made = options.search(TOKENIZER)
    assert isinstance(made, BeamSearch)
    assert isinstance(made.scorer, WordScorer)
    assert (made.beam, made.weight, made.bonus) == (16, 0.5, 0.0)
    tuned = options.search(TOKENIZER, Fusion(0.8, 1.5))
    assert isinstance(tuned, BeamSearch)
    assert (tuned.weight, tuned.bonus) == (0.8, 1.5)
    asked = SearchOptions(language_model=language_model, lm_weight=0.1, bonus=0.0)
    made = asked.search(TOKENIZER, Fusion(0.8, 1.5))
    assert isinstance(made, BeamSearch)
    assert (made.weight, made.bonus) == (0.1, 0.0)


def test_what_was_tuned_is_for_a_language_model() -> None:
    made = SearchOptions(beam=4).search(TOKENIZER, Fusion(0.8, 1.5))
    assert isinstance(made, BeamSearch)
    assert (made.scorer, made.bonus) == (None, 0.0)


def heard(made: BeamSearch, *alike: str) -> str:
    """What is heard where each letter could be any of some."""
    steps = np.full((len(alike), TOKENIZER.vocab_size + 1), -30.0)
    for step, letters in enumerate(alike):
        for place, letter in enumerate(letters):
            steps[step, TOKENIZER.encode(letter)] = -0.5 - 0.3 * place
    (found,) = decode(steps[:, None], [len(alike)], made)
    return TOKENIZER.decode(found[0].tokens)


def test_hot_words_are_heard_more_easily(tmp_path: Path) -> None:
    sounds = "ec", "hato", "at"
    assert heard(search(beam=4), *sounds) == "eha"
    assert heard(search(hot_words="cat"), *sounds) == "cat"
    assert heard(search(hot_words="cat,cot=8"), *sounds) == "cot"
    assert heard(search(hot_words="cat", hot_boost=0.1), *sounds) == "eha"
    path = tmp_path / "hot.txt"
    path.write_text("\ufeffcat\n\ncot = 8\n", encoding="utf-8")
    assert heard(search(hot_words_file=path), *sounds) == "cot"


def test_hot_words_are_spelled_as_the_transcripts() -> None:
    options = SearchOptions(hot_words="CAT")
    made = options.search(CharTokenizer("cat "), spelled=str.lower)
    assert isinstance(made, BeamSearch)
    with pytest.raises(InputError, match="has no 'A'"):
        options.search(CharTokenizer("cat "))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lm_weight": 0.3}, "--lm-weight is for --language-model; give one"),
        ({"hot_boost": 3.0}, "--hot-boost is for --hot-words"),
        ({"beam": 1, "n_best": 2}, "--n-best needs a beam; leave out --beam 1"),
        ({"beam": 1, "hot_words": "cat"}, "--hot-words needs a beam"),
        ({"beam": 2, "n_best": 3}, "--n-best 3 is more than --beam 2"),
        ({"lm_weight": -1}, "--lm-weight -1: input should be greater than"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        configure(BestTextsOptions, options)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("cat\ncot=much\n", r"hot.txt:2: expected PHRASE or PHRASE=NATS, and 'much' is no number"),
        ("cat\n\n=3\n", r"hot.txt:3: a hot word is empty; give letters"),
        ("ca\u00f1\n", r"hot.txt:1: hot word 'ca\u00f1': the network has no '\u00f1'; write it"),
        ("\n \n", r"hot.txt: holds no hot words; write a phrase a line"),
    ],
)
def test_lines_of_hot_words_that_are_wrong_are_named(
    tmp_path: Path, lines: str, words: str
) -> None:
    path = tmp_path / "hot.txt"
    path.write_text(lines, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        search(hot_words_file=path)


def test_files_of_hot_words_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--hot-words-file .*none.txt: can't be read"):
        search(hot_words_file=tmp_path / "none.txt")
    path = tmp_path / "latin.txt"
    path.write_bytes(b"cat\nca\xf1\n")
    with pytest.raises(InputError, match=r"latin.txt:2: not UTF-8; save"):
        search(hot_words_file=path)
    with pytest.raises(InputError, match=r"is a folder, expected a file"):
        search(hot_words_file=tmp_path)


@pytest.mark.remedy
def test_a_predictor_of_another_kind_is_no_language_model(language_model: Path) -> None:
    options = SearchOptions(language_model=language_model)
    with pytest.raises(InputError, match="train one with `elman train language-model`"):
        options.search(TOKENIZER, open_model=lambda _: memory_predictor())
    assert isinstance(options.search(TOKENIZER), BeamSearch)

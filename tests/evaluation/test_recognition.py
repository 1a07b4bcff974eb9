"""Error rates of recognizers against counts by hand, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest

from elman.data.units.char import CharTokenizer
from elman.evaluation.recognition import NOTHING, errors_of, scores_of, verdict_of

SAID = ["one two three", "four", "", "two  two"]
HEARD = ["one too", "four five", "six", "two two"]


def knows(letters: str) -> CharTokenizer:
    return CharTokenizer(letters)


def test_edits_are_those_counted_by_hand() -> None:
    found = errors_of(SAID, HEARD)
    words = found.words
    assert (words.substitutions, words.deletions, words.insertions) == (1, 1, 2)
    assert (words.units, words.errors, words.rate) == (6, 4, 4 / 6)
    assert found.confusions == {
        ("two", "too"): 1,
        ("three", NOTHING): 1,
        (NOTHING, "five"): 1,
        (NOTHING, "six"): 1,
    }
    assert (found.right, found.blank, found.utterances) == (1, 0, 4)
    # "one two three" -> "one too": w to o, and " three" is gone; " five" and "six" are added
    characters = found.characters
    assert (characters.substitutions, characters.deletions, characters.insertions) == (1, 6, 8)
    assert characters.units == 13 + 4 + 0 + 7


def test_the_commonest_confusion_is_first() -> None:
    found = errors_of(["a b", "a c", "b"], ["x b", "x c", "a"])
    assert list(found.confusions.items()) == [(("a", "x"), 2), (("b", "a"), 1)]


def test_the_rate_is_of_all_words_together() -> None:
    found = errors_of(["a", "b c d e f g h i j"], ["x", "b c d e f g h i j"])
    assert found.words.rate == 0.1  # and not the mean of 1 and 0
    assert errors_of([""], [""]).words.rate == 0


def test_the_interval_is_that_of_a_bootstrap_over_utterances() -> None:
    rng = np.random.default_rng(3)
    wrong = rng.random(400) < 0.2
    found = errors_of(["a"] * 400, ["b" if each else "a" for each in wrong]).words
    spread = 1.96 * np.sqrt(found.rate * (1 - found.rate) / 400)
    assert found.low == pytest.approx(found.rate - spread, abs=0.01)
    assert found.high == pytest.approx(found.rate + spread, abs=0.01)
    assert errors_of(["a"] * 400, ["b" if e else "a" for e in wrong]).words.low == found.low
    few = errors_of(["a"] * 9, ["b"] + ["a"] * 8).words
    assert few.low == few.high == few.rate


def test_the_scores_have_their_units() -> None:
    scores = {each.metric: each for each in scores_of("test", errors_of(SAID, HEARD))}
    assert scores["word error rate"].value == pytest.approx(100 * 4 / 6)
    assert scores["word error rate"].unit == "% of 6 words"
    assert scores["character error rate"].value == pytest.approx(100 * 15 / 24)
    assert scores["word insertions"].value == 2
    assert scores["utterances right"].value == 25
    assert {each.split for each in scores.values()} == {"test"}
    assert not any(" from" in name for name in scores)  # too few for an interval
    many = {each.metric: each for each in scores_of("test", errors_of(SAID * 3, HEARD * 3))}
    assert many["word error rate from"].value < many["word error rate"].value
    assert many["word error rate to"].unit == "95 % interval, n = 12"


def verdict(said: list[str], heard: list[str], letters: str) -> list[str]:
    tokenizer = knows(letters)
    return verdict_of("test", errors_of(said, heard), said, heard, tokenizer.unknown)


def test_the_commonest_errors_are_named() -> None:
    first, second = verdict(SAID, HEARD, "efhinorstuvwx ")
    assert first == (
        "test: word error rate 66.7 % (4 errors in 6 words); 1 of 4 utterances are right"
    )
    assert second.startswith("test: the commonest errors: three → ∅ (1), two → too (1), ")


def test_all_blank_is_said_first() -> None:
    lines = verdict(["one", "two"], ["", ""], "entwo")
    assert lines[0].startswith("test: nothing is heard in any utterance: every step says the blank")
    assert len(lines) == 2
    lines = verdict(["one", "two", "two"], ["", "two", ""], "entwo")
    assert lines[0].startswith("test: nothing is heard in 2 of 3 utterances")
    assert "nothing is heard" not in verdict(["one", "two", "two"], ["", "two", "two"], "entwo")[0]


def test_nothing_learned_yet_has_advice() -> None:
    said = ["one two", "two"] * 6
    (first, *_) = verdict(said, ["eee e"] * 12, "entwo ")
    assert first.startswith("test: hardly a word is right and most texts are one letter")
    assert "'eee e'" in first
    assert "--max-steps" in first
    (first, *_) = verdict(said, ["not won"] * 12, "entwo ")
    assert first.startswith("test: hardly a word is right, as it is early")
    assert "hardly" not in "".join(verdict(said, ["one"] * 12, "entwo "))
    assert "hardly" not in "".join(verdict(["one"], ["eee"], "entwo "))


def test_texts_in_another_case_are_said() -> None:
    lines = verdict(["ONE TWO", "TWO"], ["one two", "tow"], "entow ")
    assert lines[0] == (
        "test: the texts are not in the case that the recognizer writes; without regard to case the"
        " word error rate is 33.3 %; spell the texts as those of training, or train with --lower"
    )
    assert "no token for E N O T W" in lines[-1]
    # nothing is heard, but the letters tell
    assert any("not in the case" in line for line in verdict(["ONE"], [""], "one"))
    assert not any("case" in line for line in verdict(["one"], ["two"], "ONETWonetw"))


def test_characters_without_a_token_are_named() -> None:
    lines = verdict(["naïve é"], ["naive e"], "naive ")
    assert lines[-1].startswith("test: the recognizer has no token for é ï, so words with them")
    assert not any("no token" in line for line in verdict(["one"], ["one"], "one"))

"""What hot words add to a text, token by token, is the boosts of the phrases in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

from elman.decoding import hot_words
from elman.decoding.hot_words import HotWords
from elman.errors import InputError

LETTERS = [b"a", b"b", b" ", "é".encode()]
PIECES = [b" a", b"a", b"b", b" ab", b" ", b"\n", b"ba b", "é".encode()[:1], "é".encode()[1:]]
PHRASES = {"a": 1.0, "ab": -2.5, "a b": 3.0, "b a b": 0.25, "é a": 7.0, "ab ab": 11.0}


def walked(hot: HotWords, tokens: Sequence[int]) -> float:
    """What a text adds, token by token, its end included."""
    node, total = hot.start, 0.0
    for token in tokens:
        gains, after = hot.continuations([node])
        node, total = int(after[0, token]), total + float(gains[0, token])
    return total + float(hot.finish([node])[0])


def counted(spelling: Sequence[bytes], tokens: Sequence[int]) -> float:
    """The boosts of the phrases that stand in a text as whole words."""
    text = b" " + b"".join(spelling[token] for token in tokens).replace(b"\n", b" ") + b" "
    return sum(
        boost * sum(text.startswith(f" {phrase} ".encode(), place) for place in range(len(text)))
        for phrase, boost in PHRASES.items()
    )


@pytest.mark.parametrize(("spelling", "length"), [(LETTERS, 6), (PIECES, 4)])
def test_a_text_adds_the_boosts_of_its_phrases(spelling: list[bytes], length: int) -> None:
    # Pieces of bytes spell every text, once each byte has a token.
    rest = [] if spelling is LETTERS else [bytes([byte]) for byte in range(256)]
    hot = HotWords(PHRASES, [*spelling, *rest])
    found = 0
    for tokens in product(range(len(spelling)), repeat=length):
        expected = counted(spelling, tokens)
        assert walked(hot, tokens) == pytest.approx(expected, abs=1e-9)
        found += expected != 0
    assert found > 100


def test_a_boost_comes_in_equal_parts_and_is_taken_back() -> None:
    hot = HotWords({"abba": 5.0}, [b"a", b"b", b" "])
    node, gains = hot.start, []
    for token in (0, 1, 1, 0, 2):
        each, after = hot.continuations([node])
        gains.append(float(each[0, token]))
        node = int(after[0, token])
    assert gains == pytest.approx([1.0] * 5)
    (first, second), after = hot.continuations([hot.start] * 2)
    gains_after, _ = hot.continuations([int(after[0, 0])])
    assert gains_after[0].tolist() == pytest.approx([-1.0, 1.0, -1.0])  # "aa", "ab", "a "
    assert hot.finish([int(after[0, 0])])[0] == pytest.approx(-1.0)
    assert first.tolist() == second.tolist()


def test_a_phrase_within_a_word_does_not_count() -> None:
    hot = HotWords({"a": 2.0}, [b"a", b"b", b" "])
    assert walked(hot, [0]) == walked(hot, [1, 2, 0]) == 2
    assert walked(hot, [0, 1]) == walked(hot, [1, 0]) == 0
    assert walked(hot, [0, 2, 0]) == 4


def test_white_space_within_a_phrase_is_one_space() -> None:
    assert walked(HotWords({" a \t b\n": 1.0}, [b"a", b"b", b" "]), [0, 2, 1]) == 1


def test_the_tables_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot_words, "_MOST_KEPT", 2 * len(LETTERS))
    hot = HotWords(PHRASES, LETTERS)
    for tokens in product(range(len(LETTERS)), repeat=4):
        assert walked(hot, tokens) == pytest.approx(counted(LETTERS, tokens), abs=1e-9)


@pytest.mark.parametrize(
    ("boosts", "words"),
    [
        ({"": 1.0}, "a hot word is empty"),
        ({" \n": 1.0}, "a hot word is empty"),
        ({"a": math.inf}, "hot word 'a': its boost must be a number, got inf"),
        ({"aèb": 1.0}, "hot word 'aèb': the network has no 'è'"),
        ({"A": 1.0}, "hot word 'A': the network has no 'A'"),
        ({"a" * 70_000: 1.0}, "more than 65,536 letters in all; give fewer"),
    ],
)
def test_what_cannot_be_heard_is_refused(boosts: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        HotWords(boosts, [*LETTERS, "\ufffd".encode()])


def test_bytes_spell_everything() -> None:
    every = [bytes([byte]) for byte in range(256)]
    hot = HotWords({"日本": 2.0}, every)
    assert walked(hot, list("日本".encode())) == pytest.approx(2)


def test_its_fingerprint_is_that_of_its_content() -> None:
    first = HotWords({"a": 1.0, "b": 2.0}, LETTERS).fingerprint
    assert HotWords({"b": 2.0, "a": 1.0}, LETTERS).fingerprint == first
    others = [
        HotWords({"a": 1.0, "b": 2.5}, LETTERS),
        HotWords({"a": 1.0}, LETTERS),
        HotWords({"a": 1.0, "b": 2.0}, LETTERS[:3]),
    ]
    assert first not in {each.fingerprint for each in others}

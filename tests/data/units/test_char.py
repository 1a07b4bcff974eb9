"""Characters: which are known, what becomes of others, and the place of the newline."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.data.units.char import CharTokenizer
from elman.errors import InputError


@given(st.text(), st.text())
def test_known_characters_come_back_and_others_become_the_replacement(
    known: str, text: str
) -> None:
    kind = CharTokenizer(known)
    ids = kind.encode(text)
    assert len(ids) == len(text)
    assert ids.dtype == np.int64
    assert kind.decode(ids) == "".join(c if c in {*known, "\n"} else "\ufffd" for c in text)
    assert kind.unknown(text) == sorted(set(text) - {*known, "\n", "\ufffd"})


def test_ids_are_code_points_in_order_behind_the_replacement() -> None:
    kind = CharTokenizer("é鸟a")
    assert kind.encode("\ufffd\naé鸟z").tolist() == [0, 1, 2, 3, 4, 0]
    assert kind.vocab_size == 5
    assert kind.decode([kind.start_id]) == "\n"


def test_more_characters_than_a_byte_can_number() -> None:
    letters = [chr(0x10000 + number) for number in range(70_000)]
    for count in (254, 255, 256, 65_533, 65_534, 65_535):
        kind = CharTokenizer(letters[:count])
        assert kind.encode(letters[count - 1]).tolist() == [kind.vocab_size - 1] == [count + 1]
        assert kind.encode(letters[count]).tolist() == [0]


def test_training_counts_over_blocks() -> None:
    blocks = ["aab", "", "bbc\ufffd\n\n", "ca\n"]
    assert CharTokenizer.train(blocks).contents() == {"characters": "\nabc"}
    assert CharTokenizer.train(blocks, min_count=3).contents() == {"characters": "\nab"}
    assert CharTokenizer.train(blocks, vocab_size=3).contents() == {"characters": "\na"}
    assert CharTokenizer.train([]).contents() == {"characters": "\n"}


@pytest.mark.parametrize("size", [1, 0, -5])
def test_a_vocabulary_that_is_too_small(size: int) -> None:
    with pytest.raises(InputError, match=f"at least 2 for characters, got {size}"):
        CharTokenizer.train(["abc"], vocab_size=size)


def test_lone_surrogates_are_unknown() -> None:
    assert CharTokenizer("a").encode("a\udcff").tolist() == [2, 0]


def test_printable_form() -> None:
    kind = CharTokenizer("a \té")
    assert [kind.token(i) for i in kind.encode("a \t\né")] == ["a", " ", "\\t", "\\n", "é"]


@pytest.mark.parametrize("token_id", [-1, 3])
def test_an_id_that_is_none(token_id: int) -> None:
    with pytest.raises(InputError, match="ids are 0 to 2"):
        CharTokenizer("a").decode([token_id])


def test_an_unknown_character_costs_the_choice_among_all_that_are_not_known() -> None:
    kind = CharTokenizer("ab")
    known = len(kind.contents()["characters"])  # without the replacement, which is none of them
    count, nats = kind.left_out("xay")
    assert count == 2
    assert nats == pytest.approx(2 * np.log(0x110000 - known), rel=1e-12)

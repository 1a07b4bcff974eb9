"""A text encoded or decoded as it comes is the text encoded or decoded whole."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from elman.data.incremental import IncrementalDecoder, IncrementalEncoder
from elman.data.tokenizer import Tokenizer, Unit
from tests.data.texts import UNITS, prose, tokenizer, wild_text

KINDS = [*((unit, False) for unit in UNITS), ("word", True)]


def cut(text: str, places: list[int]) -> Iterator[str]:
    ends = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return (text[a:b] for a, b in pairwise(ends))


def pushed(kind: Tokenizer, chunks: Iterator[str]) -> list[int]:
    encoder = IncrementalEncoder(kind)
    ids: list[int] = []
    for chunk in chunks:
        ids += encoder.push(chunk).tolist()
        assert len(encoder.pending) <= 64
    ids += encoder.flush().tolist()
    assert encoder.pending == ""
    return ids


@pytest.mark.parametrize(("unit", "lower"), KINDS)
@given(text=wild_text, places=st.lists(st.integers(0, 2000), max_size=12))
@example(text="  \na", places=[3])
@example(text="a" + " " * 40 + "b", places=[30, 33, 34])
@example(text="a\x1cb!\x1c\x1c c", places=[2, 5])
@example(text="ΑΣ" * 33 + " ΑΣ", places=[2, 4, 65])
def test_any_chunking_gives_the_ids_of_the_whole(
    unit: Unit, lower: bool, text: str, places: list[int]
) -> None:
    kind = tokenizer(unit, lower=lower)
    whole = kind.encode(text).tolist()
    assert pushed(kind, cut(text, places)) == whole
    assert pushed(kind, iter(text)) == whole


@pytest.mark.parametrize("unit", UNITS)
def test_real_prose_in_chunks(unit: Unit) -> None:
    whole = tokenizer(unit).encode(prose()).tolist()
    for size in (1, 7, 4096, 5000):
        chunks = (prose()[start : start + size] for start in range(0, len(prose()), size))
        assert pushed(tokenizer(unit), chunks) == whole


@pytest.mark.parametrize("unit", UNITS)
def test_what_is_pending_can_be_kept_and_taken_up(unit: Unit) -> None:
    whole, ids, pending = tokenizer(unit).encode(prose()[:3000]).tolist(), [], ""
    for start in range(0, 3000, 11):
        encoder = IncrementalEncoder(tokenizer(unit), pending)
        ids += encoder.push(prose()[start : start + 11 if start + 11 < 3000 else 3000]).tolist()
        pending = encoder.pending
    assert [*ids, *IncrementalEncoder(tokenizer(unit), pending).flush().tolist()] == whole


@pytest.mark.parametrize("unit", UNITS)
@given(text=wild_text)
def test_settled_ids_cannot_be_changed_by_what_follows(unit: Unit, text: str) -> None:
    kind = tokenizer(unit)
    settled = kind.settled(text)
    assert 0 <= settled <= len(text) <= settled + 64
    front = kind.encode(text[:settled]).tolist()
    for more in ("", "a", " ", "\n", "1", "é", ".", "Σ", "\x1c", " b"):
        assert kind.encode(text + more).tolist()[: len(front)] == front


def test_a_word_is_settled_by_the_space_after_it_and_a_newline_by_itself() -> None:
    encoder = IncrementalEncoder(tokenizer("word"))
    settled = [(c, len(encoder.push(c))) for c in "the as \nas\n"]
    assert [one for one in settled if one[1]] == [(" ", 1), (" ", 1), ("\n", 1), ("\n", 2)]


@pytest.mark.parametrize("unit", UNITS)
@given(data=st.data())
def test_ids_one_by_one_give_the_text_of_all(unit: Unit, data: st.DataObject) -> None:
    kind = tokenizer(unit)
    ids = data.draw(st.lists(st.integers(0, kind.vocab_size - 1), max_size=40))
    decoder = IncrementalDecoder(kind)
    text = [decoder.push([token_id]) for token_id in ids]
    assert "".join(text) + decoder.flush() == kind.decode(ids)
    assert decoder.push(ids) + decoder.flush() == kind.decode(ids)


def test_a_character_of_several_tokens_comes_out_whole() -> None:
    kind = tokenizer("bpe")
    ids = kind.encode("鳥")  # not in the text it was trained on: three bytes, three tokens
    decoder = IncrementalDecoder(kind)
    assert [decoder.push([token_id]) for token_id in ids] == ["", "", "鳥"]
    assert decoder.push(ids[:2]) == ""
    assert decoder.flush() == "\ufffd"
    assert decoder.flush() == ""


def test_a_decoder_goes_on_after_a_given_token() -> None:
    kind = tokenizer("word")
    ids = kind.encode("the class\nimport").tolist()
    rest = [IncrementalDecoder(kind, before).push([after]) for before, after in pairwise(ids)]
    assert rest == [" class", "\n", "import"]
    assert isinstance(kind.encode("the"), np.ndarray)

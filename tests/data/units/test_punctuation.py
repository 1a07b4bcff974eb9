from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.data.incremental import IncrementalEncoder
from elman.data.units.punctuation import core_of, split_word
from elman.data.units.word import WordTokenizer


@pytest.mark.fault(40)
@pytest.mark.parametrize(
    ("word", "tokens"),
    [
        ("world", ("world",)),
        ("world!", ("world", "￭!")),
        ("(world", ("(￭", "world")),
        ("well-known", ("well", "￭-￭", "known")),
        ("don't", ("don't",)),
        ("don\u2019t.", ("don\u2019t", "￭.")),
        ("'quoted'", ("'￭", "quoted", "￭'")),
        ("snake_case", ("snake_case",)),
        ("...", (".￭", "￭.￭", "￭.")),
        ("—", ("—",)),
        ("3.14", ("3", "￭.￭", "14")),
        ("हिन्दी।", ("हिन्दी", "￭।")),
        ("你好，世界", ("你好", "￭，￭", "世界")),
        ("a\u0301b", ("a\u0301b",)),
        ("￭,", ("￭", "￭,")),
    ],
)
def test_a_word_is_split_from_its_punctuation(word: str, tokens: tuple[str, ...]) -> None:
    assert split_word(word) == tokens
    assert "".join(map(core_of, tokens)) == word


LETTERS = st.sampled_from(list("ab'’(),.-_!?\"$￭é你 \n\t")) | st.characters(
    exclude_categories=["Cs"]
)


@pytest.mark.fault(40)
@given(st.text(LETTERS, max_size=80), st.integers(1, 7))
def test_a_text_is_put_together_again_and_read_in_any_pieces(text: str, size: int) -> None:
    kind = WordTokenizer.train([text], split_punctuation=True)
    short = [word for word in text.split() if len(word) < 64]
    again = " ".join(short)
    assert kind.decode(kind.encode(again)) == again
    assert "".join(kind.decode(kind.encode(text)).split()) == "".join(
        text.replace("\n", " ").split()
    )
    encoder = IncrementalEncoder(kind)
    ids = [
        token
        for start in range(0, len(text), size)
        for token in encoder.push(text[start : start + size])
    ]
    assert [*ids, *encoder.flush()] == kind.encode(text).tolist()
    assert encoder.unknown == 0


def test_treebank_keeps_its_unknown_words() -> None:
    kind = WordTokenizer.train(["the <unk> , of N\n"], split_punctuation=True)
    assert kind.encode("the <unk> , of").tolist()[1] == 0
    assert kind.decode(kind.encode("the , of\n")) == "the , of\n"

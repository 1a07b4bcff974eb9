"""A text word by word is the text."""

import pytest

from elman.data.labeled.words import LONGEST, WordEncoder, separated, words_of
from elman.data.tokenizer import Unit, train_tokenizer

TEXT = "the cat sat on the mat, didn't it? the dog: 'no' 3.5 über-cat\n"


@pytest.mark.parametrize("unit", ["char", "bpe", "word"])
def test_word_by_word_is_the_whole_text(unit: Unit) -> None:
    tokenizer = train_tokenizer(unit, [TEXT * 3], 300)
    words = words_of(TEXT)
    ids, ends = WordEncoder(tokenizer).encode(words)
    whole = tokenizer.encode(" ".join(words)).tolist()
    assert ids.tolist() == [tokenizer.start_id, *whole]
    assert len(ends) == len(words)
    assert ends[-1] == len(ids)
    begins = [1, *ends[:-1].tolist()]
    spelled = [
        tokenizer.decode(ids[begin:end]).strip() for begin, end in zip(begins, ends, strict=True)
    ]
    assert spelled == words


def test_a_text_without_words_has_its_start() -> None:
    tokenizer = train_tokenizer("word", [TEXT])
    ids, ends = WordEncoder(tokenizer).encode([])
    assert ids.tolist() == [tokenizer.start_id]
    assert len(ends) == 0


def test_punctuation_apart() -> None:
    assert separated("Great, isn't it?") == "Great , isn't it ?"
    assert separated("did n't the film 's") == "did n't the film 's"
    assert separated("…") == "…"
    tokenizer = train_tokenizer("word", [separated(TEXT)])
    together = WordEncoder(tokenizer).ids("mat,", False)
    apart = WordEncoder(tokenizer, split_punctuation=True).ids("mat,", False)
    assert together.tolist() == [0]
    assert len(apart) == 2
    assert 0 not in apart


def test_a_very_long_word_is_cut() -> None:
    assert [len(word) for word in words_of("a" * (2 * LONGEST + 5) + " b")] == [
        *(LONGEST, LONGEST, 5),
        1,
    ]

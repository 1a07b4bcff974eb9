"""Words, as in the Penn Treebank files: a newline is <eos>, the text's own <unk> is unknown."""

import pytest

from elman.data.units import word
from elman.data.units.word import WordTokenizer
from elman.errors import InputError

TREEBANK = " aer banknote <unk> N \n the <unk> of N \n"


def test_the_convention_of_penn_treebank() -> None:
    kind = WordTokenizer.train([TREEBANK])
    assert kind.contents()["words"] == ["N", "aer", "banknote", "of", "the"]
    assert kind.vocab_size == 7
    assert kind.encode(TREEBANK).tolist() == [3, 4, 0, 2, 1, 6, 0, 5, 2, 1]
    assert kind.start_id == 1
    assert kind.decode(kind.encode(TREEBANK)) == "aer banknote <unk> N\nthe <unk> of N\n"


def test_words_not_met_in_training_are_unknown() -> None:
    kind = WordTokenizer.train(["a b"])
    assert kind.encode("a c\nb").tolist() == [2, 0, 1, 3]
    assert kind.unknown("d a c c <unk>\n") == ["c", "d"]


def test_the_most_frequent_come_first_and_equals_by_the_alphabet() -> None:
    blocks = ["c b ", "b a a d\n", "e b"]
    assert WordTokenizer.train(blocks).contents()["words"] == ["b", "a", "c", "d", "e"]
    assert WordTokenizer.train(blocks, vocab_size=5).contents()["words"] == ["b", "a", "c"]
    assert WordTokenizer.train(blocks, min_count=2).contents()["words"] == ["b", "a"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
def test_words_are_counted_across_the_ends_of_blocks(size: int) -> None:
    text = "alpha beta alpha " + "x" * 150 + " beta\nalpha"
    blocks = [text[start : start + size] for start in range(0, len(text), size)]
    assert WordTokenizer.train(blocks).contents() == WordTokenizer.train([text]).contents()
    assert WordTokenizer.train([text]).contents()["words"][:3] == ["alpha", "beta", "x" * 64]


def test_unknown_words_are_shown_without_the_marks_of_their_punctuation() -> None:
    kind = WordTokenizer.train(["a b"], split_punctuation=True)
    assert kind.unknown("(zebra)! a") == sorted(["(", "zebra", ")", "!"])


def test_lower_case() -> None:
    kind = WordTokenizer.train(["The the THE A\n"], lower=True)
    assert kind.contents()["lower"]
    assert kind.contents()["words"] == ["the", "a"]
    assert kind.encode("tHE a").tolist() == [2, 3]
    assert kind.unknown("The b") == ["b"]


def test_frequent_words_survive_when_there_are_too_many_to_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(word, "_MOST_COUNTED", 100)
    blocks = ("often often sometimes " + f"rare{number} rarer{number} " for number in range(500))
    words = WordTokenizer.train(blocks).contents()["words"]
    assert words[:2] == ["often", "sometimes"]
    assert len(words) <= 102
    monkeypatch.setattr(word, "_MOST_COUNTED", 3)
    assert WordTokenizer.train(["a a b c d "]).contents()["words"] == ["a"]


def test_every_kind_of_space_parts_words() -> None:
    kind = WordTokenizer("ab")
    assert kind.encode("a\tb\r\na\x0bb\u3000a\xa0b").tolist() == [2, 3, 1, 2, 3, 2, 3]


def test_printable_form() -> None:
    kind = WordTokenizer("a")
    assert [kind.token(token_id) for token_id in range(3)] == ["<unk>", "\\n", "a"]


def test_vocabularies_that_will_not_do() -> None:
    with pytest.raises(InputError, match="each word once"):
        WordTokenizer(["a", "a"])
    with pytest.raises(InputError, match="each word once"):
        WordTokenizer(["<unk>"])
    with pytest.raises(InputError, match="at least 3 for words, got 2"):
        WordTokenizer.train(["a"], vocab_size=2)

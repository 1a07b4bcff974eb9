"""Training, saving and loading: what was saved comes back, and what is foreign is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from elman.data.tokenizer import Tokenizer, Unit, load_tokenizer, train_tokenizer
from elman.errors import InputError
from tests.data.texts import UNITS, prose, tokenizer


@pytest.mark.parametrize(
    "kind", [*map(tokenizer, UNITS), tokenizer("word", lower=True)], ids=[*UNITS, "lower"]
)
def test_saved_and_loaded_it_is_the_same(tmp_path: Path, kind: Tokenizer) -> None:
    path = tmp_path / "tokenizer.json"
    kind.save(path)
    loaded = load_tokenizer(path)
    assert type(loaded) is type(kind)
    assert (loaded.vocab_size, loaded.start_id) == (kind.vocab_size, kind.start_id)
    text = prose() + "Ü 鳥\x00\r\n"
    assert loaded.encode(text).tolist() == kind.encode(text).tolist()
    assert [loaded.spell(i, 5) for i in range(500) if i < kind.vocab_size] == [
        kind.spell(i, 5) for i in range(500) if i < kind.vocab_size
    ]
    loaded.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()
    assert json.loads(path.read_text("utf-8"))["unit"] == kind.unit


def test_units_and_options_that_are_none() -> None:
    with pytest.raises(InputError, match="one of char, bpe, word, got 'syllable'"):
        train_tokenizer("syllable", ["a"])  # type: ignore[arg-type]
    for unit in ("char", "bpe"):
        with pytest.raises(InputError, match=f"for the unit word only, got '{unit}'"):
            train_tokenizer(unit, ["a"], lower=True)


def saved(unit: Unit) -> dict[str, Any]:
    header = {"format": "elman tokenizer", "version": 1, "unit": unit}
    return json.loads(json.dumps(header | tokenizer(unit).contents()))


def changed(unit: Unit, /, **fields: Any) -> str:
    return json.dumps(saved(unit) | fields)


def bpe_model(**fields: Any) -> str:
    contents = saved("bpe")
    contents["tokenizer"]["model"] |= fields
    return json.dumps(contents)


VOCABULARY = saved("bpe")["tokenizer"]["model"]["vocab"]
FOREIGN = {
    "empty": "",
    "not JSON": "PK\x03\x04",
    "cut off": changed("word")[:-30],
    "a list": "[]",
    "deep": "[" * 200_000,
    "another format": "{}",
    "Hugging Face": json.dumps(saved("bpe")["tokenizer"]),
    "another version": changed("char", version=2),
    "no unit": changed("char", unit=None),
    "unit of another type": changed("char", unit=["char"]),
    "unknown unit": changed("char", unit="byte"),
    "no characters": changed("char", characters=""),
    "numbers for characters": changed("char", characters=[1, 2]),
    "a lone surrogate": changed("char", characters="ab\ud800"),
    "no words": changed("word", words=None),
    "numbers for words": changed("word", words=[1, 2]),
    "a word twice": changed("word", words=["a", "a"]),
    "a word with space": changed("word", words=["a b"]),
    "an empty word": changed("word", words=[""]),
    "lower is a word": changed("word", lower="yes"),
    "no bpe": changed("bpe", tokenizer=None),
    "no merges": bpe_model(merges=None),
    "merges of three": bpe_model(merges=[["a", "b", "c"]]),
    "merges of other tokens": bpe_model(merges=[["a", "鸟"]]),
    "a merge of nothing": bpe_model(merges=[["", "a"]]),
    "a vocabulary with a gap": bpe_model(vocab=VOCABULARY | {"aaaa": 5000}),
    "an id twice": bpe_model(vocab=VOCABULARY | {"aaaa": 3}),
    "an id that is none": bpe_model(vocab=VOCABULARY | {"aaaa": "600"}),
    "a fraction for an id": bpe_model(vocab=VOCABULARY | {"aaaa": 600.0}),
    "true for an id": bpe_model(vocab={token: n or False for token, n in VOCABULARY.items()}),
    "a token outside the bytes": bpe_model(vocab=VOCABULARY | {"鸟": 600}),
    "no byte": bpe_model(vocab={"a": 0}, merges=[]),
    "a list for a vocabulary": bpe_model(vocab=["a"]),
}


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_or_damaged_file_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_tokenizer(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        load_tokenizer(tmp_path / "tokenizer.json")


def test_only_vocabulary_and_merges_are_taken_from_a_file(tmp_path: Path) -> None:
    # What else the library could do on loading (another splitter, special tokens) is left alone.
    contents = saved("bpe")
    contents["tokenizer"]["pre_tokenizer"] = {"type": "Whitespace"}
    contents["tokenizer"]["model"]["unk_token"] = "a"
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(contents))
    assert (
        load_tokenizer(path).encode(prose()).tolist() == tokenizer("bpe").encode(prose()).tolist()
    )

"""Byte-level BPE: every text comes back, pieces are what they should be, training repeats."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Regex, pre_tokenizers
from tokenizers import Tokenizer as HuggingFace

from elman.data.units import bpe
from elman.data.units.bpe import BPETokenizer
from elman.errors import InputError
from tests.data.texts import prose, tokenizer, training_text, wild_text

KIND = tokenizer("bpe")
assert isinstance(KIND, BPETokenizer)


@given(wild_text | st.text())
@example("\x80 \x1c\x1d")
def test_any_text_comes_back(text: str) -> None:
    assert KIND.decode(KIND.encode(text)) == re.sub("[\ud800-\udfff]", "\ufffd", text)
    assert KIND.unknown(text) == []


@given(wild_text)
def test_looking_segments_up_is_encoding_the_whole(text: str) -> None:
    text = re.sub("[\ud800-\udfff]", "\ufffd", text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bpe, "_SHORT", -1)
        assert KIND.encode(text).tolist() == KIND._model.encode(text).ids


def test_the_library_reads_what_is_saved() -> None:
    theirs = HuggingFace.from_str(json.dumps(KIND.contents()["tokenizer"]))
    assert theirs.encode(prose()).ids == KIND.encode(prose()).tolist()
    assert theirs.decode(theirs.encode(prose()).ids) == prose()


def test_merges_are_learned() -> None:
    assert KIND.vocab_size == 600
    assert len(KIND.encode(prose())) < 0.5 * len(prose())
    assert " the" in {KIND.token(token_id) for token_id in range(KIND.vocab_size)}


def test_training_twice_gives_the_same() -> None:
    again = BPETokenizer.train(training_text(), 600)
    assert again.contents() == KIND.contents()


def test_a_text_with_little_in_it_gives_a_smaller_vocabulary() -> None:
    assert BPETokenizer.train(["abababab ababab"], 5000).vocab_size < 270
    assert BPETokenizer.train([], 256).vocab_size == 256


def test_pairs_rarer_than_the_count_are_not_merged() -> None:
    blocks = ["qx zx " * 5 + "qz " * 50]
    tokens = {t.vocab_size for t in (BPETokenizer.train(blocks, 300, n) for n in (2, 20))}
    assert len(tokens) == 2


def test_the_start_is_a_newline() -> None:
    assert KIND.spell(KIND.start_id, None) == b"\n"


def test_stray_bytes_are_printable() -> None:
    assert [KIND.token(token_id) for token_id in KIND.encode("鳥")] == ["\\xe9", "\\xb3", "\\xa5"]


def test_space_is_the_same_to_python_and_to_the_library() -> None:
    # Else a text would be cut where the library sees no beginning of a piece.
    split = pre_tokenizers.Split(Regex(f"[{bpe._SPACE}]"), "removed")
    for first in range(0, 0x110000, 0x800):
        text = "".join(map(chr, range(first, first + 0x800)))
        if not 0xD800 <= first < 0xE000:
            kept = "".join(piece for piece, _ in split.pre_tokenize_str(text))
            assert kept == "".join(text.split())


def test_a_long_run_without_space_is_cut_as_in_the_whole() -> None:
    for text in ("鸟" * 5000, "ab1." * 3000, " " * 5000, "x" * 40_000):
        assert KIND.encode(text).tolist() == KIND._model.encode(text).ids
        assert 5000 - 33 <= KIND.settled(text[:5000]) < 5000


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpe, "_MOST_SEGMENTS", 50)
    kind = BPETokenizer.train([prose()], 300)
    for start in range(0, 20_000, 500):
        text = prose()[start : start + 500]
        assert kind.encode(text).tolist() == kind._model.encode(text).ids
        assert len(kind._cache._rows) <= 50 + 500 // 2


def test_one_tokenizer_serves_several_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpe, "_MOST_SEGMENTS", 50)
    kind = BPETokenizer.train([prose()], 300)
    texts = [prose()[start : start + 400] for start in range(0, 12_000, 400)]
    expected = [kind._model.encode(text).ids for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert [ids.tolist() for ids in pool.map(kind.encode, texts)] == expected


def test_training_reads_evenly_spread_blocks_of_a_long_text() -> None:
    blocks = [f"{number:04}" for number in range(1000)]
    for most in (4, 40, 1000, 4000, 10_000):
        kept = [int(block) for block in bpe._spread(blocks, most)]
        assert min(most, 4000) / 8 < len(kept) <= max(most // 4, 1)
        steps = {b - a for a, b in pairwise(kept)}
        assert len(steps) <= 1
        assert kept[0] == 0
        assert kept[-1] + max(steps, default=1000) >= 1000 - max(steps, default=0)


@pytest.mark.parametrize("size", [255, 0, -1])
def test_a_vocabulary_that_cannot_hold_the_bytes(size: int) -> None:
    with pytest.raises(InputError, match=f"at least 256 for bpe .* got {size}"):
        BPETokenizer.train(["text"], size)

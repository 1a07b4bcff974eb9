"""Byte-level byte-pair encoding (Sennrich et al. 2016; bytes as in GPT-2), by Hugging Face.

The pieces that merges may not cross are bounded runs of one kind of character, so that a stream
can be encoded as it comes in: a piece is settled as soon as one more character is known.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import chain, islice
from typing import Any, final

import numpy as np
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as HuggingFace

from elman.data.units.base import Ids, Tokenizer
from elman.errors import InputError

DEFAULT_VOCAB_SIZE = 8192

# Space is what Python's `\s` says; the tokenizers library leaves out U+001C to U+001F.
_SPACE = r"\s\x1c-\x1f"
_PIECES = "|".join(
    [
        r" ?\p{L}{1,32}",
        r" ?\p{N}{1,32}",
        rf" ?[^{_SPACE}\p{{L}}\p{{N}}]{{1,32}}",
        rf"[{_SPACE}]{{1,32}}",
    ]
)
# Nothing looks ahead, so that the front of a text is cut as it is within the whole. Space belongs
# to what follows it, so that the first space after anything else always begins a piece: there a
# text may be cut without a look at what stands before.
_SEGMENT = re.compile(r"\s*\S+|\s+")
_CUT = re.compile(r"\S(?=\s)")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_MOST_SEGMENTS = 1 << 19
_MOST_CHARACTERS = 1 << 23
_SHORT = 256  # to look up pays for long texts only
_WINDOW = 1024
_AT_ONCE = 256
_TRAINING_CHARACTERS = 1 << 25


@final
class BPETokenizer(Tokenizer):
    """Ids of byte sequences that were learned from a text; any text can be encoded.

    `vocabulary` maps tokens (in the byte alphabet of GPT-2) to ids from 0 without gaps; `merges`
    are pairs of tokens, the first learned first.
    """

    unit = "bpe"

    def __init__(self, vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> None:
        self._model = _model(models.BPE(vocabulary, merges))
        self._split = pre_tokenizers.Split(Regex(_PIECES), "isolated")
        byte_of = {character: byte for byte, character in _byte_alphabet().items()}
        tokens = sorted(vocabulary, key=vocabulary.__getitem__)
        self._spelling = [bytes(byte_of[c] for c in token) for token in tokens]
        self._start_id = vocabulary[_byte_alphabet()[ord("\n")]]
        self._cache = SegmentCache(self._encode_segments)

    @property
    def vocab_size(self) -> int:
        return len(self._spelling)

    @property
    def start_id(self) -> int:
        return self._start_id

    def encode(self, text: str) -> Ids:
        text = _replace_surrogates(text)
        if len(text) <= _SHORT:
            return np.array(self._model.encode(text).ids, dtype=np.int64)
        return self._cache.encode(_SEGMENT.findall(text))

    def settled(self, text: str) -> int:
        text = _replace_surrogates(text)
        start = _last_cut(text)
        # All pieces but the last are settled: they end with a character whose successor is known.
        while len(text) - start > _WINDOW:
            start += self._last_piece(text[start : start + _WINDOW])
        return start + self._last_piece(text[start:])

    def spell(self, token_id: int, previous: int | None) -> bytes:
        self._check_id(token_id)
        return self._spelling[token_id]

    def unknown(self, text: str) -> list[str]:
        return []

    def pieces(self, text: str) -> list[str]:
        return [self.token(token_id) for token_id in self.encode(text).tolist()]

    def left_out(self, text: str) -> tuple[int, float]:
        return 0, 0.0

    def contents(self) -> dict[str, Any]:
        return {"tokenizer": json.loads(self._model.to_str())}

    @classmethod
    def from_contents(cls, contents: dict[str, Any]) -> BPETokenizer:
        """Build from the vocabulary and merges that `contents` gave, or raise InputError."""
        try:
            model = contents["tokenizer"]["model"]
            vocabulary = model["vocab"]
            merges = [(str(left), str(right)) for left, right in model["merges"]]
            tokens = sorted(vocabulary, key=vocabulary.__getitem__)
            dense = [repr(vocabulary[token]) for token in tokens] == [*map(str, range(len(tokens)))]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"no byte-pair vocabulary and merges in it ({error!r})") from error
        alphabet = set(_byte_alphabet().values())
        if not dense or not alphabet <= set(tokens) or not all(alphabet >= set(t) for t in tokens):
            raise InputError("its byte-pair vocabulary must number tokens of bytes from 0 on")
        known = all(
            {left, right, left + right} <= vocabulary.keys() and left and right
            for left, right in merges
        )
        if not known:
            raise InputError("its merges must join tokens of its vocabulary")
        return cls(vocabulary, merges)

    @classmethod
    def train(
        cls, blocks: Iterable[str], vocab_size: int | None = None, min_count: int = 1
    ) -> BPETokenizer:
        """Learn merges from a text; from evenly spread blocks of it, where it is very long.

        There are at least 256 ids, the bytes. Pairs that occur less than `min_count` times, at
        least 2, are not merged.
        """
        vocab_size = DEFAULT_VOCAB_SIZE if vocab_size is None else vocab_size
        if vocab_size < 256:
            raise InputError(
                f"vocabulary size must be at least 256 for bpe (the bytes), got {vocab_size}"
            )
        model = _model(models.BPE())
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            min_frequency=max(min_count, 2),
            special_tokens=[],
            initial_alphabet=sorted(_byte_alphabet().values()),
            show_progress=False,
        )
        # The trainer holds hundreds of strings at once and many times the size of each, so that
        # they must be short; the few words that a slice cuts do not count.
        slices = (
            _replace_surrogates(block[start : start + _WINDOW])
            for block in _spread(blocks, _TRAINING_CHARACTERS)
            for start in range(0, len(block), _WINDOW)
        )
        model.train_from_iterator(slices, trainer)
        return cls.from_contents({"tokenizer": json.loads(model.to_str())})

    def _last_piece(self, text: str) -> int:
        pieces = self._split.pre_tokenize_str(text)
        return int(pieces[-1][1][0]) if pieces else 0

    def _windows(self, segment: str) -> Iterator[str]:
        """Cut a long segment where pieces begin: the library needs many times a text's memory."""
        while len(segment) > _WINDOW:
            end = self._last_piece(segment[:_WINDOW])
            yield segment[:end]
            segment = segment[end:]
        yield segment

    def _encode_segments(self, segments: list[str]) -> list[list[int]]:
        windows = [list(self._windows(segment)) for segment in segments]
        flat = list(chain.from_iterable(windows))
        encoded = (
            encoding.ids
            for start in range(0, len(flat), _AT_ONCE)
            for encoding in self._model.encode_batch_fast(flat[start : start + _AT_ONCE])
        )
        return [list(chain.from_iterable(islice(encoded, len(parts)))) for parts in windows]


@final
class SegmentCache:
    """The ids of known segments, laid out flat; a text is gathered from them.

    A text repeats its words, which makes this several times faster than to merge them anew with
    `encode`, which gives the ids of each of some segments.
    """

    def __init__(self, encode: Callable[[list[str]], list[list[int]]]) -> None:
        self._encode = encode
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._rows: dict[str, int] = {}
        self._characters = 0
        self._flat = np.empty(0, dtype=np.int64)
        self._starts = np.empty(0, dtype=np.int64)
        self._lengths = np.empty(0, dtype=np.int64)

    def encode(self, segments: list[str]) -> Ids:
        """The ids of all segments, one after the other; safe to call from several threads."""
        with self._lock:
            return self._look_up(segments)

    def _look_up(self, segments: list[str]) -> Ids:
        if len(self._rows) > _MOST_SEGMENTS or self._characters > _MOST_CHARACTERS:
            self._clear()
        new = set(segments).difference(self._rows)
        if new:
            self._add(list(new))
        rows = np.fromiter(map(self._rows.__getitem__, segments), np.int64, len(segments))
        lengths = self._lengths[rows]
        # Place k of the result is place `start of its segment + k - ids before its segment`.
        shift = self._starts[rows] - (np.cumsum(lengths) - lengths)
        ids: Ids = self._flat[np.repeat(shift, lengths) + np.arange(lengths.sum())]
        return ids

    def _add(self, segments: list[str]) -> None:
        encoded = [np.array(ids, dtype=np.int64) for ids in self._encode(segments)]
        lengths = np.array([len(ids) for ids in encoded], dtype=np.int64)
        starts = len(self._flat) + np.cumsum(lengths) - lengths
        first = len(self._rows)
        self._rows.update(zip(segments, range(first, first + len(segments)), strict=True))
        self._characters += sum(map(len, segments))
        self._flat = np.concatenate([self._flat, *encoded])
        self._starts = np.concatenate([self._starts, starts])
        self._lengths = np.concatenate([self._lengths, lengths])


def _model(model: models.BPE) -> HuggingFace:
    tokenizer = HuggingFace(model)
    split = pre_tokenizers.Split(Regex(_PIECES), "isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, to_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


@cache
def _byte_alphabet() -> dict[int, str]:
    """The printable character that stands for each byte: itself, or one from U+0100 on (GPT-2)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    stand_ins = {byte: chr(0x100 + place) for place, byte in enumerate(others)}
    return {byte: chr(byte) for byte in printable} | stand_ins


def _last_cut(text: str) -> int:
    """The last place in `text` where a piece begins for certain; 0 where there is no other."""
    for width in (1 << 8, 1 << 14, len(text)):
        start = max(len(text) - width, 0)
        cuts = [match.end() for match in _CUT.finditer(text, start)]
        if cuts:
            return cuts[-1]
    return 0


def _spread(blocks: Iterable[str], most: int) -> Iterator[str]:
    """Evenly spaced blocks of a stream of unknown length, of at most `most` characters in all."""
    kept: list[str] = []
    stride = size = 0
    for place, block in enumerate(blocks):
        if place % (1 << stride):
            continue
        kept.append(block)
        size += len(block)
        while size > most and len(kept) > 1:
            kept, stride = kept[::2], stride + 1
            size = sum(map(len, kept))
    yield from kept


def _replace_surrogates(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text

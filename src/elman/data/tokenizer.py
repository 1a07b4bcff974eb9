"""From text to ids and back: training, saving and loading the three kinds of tokenizer.

Files that are missing, damaged or of another version raise `InputError`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from elman.bounds import read_settings
from elman.data.units.base import FORMAT, VERSION
from elman.data.units.base import Tokenizer as Tokenizer
from elman.data.units.bpe import BPETokenizer
from elman.data.units.char import CharTokenizer
from elman.data.units.word import WordTokenizer
from elman.errors import InputError
from elman.parse import parse_json

Unit = Literal["char", "bpe", "word"]

_Kind = type[CharTokenizer] | type[BPETokenizer] | type[WordTokenizer]
_KINDS: dict[str, _Kind] = {"char": CharTokenizer, "bpe": BPETokenizer, "word": WordTokenizer}


def train_tokenizer(
    unit: Unit,
    blocks: Iterable[str],
    vocab_size: int | None = None,
    min_count: int = 1,
    *,
    lower: bool = False,
    split_punctuation: bool = False,
) -> Tokenizer:
    """Take a vocabulary from a text, read once, in bounded memory.

    There are at most `vocab_size` ids (None: all there are; BPE: 8,192). Characters or words, or
    merges of pairs, that occur less than `min_count` times are left out. `lower` maps the text to
    lower case; for words only. `split_punctuation` splits it off words, and changes nothing else.
    """
    if unit == "word":
        return WordTokenizer.train(blocks, vocab_size, min_count, lower, split_punctuation)
    if lower:
        raise InputError(f"lower case is for the unit word only, got {unit!r}; map the text itself")
    return _kind(unit).train(blocks, vocab_size, min_count)


def load_tokenizer(path: str | os.PathLike[str]) -> Tokenizer:
    """Read what `Tokenizer.save` wrote."""
    try:
        data = read_settings(Path(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read as a tokenizer ({error})") from error
    return tokenizer_from_bytes(data, str(path))


def tokenizer_from_bytes(data: bytes, where: str) -> Tokenizer:
    """Read what `Tokenizer.to_bytes` gave, or raise InputError, which names `where`."""
    try:
        contents = parse_json(data)
        json.dumps(contents, ensure_ascii=False).encode()  # no lone surrogates
    except ValueError as error:
        raise InputError(f"{where}: cannot be read as a tokenizer ({error})") from error
    if not isinstance(contents, dict) or contents.get("format") != FORMAT:
        raise InputError(f'{where}: not a tokenizer of elman ("format" must be "{FORMAT}")')
    if contents.get("version") != VERSION:
        raise InputError(
            f"{where}: tokenizer version {contents.get('version')!r}, but this elman reads "
            f"version {VERSION}; train again or install the elman that wrote it"
        )
    try:
        return _kind(contents.get("unit")).from_contents(contents)
    except InputError as error:
        raise InputError(f"{where}: damaged tokenizer: {error}") from error


def _kind(unit: Any) -> _Kind:
    kind = _KINDS.get(unit) if isinstance(unit, str) else None
    if kind is None:
        raise InputError(f"the unit must be one of {', '.join(_KINDS)}, got {unit!r}")
    return kind

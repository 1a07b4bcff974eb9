"""A text as ids in a memory-mapped file, whatever its size.

Files that are missing, damaged or something else raise `InputError`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt, TypeAdapter

from elman.data.arrays import open_array
from elman.data.incremental import IncrementalEncoder
from elman.data.units.base import CharacterCount, Ids, Tokenizer
from elman.errors import InputError
from elman.files import atomic_path, write_json

TokenFile = npt.NDArray[np.unsignedinteger[Any]]

_DTYPES = (np.uint8, np.uint16, np.uint32)


@dataclass(frozen=True)
class TextCounts:
    """How long a text is, and what its tokens leave out.

    Attributes:
        tokens: how many.
        characters: of the text as its tokens tell it; see `CharacterCount`.
        bytes: in UTF-8.
        unknown: tokens that are unknown characters or words.
        spelling: the nats it takes to say what these stand for.
    """

    tokens: PositiveInt
    characters: PositiveInt
    bytes: PositiveInt
    unknown: NonNegativeInt = 0
    spelling: NonNegativeFloat = 0.0


_COUNTS = TypeAdapter(TextCounts)


def build_tokens(
    blocks: Iterable[str], tokenizer: Tokenizer, path: str | os.PathLike[str]
) -> TextCounts:
    """Encode a text block by block into a .npy file of the smallest unsigned type that fits.

    The ids are those of tokenizer.encode(whole text), wherever the blocks end. The counts are
    returned and kept in a JSON file beside (`tokens.npy` has `tokens.json`). Where it can't be
    written (OSError) or the text has no tokens (InputError), nothing is left behind.
    """
    path = Path(path)
    dtype = next(t for t in _DTYPES if tokenizer.vocab_size - 1 <= np.iinfo(t).max)
    encoder = IncrementalEncoder(tokenizer)
    characters = CharacterCount(collapsed=tokenizer.collapses_space)
    tokens = length = size = 0
    with atomic_path(path) as partial:
        with partial.open("wb") as file:
            _write_header(file, dtype, 0)
            for block in blocks:
                tokens += _write_ids(file, encoder.push(block), dtype)
                characters.push(block)
                length += len(block)
                size += len(block.encode("utf-8", errors="surrogatepass"))
            tokens += _write_ids(file, encoder.flush(), dtype)
            file.seek(0)
            _write_header(file, dtype, tokens)
        if tokens == 0:
            raise InputError(
                f"the text has no tokens ({length} characters, cut into {tokenizer.unit} "
                "units); give a text with something in it"
            )
    counts = TextCounts(tokens, characters.total, size, encoder.unknown, encoder.spelling)
    write_json(_counts_path(path), asdict(counts))
    return counts


def open_tokens(path: str | os.PathLike[str]) -> TokenFile:
    """The ids of a file that `build_tokens` wrote, memory-mapped and read-only: (N,)."""
    tokens = open_array(Path(path), "a file of tokens", "prepare the text again")
    if tokens.ndim != 1 or tokens.dtype not in _DTYPES:
        raise InputError(
            f"{path}: expected one row of uint8, uint16 or uint32 ids, got {tokens.dtype} of "
            f"shape {tokens.shape}; prepare the text again"
        )
    return tokens


def read_counts(path: str | os.PathLike[str]) -> TextCounts:
    """The counts of the text in the token file `path`."""
    beside = _counts_path(Path(path))
    try:
        return _COUNTS.validate_json(beside.read_bytes(), strict=True)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{beside}: cannot be read as the counts of a text ({' '.join(str(error).split())}); "
            "prepare the text again"
        ) from error


def _counts_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _write_header(file: Any, dtype: type[np.unsignedinteger[Any]], tokens: int) -> None:
    # numpy pads the header for a growing first axis, so the second one fits over the first.
    header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (tokens,)}
    np.lib.format.write_array_header_1_0(file, header)


def _write_ids(file: Any, ids: Ids, dtype: type[np.unsignedinteger[Any]]) -> int:
    file.write(ids.astype(dtype).data)
    return len(ids)

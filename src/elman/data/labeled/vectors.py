"""Word vectors that others trained: text files of GloVe and word2vec, or a safetensors matrix.

Legend: V wanted words, W words of the file, E width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from elman.data.labeled.rows import Floats, Marks
from elman.data.text_files import text_lines
from elman.errors import InputError

_WIDEST = 10_000


@dataclass(frozen=True, eq=False)
class Vectors:
    """A vector for each wanted word that a file has one for.

    Attributes:
        matrix: (V, E); 0 where there is none.
        found: (V,) bool.
    """

    matrix: Floats
    found: Marks


def read_vectors(
    path: Path, wanted: Sequence[str], vocabulary: Path | None = None, width: int | None = None
) -> Vectors:
    """Read the vectors of some words; a word that is missing may be there in lower case.

    `path` has lines of a word and its numbers, with or without word2vec's first line of two sizes,
    perhaps compressed by gzip; or it is a `.safetensors` file with one matrix (W, E), whose words
    `vocabulary` has, one a line. `width` is the E that is expected.
    """
    if path.suffix == ".safetensors":
        rows, has = _from_matrix(path, wanted, vocabulary)
    elif vocabulary is not None:
        raise InputError(f"{path}: a text file names its own words; leave out the vocabulary")
    else:
        rows, has = _from_text(path, wanted)
    if width is not None and has != width:
        raise InputError(
            f"{path}: its vectors have {has} numbers, but --embedding-size is {width}; leave that "
            "flag out, or give other vectors"
        )
    matrix = np.zeros((len(wanted), has), dtype=np.float32)
    found = np.zeros(len(wanted), dtype=np.bool_)
    for place, word in enumerate(wanted):
        row = rows.get(word, rows.get(word.lower()))
        if row is not None:
            matrix[place], found[place] = row, True
    if not found.any():
        raise InputError(
            f"{path}: has a vector for none of the {len(wanted):,} words; give one of the same "
            "language and unit"
        )
    return Vectors(matrix, found)


def _from_text(path: Path, wanted: Sequence[str]) -> tuple[dict[str, Floats], int]:
    """The vectors of the wanted words, and E."""
    needed = {*wanted, *(word.lower() for word in wanted)}
    rows: dict[str, Floats] = {}
    width: int | None = None
    promised: int | None = None
    for number, line in text_lines(path):
        cells = line.rstrip().split(" ")
        if number == 1 and len(cells) == 2 and all(cell.isdecimal() for cell in cells):
            promised = int(cells[1]) if len(cells[1]) < 9 else _WIDEST + 1
            continue
        if not line.strip():
            continue
        if width is None:
            width = _width(path, number, cells, promised)
        if len(cells) <= width:
            raise InputError(
                f"{path}:{number}: has {len(cells) - 1} numbers, expected {width} as above"
            )
        word = " ".join(cells[:-width])  # some vocabularies have words with spaces in them
        if word in needed:
            try:
                row = np.array(cells[-width:], dtype=np.float32)
            except (ValueError, OverflowError) as error:
                raise InputError(f"{path}:{number}: not a word and its vector ({error})") from error
            if not np.isfinite(row).all():
                raise InputError(f"{path}:{number}: a number of the vector is not finite")
            rows.setdefault(word, row)
    if width is None:
        raise InputError(f"{path}: holds no vectors")
    return rows, width


def _width(path: Path, number: int, cells: Sequence[str], promised: int | None) -> int:
    """E, from the first line of numbers; what the file promises must agree with it."""
    width = len(cells) - 1
    if promised is not None and promised != width:
        raise InputError(
            f"{path}:{number}: has {width} numbers, but line 1 says {promised}; get the file again"
        )
    if not 1 <= width <= _WIDEST:
        raise InputError(
            f"{path}:{number}: not a word and its vector; give a text file of GloVe or word2vec, "
            "or a .safetensors matrix with its vocabulary"
        )
    return width


def _from_matrix(
    path: Path, wanted: Sequence[str], vocabulary: Path | None
) -> tuple[dict[str, Floats], int]:
    if vocabulary is None:
        raise InputError(
            f"{path}: a matrix does not name its words; give --vectors-vocabulary, a file with one "
            "word a line"
        )
    words = [line for _, line in text_lines(vocabulary)]
    try:
        with safe_open(path, framework="pt") as file:
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
            fitting = [name for name, s in shapes.items() if len(s) == 2 and s[0] == len(words)]
            if len(fitting) != 1:
                held = ", ".join(f"{name} {tuple(shape)}" for name, shape in shapes.items())
                raise InputError(
                    f"{path}: expected one matrix of {len(words):,} rows, as {vocabulary} has "
                    f"words, but it holds {held or 'nothing'}"
                )
            matrix = file.get_tensor(fitting[0])
    except (SafetensorError, OSError, ValueError, MemoryError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: can't be read as safetensors ({error})") from error
    if not matrix.is_floating_point() or not 1 <= matrix.shape[1] <= _WIDEST:
        raise InputError(f"{path}: {fitting[0]} is no matrix of word vectors")
    row_of = {word: row for row, word in reversed(list(enumerate(words)))}
    needed = {*wanted, *(word.lower() for word in wanted)} & set(row_of)
    chosen = {word: matrix[row_of[word]].to(torch.float32).numpy() for word in needed}
    if not all(np.isfinite(row).all() for row in chosen.values()):
        raise InputError(f"{path}: {fitting[0]} has numbers that are not finite")
    return chosen, matrix.shape[1]

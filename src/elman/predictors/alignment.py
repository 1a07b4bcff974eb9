"""The attention between the pieces of a sentence and those of its translation.

Legend: S source pieces, T pieces of the translation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from elman.data.pairs.rows import clean
from elman.data.tokenizer import Tokenizer
from elman.data.units.base import MAX_PIECE
from elman.diagnostics.alignment import Alignment

END = "(end)"
"""How the end of a sentence is displayed."""


def align(
    source: str,
    source_ids: Sequence[int],
    output_ids: Sequence[int],
    weights: npt.NDArray[np.float32],
    source_tokenizer: Tokenizer,
    target_tokenizer: Tokenizer,
) -> Alignment:
    """The pieces of both sides with the weights between them.

    Args:
        source: the sentence.
        source_ids: S ids, the end last.
        output_ids: the T - 1 ids of the translation, without the end.
        weights: (T, S).
        source_tokenizer: of the source, whose unknown words are shown as they are in `source`.
        target_tokenizer: of the translation.
    """
    return Alignment(
        (*source_pieces(source, source_ids[:-1], source_tokenizer), END),
        (*(_piece(target_tokenizer, token) for token in output_ids), END),
        weights,
    )


def source_pieces(text: str, ids: Sequence[int], tokenizer: Tokenizer) -> list[str]:
    """The part of `text` that each of `ids`, without the end, stands for."""
    text = clean(text)
    pieces: list[str] = []
    if tokenizer.unit == "char":
        pieces = list(text)
    elif tokenizer.unit == "word":
        pieces = [
            word[start : start + MAX_PIECE]
            for word in text.split()
            for start in range(0, len(word), MAX_PIECE)
        ]
    if len(pieces) == len(ids):
        return pieces
    return [_piece(tokenizer, token) for token in ids]


def with_unknown_replaced(
    alignment: Alignment, output_ids: Sequence[int], unknown_id: int, unit: str
) -> str:
    """The translation, each unknown token replaced by the source's piece with most attention.

    Source: Luong et al. 2015, arXiv:1410.8206; here attention stands for their alignments.
    """
    words = [
        alignment.nearest(place) if token == unknown_id else alignment.translation[place]
        for place, token in enumerate(output_ids)
    ]
    return clean((" " if unit == "word" else "").join(words))


def _piece(tokenizer: Tokenizer, token: int) -> str:
    """A token in printable form; a byte-level piece inside a word begins with a dot."""
    text = tokenizer.token(token)
    if tokenizer.unit != "bpe":
        return text
    return text.strip() if text[:1] == " " else f"·{text}" if text[:1].isalnum() else text

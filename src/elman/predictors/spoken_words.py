"""From the tokens of a hypothesis to its text, and to its words with their times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from elman.data.tokenizer import Tokenizer
from elman.decoding.ctc import Hypothesis

_SPACES = bytes.maketrans(b"\t\n\v\f\r", b" " * 5)


@dataclass(frozen=True)
class Word:
    """A word that was recognized.

    Attributes:
        text: the word.
        begin: the second of the audio at which its first token is emitted.
        end: the second at which its last token ends.
        confidence: from 0 to 1, the lowest of its tokens.
    """

    text: str
    begin: float
    end: float
    confidence: float


def text_of(tokenizer: Tokenizer, tokens: Sequence[int]) -> str:
    """What `tokens` spell, with one space between words.

    Bytes that are no character are left out: a network that has not learned yet writes them.
    """
    pairs = pairwise((None, *tokens))
    spelled = b"".join(
        tokenizer.spell(token, before) for before, token in pairs if token is not None
    )
    return " ".join(spelled.decode("utf-8", errors="ignore").split())


def words_of(tokenizer: Tokenizer, hypothesis: Hypothesis, step: float) -> tuple[Word, ...]:
    """The words of a hypothesis, whose steps are `step` seconds each."""
    spelled, owners = bytearray(), []
    for place, (before, token) in enumerate(pairwise((None, *hypothesis.tokens))):
        assert token is not None
        piece = tokenizer.spell(token, before)
        spelled += piece
        owners += [place] * len(piece)
    found, begin = [], 0
    for part in spelled.translate(_SPACES).split(b" "):
        if word := part.decode("utf-8", errors="ignore").strip():
            first, last = owners[begin], owners[begin + len(part) - 1]
            found.append(
                Word(
                    word,
                    round(hypothesis.steps[first] * step, 3),
                    round(hypothesis.ends[last] * step, 3),
                    round(min(hypothesis.confidences[first : last + 1]), 4),
                )
            )
        begin += len(part) + 1
    return tuple(found)

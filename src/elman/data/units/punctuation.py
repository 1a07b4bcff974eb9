"""Words apart from their punctuation, so that the text can be put together again.

A punctuation mark or symbol is a token of its own, which says on which side it had no space: `,`
after a word is `￭,` and a hyphen between two is `￭-￭` (the joiners of OpenNMT's tokenizer). An
apostrophe between letters is part of the word, and so are the vowel signs of Indic scripts.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache

JOINER = "\uffed"
_INSIDE = "'\u2019_"
_REMEMBERED = 1 << 16


@lru_cache(_REMEMBERED)
def split_word(word: str) -> tuple[str, ...]:
    """The tokens of what stands between two white spaces."""
    if word.isalnum():
        return (word,)
    tokens, begin, last = [], 0, len(word) - 1
    for place, character in enumerate(word):
        if not is_mark(character) or _is_inside(word, place):
            continue
        if begin < place:
            tokens.append(word[begin:place])
        left, right = JOINER if place > 0 else "", JOINER if place < last else ""
        tokens.append(f"{left}{character}{right}")
        begin = place + 1
    if begin <= last:
        tokens.append(word[begin:])
    return tuple(tokens)


def joins(token: str) -> tuple[bool, bool]:
    """Whether a token has no space before it, and none after it."""
    core = token.removeprefix(JOINER).removesuffix(JOINER)
    if len(core) != 1 or not is_mark(core):
        return False, False
    return token.startswith(JOINER), token.endswith(JOINER)


def core_of(token: str) -> str:
    """A token as it stands in the text."""
    return token.replace(JOINER, "") if any(joins(token)) else token


@cache
def is_mark(character: str) -> bool:
    """Whether a character is punctuation or a symbol; the joiner itself counts as a letter."""
    return unicodedata.category(character)[0] in "PS" and character != JOINER


def _is_inside(word: str, place: int) -> bool:
    """Whether an apostrophe or an underscore is part of a word."""
    if word[place] not in _INSIDE:
        return False
    if word[place] == "_":
        return True
    around = word[max(place - 1, 0) : place], word[place + 1 : place + 2]
    return all(near and not is_mark(near) for near in around)

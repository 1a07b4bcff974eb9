"""Transcripts as a recognizer spells them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_APOSTROPHES = {"\u2019": "'", "\u02bc": "'"}


@dataclass(frozen=True)
class Spelling:
    """How a transcript is written before it becomes tokens, and the answers with it.

    White space is one space between words, and characters are composed (Unicode's NFC): how else
    a letter with an accent is stored cannot be heard.

    Attributes:
        lower: in lower case.
        punctuation: keep punctuation. Without it, apostrophes within words stay, and a hyphen is a
            space.
    """

    lower: bool = False
    punctuation: bool = True

    def __call__(self, text: str) -> str:
        text = unicodedata.normalize("NFC", text)
        if self.lower:
            text = text.lower()
        if not self.punctuation:
            text = self._without_punctuation(text)
        return " ".join(text.split())

    def _without_punctuation(self, text: str) -> str:
        found = []
        for place, character in enumerate(text):
            character = _APOSTROPHES.get(character, character)
            if character == "'":
                inside = text[place - 1 : place].isalnum() and text[place + 1 : place + 2].isalnum()
                found.append("'" if inside else "")
            else:
                kind = unicodedata.category(character)[0]
                found.append(" " if kind == "P" else "" if kind == "S" else character)
        return "".join(found)

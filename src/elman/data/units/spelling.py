"""What it costs to spell a word that is not in the vocabulary.

The id `<unk>` says that a word is unknown, and not which word it is. A loss in bits per character
is that of the text only if the spelling is charged too. The code is that of characters drawn one by
one until an end:

    p(w) = q(c_1) · … · q(c_n) · q(end)        q(s) = (n(s) + 1) / (N + A + 2)

n(s) counts a character, or the end, in the different words of training, each once, since unknown
words are rarely frequent ones; N is the sum of these counts and A the number of different
characters. A character that training does not have is an escape, which counts 0 times, and one of
all code points. Before it stands whether the word is the text's own `<unk>`, as those of the Penn
Treebank, or unknown, with the frequencies of both in training, 1 added.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

from elman.errors import InputError

CODE_POINTS = 0x110000


@final
@dataclass(frozen=True)
class Spelling:
    """The code of unknown words.

    Attributes:
        characters: how often each occurs in the different words of training.
        words: how many different words there are.
        unknown: how many words of the training text are unknown.
        literal: how many are the text's own `<unk>`.
    """

    characters: Mapping[str, int]
    words: int
    unknown: int = 0
    literal: int = 0

    @classmethod
    def of(cls, words: Iterable[str], unknown: int = 0, literal: int = 0) -> Spelling:
        """Estimate the code from the different words of training."""
        characters: Counter[str] = Counter()
        count = 0
        for word in words:
            characters.update(word)
            count += 1
        return cls(dict(sorted(characters.items())), count, unknown, literal)

    def nats(self, word: str) -> float:
        """-log p of an unknown word, given that its id is `<unk>`."""
        escape = math.log(self._total) + math.log(CODE_POINTS)
        each = self._nats
        return self._is_unknown + self._end + sum(each.get(c, escape) for c in word)

    @cached_property
    def literal_nats(self) -> float:
        """-log p of the text's own `<unk>`, given that its id is `<unk>`."""
        return -math.log((self.literal + 1) / (self.literal + self.unknown + 2))

    @cached_property
    def _is_unknown(self) -> float:
        return -math.log((self.unknown + 1) / (self.literal + self.unknown + 2))

    @cached_property
    def _total(self) -> int:
        return sum(self.characters.values()) + self.words + len(self.characters) + 2

    @cached_property
    def _end(self) -> float:
        return -math.log((self.words + 1) / self._total)

    @cached_property
    def _nats(self) -> dict[str, float]:
        return {c: -math.log((n + 1) / self._total) for c, n in self.characters.items()}

    def contents(self) -> dict[str, Any]:
        """JSON values that `from_contents` takes."""
        return {
            "characters": dict(self.characters),
            "words": self.words,
            "unknown": self.unknown,
            "literal": self.literal,
        }

    @classmethod
    def from_contents(cls, contents: Any) -> Spelling:
        """Build from what `contents` gave, or raise InputError."""
        numbers = ("words", "unknown", "literal")
        if not isinstance(contents, dict) or not isinstance(contents.get("characters"), dict):
            raise InputError('"spelling" must hold the counts of characters')
        characters = contents["characters"]
        counts = [*characters.values(), *(contents.get(name) for name in numbers)]
        if not all(isinstance(count, int) and count >= 0 for count in counts):
            raise InputError('"spelling" must hold counts, whole numbers from 0 on')
        if any(len(character) != 1 for character in characters):
            raise InputError('"spelling" must count single characters')
        return cls(characters, *(contents[name] for name in numbers))

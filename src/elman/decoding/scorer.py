"""What a second opinion on texts can do, such as a language model's, for a search to consult.

Legend: V tokens, n texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from elman.decoding.ctc import Array, Packed


class Scores(NamedTuple):
    """What a scorer says of texts.

    Attributes:
        log_probs: nats.
        units: the tokens or words, which the bonus is for.
    """

    log_probs: Array
    units: Array


class Scorer(Protocol):
    """Another opinion on texts, such as that of a language model, token by token.

    The state of one text is whatever the scorer likes, as long as it never changes.
    """

    def start(self) -> tuple[Scores, Any]:
        """What each token (V,) adds as the first of a text, and the state of the empty text."""
        ...

    def extend(self, states: Sequence[Any], tokens: Sequence[int]) -> tuple[Scores, list[Any]]:
        """Read one more token of each of n texts.

        Returns what each token (n, V) adds when it comes next, and the states after `tokens`.
        """
        ...

    def finish(self, states: Sequence[Any]) -> Scores:
        """What the ends of n texts add, (n,)."""
        ...

    def pack(self, states: Sequence[Any]) -> Packed:
        """States for a snapshot."""
        ...

    def unpack(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> list[Any]:
        """The states that `pack` gave; KeyError, TypeError or ValueError where they don't fit."""
        ...

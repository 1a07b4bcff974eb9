"""Entities in rows of tags, and their scores: exact spans with exact types.

Tags are a position and a type, "B-PER", or "O". All common schemes (IOB, BIO or IOB2, BIOES, BILOU)
are read by the rules of the CoNLL shared tasks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy.typing as npt

Span: TypeAlias = tuple[int, int, str]
"""First step, the step after the last, type."""

_TAG = re.compile(r"^(?:O|[BIESLU]-.+)$")
_OUTSIDE = "O"


@dataclass(frozen=True)
class EntityScores:
    """Counts of entities.

    Attributes:
        right: predicted with the right bounds and type.
        predicted: all predicted entities.
        true: all true entities.
    """

    right: int
    predicted: int
    true: int

    @property
    def precision(self) -> float:
        """The share of predicted entities that are right; 0 without any."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """The share of true entities that were predicted; 0 without any."""
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """2 P R / (P + R), which is 2 right / (predicted + true)."""
        both = self.predicted + self.true
        return 2 * self.right / both if both else 0.0


def is_tagging(names: Sequence[str]) -> bool:
    """Whether classes are tags of entities."""
    return all(map(_TAG.match, names)) and any(name != _OUTSIDE for name in names)


def spans(tags: Sequence[str]) -> list[Span]:
    """The entities of one row.

    An entity begins at B, S or U, and where a tag inside one follows another type or nothing; it
    ends after E, L, S or U, and before a new beginning. So a row that breaks its scheme still has
    entities.

    Source: the rules of conlleval, Tjong Kim Sang & De Meulder 2003.
    """
    found: list[Span] = []
    begin, current, ended = 0, "", True
    for place, tag in enumerate([*tags, _OUTSIDE]):
        position, _, kind = tag.partition("-")
        outside = tag == _OUTSIDE
        starts = not outside and (position in "BSU" or ended or kind != current)
        if not ended and (outside or starts):
            found.append((begin, place, current))
            ended = True
        if starts:
            begin, current, ended = place, kind, False
        if not outside and position in "ELSU":
            found.append((begin, place + 1, current))
            ended = True
    return found


def entity_scores(
    names: Sequence[str],
    labels: npt.NDArray[Any],
    ids: npt.NDArray[Any],
    offsets: npt.NDArray[Any],
) -> EntityScores:
    """Compare the entities of rows of tags.

    Args:
        names: the tags, by id.
        labels: (S,) the predicted ids, all rows one after the other.
        ids: (S,) the true ones.
        offsets: (N + 1,) where each row begins.
    """
    right = predicted = true = 0
    for begin, end in pairwise(offsets):
        theirs = set(spans([names[k] for k in labels[begin:end]]))
        ours = set(spans([names[k] for k in ids[begin:end]]))
        right += len(theirs & ours)
        predicted += len(theirs)
        true += len(ours)
    return EntityScores(right, predicted, true)

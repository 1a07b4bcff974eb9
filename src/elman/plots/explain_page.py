"""Explanations of a classifier's answers as a page: each word colored by its contribution."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from elman.diagnostics.explanation import Explanation, WordEffect
from elman.files import write_text
from elman.plots.page import render


def write_page(explanations: Sequence[Explanation], path: Path) -> None:
    """Write a page of all explanations to `path`, whole or not at all."""
    shown = [(one, list(zip(one.words, strength(one.words), strict=True))) for one in explanations]
    page = render("explain_page.html", title="What the words contribute", explanations=shown)
    write_text(path, page)


def strength(words: Sequence[WordEffect]) -> list[float]:
    """The contribution of each word relative to the largest, -1 to 1."""
    largest = max((abs(word.moved) for word in words), default=0.0)
    return [word.moved / largest if largest else 0.0 for word in words]

"""Explanations as a page of HTML that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from elman.evaluation.explanation import Explanation, WordEffect
from elman.files import write_text

_HEAD = """\
<!doctype html>
<meta charset="utf-8">
<title>What moved the answer</title>
<style>
body { font: 1rem/1.9 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }
section { border-top: 1px solid #8886; padding: .6rem 0 }
b { font-weight: 600 }
span { padding: .1em .2em; border-radius: .25em }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #eee } }
</style>
<h1>What moved the answer</h1>
<p>Green words spoke for the label, red ones against it; each says how much of the probability is
lost without it when pointed at.</p>
"""


def write_page(explanations: Sequence[Explanation], path: Path) -> None:
    """Write all of them to `path`, whole or not at all."""
    write_text(path, _HEAD + "".join(map(_section, explanations)))


def strength(words: Sequence[WordEffect]) -> list[float]:
    """How far each word is from the one that moved most, -1 to 1."""
    most = max((abs(word.moved) for word in words), default=0.0)
    return [word.moved / most if most else 0.0 for word in words]


def _section(told: Explanation) -> str:
    marked = " ".join(
        _word(word, share) for word, share in zip(told.words, strength(told.words), strict=True)
    )
    label = escape(told.predicted)
    return f"<section><b>{label}</b> {100 * told.probability:.1f} %<br>{marked}</section>\n"


def _word(word: WordEffect, share: float) -> str:
    color = "34 160 80" if share > 0 else "210 60 50"
    title = f"{100 * word.moved:+.1f} % (gradient {100 * word.gradient:+.1f} %)"
    style = f"background: rgb({color} / {0.75 * abs(share):.2f})"
    return f'<span title="{title}" style="{style}">{escape(word.word)}</span>'

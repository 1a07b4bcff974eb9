"""An answer and its words on a terminal, each word colored by how much it moved the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from elman.predictors.predictor import Record, columns

_FAINTEST = 0.1
"""Of the largest effect; words that did less are left as they are."""


def write_explained(records: Iterable[Record], out: TextIO) -> None:
    """A paragraph for each record that has `words`: what was predicted, then the text.

    Green words spoke for the answer, red ones against it. Without color (NO_COLOR, or a terminal
    that has none) the percent that each is worth stands behind it.
    """
    console = Console(file=out, highlight=False, soft_wrap=True)
    plain = console.no_color or console.color_system is None
    for record in records:
        row = columns(record)
        console.print(Text(f"{row['predicted']}  {_percent(row)}", style="bold"))
        console.print(_marked(row["words"], plain=plain), end="\n\n")


def _percent(row: Mapping[str, Any]) -> str:
    """How likely the answer is; where a row may have many labels, each of them."""
    if "probability" in row:
        return f"{100 * row['probability']:.1f} %"
    each = [(name[2:], value) for name, value in row.items() if name.startswith("p_")]
    return " ".join(f"{name} {100 * value:.1f} %" for name, value in each)


def _marked(words: Sequence[Mapping[str, Any]], *, plain: bool) -> Text:
    moved = [w["gradient"] if w["effect"] is None else w["effect"] for w in words]
    most = max(map(abs, moved), default=0.0) or 1.0
    text = Text()
    for word, effect in zip(words, moved, strict=True):
        share = effect / most
        if abs(share) < _FAINTEST:
            text.append(f"{word['word']} ")
        elif plain:
            text.append(f"{word['word']}[{100 * effect:+.0f}] ")
        else:
            text.append(word["word"], style=_style(share)).append(" ")
    return text


def _style(share: float) -> str:
    depth = round(90 * abs(share))
    color = f"rgb(20,{70 + depth},40)" if share > 0 else f"rgb({90 + depth},25,25)"
    return f"rgb(255,255,255) on {color}"

"""Alignments as a picture, or as a page: the source along x, the translation down y.

Legend: S source pieces, T pieces of the translation.
"""

from __future__ import annotations

import html
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from elman.errors import InputError, missing_extra
from elman.files import atomic_path, write_text
from elman.predictors.alignment import Alignment

PICTURES = (".png", ".svg", ".pdf")
MOST_IN_PICTURE = 6
MOST_ON_PAGE = 300
MOST_PIECES = 80
"""A side with more pieces is drawn up to here."""

_INCHES = 0.24
_BLUE = "0, 82, 147"
_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #1a1a1a; background: #fff }
table { border-collapse: collapse; margin: .5rem 0 2.5rem }
th { font-weight: normal; text-align: right; padding: 0 .5rem; white-space: pre }
thead th { text-align: left; padding: .3rem 0; vertical-align: bottom }
thead span { writing-mode: vertical-rl; transform: rotate(180deg); white-space: pre }
td { width: 1.5rem; height: 1.5rem; min-width: 1.5rem; border: 1px solid #e4e4e4 }
"""


@final
class AlignmentFile:
    """Where alignments are drawn; they are collected, and written once.

    Args:
        path: its ending says what it becomes.

    Raises:
        InputError: another ending, a folder that is not there, or matplotlib is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_page = path.suffix.lower() in (".html", ".htm")
        if not self.is_page and path.suffix.lower() not in PICTURES:
            raise InputError(
                f"--alignments {path}: the ending must be .html, {', '.join(PICTURES[:-1])} or"
                f" {PICTURES[-1]}"
            )
        if not path.parent.is_dir():
            raise InputError(
                f"--alignments {path}: there is no folder {path.parent}; make it first"
            )
        if not self.is_page:
            _figure_class()
        self._kept: list[Alignment] = []
        self._count = 0

    def add(self, alignment: Alignment) -> None:
        """Keep one to be drawn, unless there are too many already."""
        self._count += 1
        if self._count <= (MOST_ON_PAGE if self.is_page else MOST_IN_PICTURE):
            self._kept.append(alignment)

    def write(self) -> None:
        """Draw what was added.

        Raises:
            OSError: it can't be written.
        """
        left_out = self._count - len(self._kept)
        note = f"the first {len(self._kept)} of {self._count:,}" if left_out else ""
        if self.is_page:
            write_text(self.path, as_page(self._kept, note))
            return
        figure = as_figure(self._kept, note)
        with atomic_path(self.path) as partial, warnings.catch_warnings():
            # A script that the font does not have is drawn as boxes; the page has the browser's.
            warnings.filterwarnings("ignore", "Glyph .* missing from")
            form = self.path.suffix.lower().removeprefix(".")
            figure.savefig(partial, dpi=130, format=form)


def as_figure(alignments: Sequence[Alignment], note: str = "") -> Any:
    """One panel below the other, as a matplotlib figure.

    Raises:
        InputError: matplotlib is not installed.
    """
    shown = [_cut(alignment) for alignment in alignments]
    heights = [len(each.translation) + 1 for each in shown] or [1]
    widths = [len(each.source) for each in shown] or [1]
    figure = _figure_class()(
        figsize=(_INCHES * max(widths) + 2.2, _INCHES * sum(heights) + 1.2 * len(heights)),
        layout="constrained",
    )
    if note:
        figure.suptitle(note, fontsize=8, x=0.01, ha="left")
    if not shown:
        figure.text(0.5, 0.5, "no lines", ha="center")
        return figure
    panels = figure.subplots(len(shown), squeeze=False, gridspec_kw={"height_ratios": heights})
    for axes, each in zip(panels[:, 0], shown, strict=True):
        # Zero is white and one is dark in all, so that panels compare.
        axes.imshow(each.weights, cmap="Blues", vmin=0, vmax=1)
        plain = {"fontsize": 8, "parse_math": False}
        axes.set_xticks(range(len(each.source)), each.source, rotation=90, **plain)
        axes.set_yticks(range(len(each.translation)), each.translation, **plain)
        axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
        axes.set_xticks(np.arange(-0.5, len(each.source)), minor=True)
        axes.set_yticks(np.arange(-0.5, len(each.translation)), minor=True)
        axes.grid(which="minor", color="0.9", linewidth=0.5)
        axes.tick_params(which="minor", length=0)
        axes.set_anchor("NW")
        for spine in axes.spines.values():
            spine.set_color("0.7")
    return figure


def as_page(alignments: Sequence[Alignment], note: str = "") -> str:
    """A table for each, as one HTML file that needs no other; a cell's title is its weight."""
    tables = "\n".join(_table(_cut(alignment)) for alignment in alignments)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Alignments</title>\n'
        f"<style>{_STYLE}</style></head><body>\n<h1>Alignments</h1>\n"
        "<p>The darker a cell, the more attention was on the word above as the word at the left"
        f" was written. {html.escape(note)}</p>\n{tables}\n</body></html>\n"
    )


def _table(alignment: Alignment) -> str:
    head = "".join(f"<th><span>{_escape(piece)}</span></th>" for piece in alignment.source)
    rows = [
        f"<tr><th>{_escape(piece)}</th>{''.join(map(_cell, weights.tolist()))}</tr>"
        for piece, weights in zip(alignment.translation, alignment.weights, strict=True)
    ]
    body = "\n".join(rows)
    return f"<table><thead><tr><th></th>{head}</tr></thead>\n<tbody>{body}</tbody></table>"


def _cell(weight: float) -> str:
    return f'<td style="background: rgba({_BLUE}, {weight:.2f})" title="{weight:.2f}"></td>'


def _escape(piece: str) -> str:
    return html.escape(piece.encode("utf-8", errors="replace").decode())


def _cut(alignment: Alignment) -> Alignment:
    """At most `MOST_PIECES` on a side."""
    if max(len(alignment.source), len(alignment.translation)) <= MOST_PIECES:
        return alignment
    return Alignment(
        alignment.source[:MOST_PIECES],
        alignment.translation[:MOST_PIECES],
        alignment.weights[:MOST_PIECES, :MOST_PIECES],
    )


def _figure_class() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_extra("a picture of alignments", "matplotlib", "plot") from error
    return Figure

"""Alignments as a figure or a page: the source across, the translation down.

Legend: S source pieces, T pieces of the translation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from elman.diagnostics.explanation import Alignment
from elman.errors import InputError
from elman.files import write_text
from elman.plots.page import render
from elman.plots.style import LIGHT, SUFFIXES, check_figure, new_figure

MOST_IN_PICTURE = 6
MOST_ON_PAGE = 300
MOST_PIECES = 80
"""A longer side is cut to this many pieces."""

_INCHES = 0.24


@final
class AlignmentFile:
    """A file of alignments, which are collected and written together; its suffix is the format."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_page = path.suffix.lower() in (".html", ".htm")
        flag = f"--alignments {path}"
        if not self.is_page and path.suffix.lower() not in SUFFIXES:
            *others, last = SUFFIXES
            raise InputError(f"{flag}: the name must end in .html, {', '.join(others)} or {last}")
        if not path.parent.is_dir():
            raise InputError(f"{flag}: there is no folder {path.parent}; create it first")
        if not self.is_page:
            check_figure(path)
        self._kept: list[Alignment] = []
        self._count = 0

    def add(self, alignment: Alignment) -> None:
        """Add an alignment; beyond a limit they are only counted."""
        self._count += 1
        if self._count <= (MOST_ON_PAGE if self.is_page else MOST_IN_PICTURE):
            self._kept.append(alignment)

    def write(self) -> None:
        """Write the file, whole or not at all."""
        left_out = self._count - len(self._kept)
        note = f"the first {len(self._kept)} of {self._count:,}" if left_out else ""
        if self.is_page:
            write_text(self.path, as_page(self._kept, note))
        else:
            pieces = [piece for each in self._kept for piece in (*each.source, *each.translation)]
            page = f"--alignments {self.path.with_suffix('.html')} shows them"
            with new_figure(self.path, texts=pieces, instead=page) as figure:
                draw(figure, self._kept, note)


def draw(figure: Any, alignments: Sequence[Alignment], note: str = "") -> None:
    """Draw a panel for each alignment on an empty figure."""
    shown = [_cut(alignment) for alignment in alignments]
    heights = [len(each.translation) + 1 for each in shown] or [1]
    widths = [len(each.source) for each in shown] or [1]
    height = _INCHES * sum(heights) + 1.2 * len(heights)
    figure.set_size_inches(_INCHES * max(widths) + 2.2, height)
    if note:
        figure.suptitle(note, fontsize=8, x=0.01, ha="left")
    if not shown:
        figure.text(0.5, 0.5, "no lines", ha="center")
        return
    panels = figure.subplots(len(shown), squeeze=False, gridspec_kw={"height_ratios": heights})
    for axes, each in zip(panels[:, 0], shown, strict=True):
        # The same scale in all panels, from white at 0 to dark at 1.
        axes.imshow(each.weights, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(each.source)), each.source, rotation=90)
        axes.set_yticks(range(len(each.translation)), each.translation)
        axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False)
        axes.set_xticks(np.arange(-0.5, len(each.source)), minor=True)
        axes.set_yticks(np.arange(-0.5, len(each.translation)), minor=True)
        axes.grid(visible=False)
        axes.grid(which="minor", axis="both", color=LIGHT, linewidth=0.5)
        axes.set_anchor("NW")


def as_page(alignments: Sequence[Alignment], note: str = "") -> str:
    """A page with a table for each alignment; the title of a cell is its weight."""
    shown = [_cut(alignment) for alignment in alignments]
    return render("alignment.html", title="Alignments", note=note, alignments=shown)


def _cut(alignment: Alignment) -> Alignment:
    """At most `MOST_PIECES` on a side."""
    return Alignment(
        alignment.source[:MOST_PIECES],
        alignment.translation[:MOST_PIECES],
        alignment.weights[:MOST_PIECES, :MOST_PIECES],
    )

"""Alignments as a figure or a page: the source across, the translation down.

Legend: S source pieces, T pieces of the translation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from elman.diagnostics.alignment import Alignment
from elman.errors import InputError
from elman.files import atomic_path, write_text
from elman.plots.page import render
from elman.plots.style import LIGHT, SUFFIXES, check_figure, style

MOST_IN_PICTURE = 6
MOST_ON_PAGE = 300
MOST_PIECES = 80
"""A longer side is cut to this many pieces."""

_INCHES = 0.24


@final
class AlignmentFile:
    """A file of alignments, which are collected and written together.

    Args:
        path: its suffix tells the format.

    Raises:
        InputError: an unknown suffix, a missing folder, or matplotlib is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_page = path.suffix.lower() in (".html", ".htm")
        if not self.is_page and path.suffix.lower() not in SUFFIXES:
            raise InputError(
                f"--alignments {path}: the name must end in .html, {', '.join(SUFFIXES[:-1])} or"
                f" {SUFFIXES[-1]}"
            )
        if not path.parent.is_dir():
            raise InputError(
                f"--alignments {path}: there is no folder {path.parent}; create it first"
            )
        if not self.is_page:
            check_figure(path)
        self._kept: list[Alignment] = []
        self._count = 0

    def add(self, alignment: Alignment) -> None:
        """Add an alignment, which is counted but not drawn if there are too many already."""
        self._count += 1
        if self._count <= (MOST_ON_PAGE if self.is_page else MOST_IN_PICTURE):
            self._kept.append(alignment)

    def write(self) -> None:
        """Write the file.

        Raises:
            OSError: it can't be written.
        """
        left_out = self._count - len(self._kept)
        note = f"the first {len(self._kept)} of {self._count:,}" if left_out else ""
        if self.is_page:
            write_text(self.path, as_page(self._kept, note))
            return
        with style():
            figure = as_figure(self._kept, note)
            with atomic_path(self.path) as partial:
                figure.savefig(partial, format=self.path.suffix[1:].lower())


def as_figure(alignments: Sequence[Alignment], note: str = "") -> Any:
    """A matplotlib figure with a panel for each alignment.

    Raises:
        InputError: matplotlib is not installed.
    """
    shown = [_cut(alignment) for alignment in alignments]
    heights = [len(each.translation) + 1 for each in shown] or [1]
    widths = [len(each.source) for each in shown] or [1]
    size = (_INCHES * max(widths) + 2.2, _INCHES * sum(heights) + 1.2 * len(heights))
    with style() as figure_class:
        figure = figure_class(figsize=size)
        if note:
            figure.suptitle(note, fontsize=8, x=0.01, ha="left")
        if not shown:
            figure.text(0.5, 0.5, "no lines", ha="center")
            return figure
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
    return figure


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

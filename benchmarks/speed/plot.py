"""Times over the bound, drawn: one panel for each number of threads, one column for each cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.speed.cells import CELLS, Mode
from benchmarks.speed.peers import OURS, PEERS
from benchmarks.speed.records import Match
from elman.files import atomic_path

MARKS = "ov^<>sPXDd*h"


def draw(path: Path, mode: Mode, matches: Sequence[Match]) -> None:
    """The fp32 matches of `mode` into a PNG; nothing where there are none."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    shown = [m for m in matches if m.cell.mode == mode and m.dtype == "fp32" and not m.cell.ragged]
    shown.sort(key=lambda match: CELLS.index(match.cell))
    threads = sorted({match.threads for match in shown})
    if not shown:
        return
    figure = Figure(figsize=(11, 1.2 + 3.6 * len(threads)), layout="constrained")
    panels = figure.subplots(len(threads), 1, squeeze=False)[:, 0]
    for axes, number in zip(panels, threads, strict=True):
        here = [match for match in shown if match.threads == number]
        for mark, label in zip(MARKS, PEERS, strict=True):
            points = [
                (place, match.timings[label].median / match.bound)
                for place, match in enumerate(here)
                if label in match.timed()
            ]
            if points:
                ours = label == OURS
                axes.plot(
                    *zip(*points, strict=True),
                    marker=mark,
                    linestyle="-" if ours else "none",
                    color="black" if ours else None,
                    linewidth=1,
                    markersize=7 if ours else 5,
                    zorder=3 if ours else 2,
                    label=label,
                )
        axes.axhline(1, color="0.4", linestyle="--", linewidth=1)
        names = [
            f"{match.cell.kind}\n{match.cell.shape.replace(' I', chr(10) + 'I')}" for match in here
        ]
        axes.set_xticks(range(len(here)), names, fontsize=7)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylabel("time / bound")
        axes.set_title(f"{mode}, {number} {'thread' if number == 1 else 'threads'}, fp32")
        axes.grid(alpha=0.3, which="both", axis="y")
        axes.legend(fontsize=7, ncols=2, loc="best")
    FigureCanvasAgg(figure)
    with atomic_path(path) as partial:
        figure.savefig(partial, format="png", dpi=110)

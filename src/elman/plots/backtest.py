"""The picture of a backtest: errors by step beside the baselines, and whether intervals hold.

Legend: L horizon.
"""

from __future__ import annotations

import math
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from elman.evaluation.backtest.backtest import Backtest
from elman.evaluation.backtest.metrics import INTERVALS
from elman.evaluation.backtest.report import verdict
from elman.files import atomic_path
from elman.plots.forecast import FAN, INK, check_picture, dress

# Okabe and Ito's palette, which color-blind people can tell apart; dashes differ as well.
COLORS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ((0, (4, 2)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (7, 2)), (0, (2, 2)), (0, (3, 1)))

COVERED = ("#56B4E9", "#0072B2", "#00344f")


def draw_backtest(path: Path, found: Backtest) -> None:
    """Draw the error by step of the horizon, the error of each cut, and the coverage.

    Raises:
        InputError: a suffix other than .png, .svg and .pdf, or matplotlib is missing.
    """
    check_picture(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    covers = f"coverage of {INTERVALS[0]} %" in found.tally.scores(found.model)
    columns = 3 if covers else 2
    figure = Figure(figsize=(4.6 * columns, 4.3), layout="constrained")
    grid = figure.subplots(1, columns, squeeze=False)[0]
    metric = "MASE" if not math.isnan(found.tally.scores(found.model)["MASE"][0]) else "MAE"
    _by_step(grid[0], found, metric)
    _by_cut(grid[1], found, metric)
    if covers:
        _coverage(grid[2], found)
    figure.suptitle(fill(verdict(found)[0], 44 * columns), x=0.01, ha="left", fontsize=10.5)
    FigureCanvasAgg(figure)
    with atomic_path(path) as partial:
        figure.savefig(partial, format=path.suffix[1:].lower(), dpi=150)


def _by_step(axes: Any, found: Backtest, metric: str) -> None:
    ahead = np.arange(1, found.horizon + 1)
    marker = "o" if found.horizon == 1 else ""
    for place, name in enumerate(found.baselines):
        style = {"color": COLORS[place % len(COLORS)], "linestyle": DASHES[place % len(DASHES)]}
        errors = found.tally.scores(name)[metric][1]
        axes.plot(ahead, errors, linewidth=1.3, marker=marker, label=name, **style)
    errors = found.tally.scores(found.model)[metric][1]
    axes.plot(ahead, errors, color=FAN, linewidth=2.2, marker=marker, label=found.model)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("steps ahead", fontsize=8.5, color="0.35")
    axes.xaxis.get_major_locator().set_params(integer=True)
    dress(axes, f"{metric} by step")
    axes.legend(frameon=False, fontsize=8, loc="lower right", handlelength=2.6)


def _by_cut(axes: Any, found: Backtest, metric: str) -> None:
    cuts = np.arange(1, found.cuts + 1)
    own = found.tally.loss_by_cut(found.model, metric)
    naive = found.tally.loss_by_cut(found.baselines[0], metric)
    gain = naive - own
    axes.bar(cuts, np.where(gain >= 0, gain, 0), width=0.85, color=FAN, label="better")
    axes.bar(cuts, np.where(gain < 0, gain, 0), width=0.85, color=COLORS[0], label="worse")
    axes.axhline(0, color="0.5", linewidth=0.8)
    axes.axhline(
        float(np.nanmean(gain)), color=INK, linewidth=1.1, linestyle=(0, (4, 2)), label="mean"
    )
    axes.set_xlabel("cut, oldest first", fontsize=8.5, color="0.35")
    axes.xaxis.get_major_locator().set_params(integer=True)
    dress(axes, f"less {metric} than naive, cut by cut")
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="upper left", handlelength=1.4)


def _coverage(axes: Any, found: Backtest) -> None:
    scores = found.tally.scores(found.model)
    ahead = np.arange(1, found.horizon + 1)
    for percent, color in zip(INTERVALS, COVERED, strict=True):
        metric = f"coverage of {percent} %"
        if metric not in scores:
            continue
        overall, steps = scores[metric]
        axes.axhline(percent, color=color, linewidth=1.0, linestyle=(0, (3, 2)))
        name = f"{percent} % interval: {overall:.1f} %"
        axes.plot(ahead, steps, color=color, linewidth=1.8, marker="o", markersize=2.5, label=name)
    axes.set_ylim(0, 103)
    axes.set_xlabel("steps ahead", fontsize=8.5, color="0.35")
    axes.xaxis.get_major_locator().set_params(integer=True)
    dress(axes, "values inside the intervals, % (dashed: as promised)")
    axes.legend(frameon=False, fontsize=8, loc="lower right", reverse=True)

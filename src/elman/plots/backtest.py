"""The figure of a backtest: errors beside those of the baselines, and coverage of intervals.

Legend: L horizon.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import Any, Literal

import numpy as np

from elman.evaluation.backtest.backtest import Backtest
from elman.evaluation.backtest.metrics import INTERVALS
from elman.evaluation.backtest.report import headline, point_metric
from elman.plots import style

COLORS = (style.RED, style.GREEN, style.PURPLE, style.ORANGE, style.SKY, style.BLACK)
DASHES = ((0, (4, 2)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (7, 2)), (0, (2, 2)), (0, (3, 1)))
COVERAGE = (style.SKY, style.BLUE, "#00344f")


def draw_backtest(path: Path, found: Backtest) -> None:
    """Draw the error by step of the horizon, the gain at each origin, and the coverage.

    Raises:
        InputError: an unknown suffix, or matplotlib is missing.
    """
    style.check_figure(path)
    scores = found.tally.scores(found.model)
    panels = [_by_step, _gained]
    if f"coverage of {INTERVALS[0]} %" in scores:
        panels.append(_coverage)
    metric = point_metric(found)
    said = [line for place, line in enumerate(headline(found)) if not place or line[:4] == "but "]
    with style.new_figure(path, (4.6 * len(panels), 4.3)) as figure:
        grid = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, draw in zip(grid, panels, strict=True):
            draw(axes, found, metric)
            style.whole_numbers(axes)
        title = "\n".join(fill(line, 44 * len(panels)) for line in said)
        figure.suptitle(title, x=0.01, ha="left", fontsize=10.5)


def _by_step(axes: Any, found: Backtest, metric: str) -> None:
    ahead = np.arange(1, found.horizon + 1)
    marker = "o" if found.horizon == 1 else ""
    for place, name in enumerate(found.baselines):
        dash = {"color": COLORS[place % len(COLORS)], "linestyle": DASHES[place % len(DASHES)]}
        errors = found.tally.scores(name)[metric][1]
        axes.plot(ahead, errors, linewidth=1.3, marker=marker, label=name, **dash)
    errors = found.tally.scores(found.model)[metric][1]
    axes.plot(ahead, errors, color=style.BLUE, linewidth=2.2, marker=marker, label=found.model)
    axes.set_ylim(bottom=0)
    axes.set(xlabel="steps ahead", title=f"{metric} by step")
    axes.legend(handlelength=2.6)


def _gained(axes: Any, found: Backtest, metric: str) -> None:
    """What is gained over naive at each forecast origin, or of each series at the only origin."""
    alone = found.origins == 1 and found.tally.series > 1
    key: Literal["series", "origin"] = "series" if alone else "origin"
    own = found.tally.scores_by(key, found.model)[metric]
    gain = found.tally.scores_by(key, found.baselines[0])[metric] - own
    places = np.arange(1, len(gain) + 1)
    axes.bar(places, np.where(gain >= 0, gain, 0), width=0.85, color=style.BLUE, label="better")
    axes.bar(places, np.where(gain < 0, gain, 0), width=0.85, color=style.RED, label="worse")
    axes.axhline(0, color="0.5", linewidth=0.8)
    mean = float(np.nanmean(gain))
    axes.axhline(mean, color=style.INK, linewidth=1.1, linestyle=DASHES[0], label="mean")
    along = "series, at the only forecast origin" if alone else "forecast origin, oldest first"
    axes.set(xlabel=along, title=f"{metric} gained over naive, by {key}")
    axes.margins(y=0.15)
    axes.legend(ncols=3, loc="upper left", handlelength=1.4)


def _coverage(axes: Any, found: Backtest, metric: str) -> None:
    scores = found.tally.scores(found.model)
    ahead = np.arange(1, found.horizon + 1)
    for percent, color in zip(INTERVALS, COVERAGE, strict=True):
        if (name := f"coverage of {percent} %") not in scores:
            continue
        overall, steps = scores[name]
        axes.axhline(percent, color=color, linewidth=1.0, linestyle=(0, (3, 2)))
        label = f"{percent} % interval: {overall:.1f} %"
        axes.plot(ahead, steps, color=color, linewidth=1.8, marker="o", markersize=2.5, label=label)
    axes.set_ylim(0, 103)
    axes.set(xlabel="steps ahead", title="coverage of intervals, % (dashed: nominal)")
    axes.legend(loc="lower right", reverse=True)

"""The picture of a study: the longest lag of each cell, and its scores on the way there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import fill
from typing import Any

from elman.data.memory import PROBLEMS
from elman.files import atomic_path
from elman.studies.probe.probe import Plan
from elman.studies.probe.report import points, reach
from elman.studies.probe.trials import Result, Trial

# Okabe and Ito's palette, which color-blind people can tell apart; markers differ as well.
COLORS = ("#0072B2", "#56B4E9", "#CC79A7", "#E69F00", "#D55E00", "#009E73", "#000000", "#999999")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def plot(path: Path, plan: Plan, done: Mapping[Trial, Result]) -> None:
    """Draw a column for each problem: scores against the lag above, the longest lags below.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = len(plan.problems)
    height = 3.3 + 0.6 + 0.32 * len(plan.cells)
    figure = Figure(figsize=(max(5.2 * columns, 6.5), height + 0.6), layout="constrained")
    grid = figure.subplots(
        2, columns, squeeze=False, height_ratios=[3.3, 0.6 + 0.32 * len(plan.cells)]
    )
    for column, problem in enumerate(plan.problems):
        _scores(grid[0, column], plan, done, problem)
        _longest(grid[1, column], plan, done, problem, names=column == 0)
    FigureCanvasAgg(figure)
    with atomic_path(path) as partial:
        figure.savefig(partial, format="png", dpi=150)


def _scores(axes: Any, plan: Plan, done: Mapping[Trial, Result], name: str) -> None:
    problem = PROBLEMS[name]
    for index, cell in enumerate(plan.cells):
        found = points(plan, done, name, cell)
        color, marker = COLORS[index % len(COLORS)], MARKERS[index % len(MARKERS)]
        lags = [point.lag for point in found]
        axes.plot(lags, [p.middle for p in found], color=color, marker=marker, markersize=5)
        for point in found:
            alone = [point.lag] * len(point.scores)
            axes.scatter(alone, point.scores, color=color, s=7, alpha=0.35, linewidths=0)
    axes.axhline(problem.mastered, color="0.35", linestyle="--", linewidth=1)
    axes.axhline(problem.guess, color="0.35", linestyle=":", linewidth=1)
    # Labels keep to the side of their line where the points are not.
    below, above = (-9, 3)
    for value, what, shift in (
        (problem.mastered, "mastered", below if problem.counts_up else above),
        (problem.guess, "guessing", above if problem.counts_up else below),
    ):
        axes.annotate(
            what, (1, value), xycoords=("axes fraction", "data"), xytext=(-4, shift),
            textcoords="offset points", ha="right", fontsize=8, color="0.25",
        )  # fmt: skip
    axes.set_xscale("log")
    if not problem.counts_up:
        axes.set_yscale("log")
    _lag_axis(axes, plan)
    axes.set_title(fill(f"{name}: {problem.summary}", 52), fontsize=9)
    axes.set_ylabel(problem.metric)
    axes.grid(alpha=0.25)


def _longest(
    axes: Any, plan: Plan, done: Mapping[Trial, Result], name: str, *, names: bool
) -> None:
    begin = _begin(plan)
    for index, cell in enumerate(plan.cells):
        found = reach(plan, done, name, cell)
        length = max(found.longest, begin)
        axes.barh(index, length - begin, left=begin, color=COLORS[index % len(COLORS)], height=0.7)
        axes.annotate(
            str(found), (length, index), xytext=(4, 0), textcoords="offset points", va="center",
            fontsize=8,
        )  # fmt: skip
    axes.set_xscale("log")
    _lag_axis(axes, plan)
    axes.set_yticks(range(len(plan.cells)), plan.cells if names else [""] * len(plan.cells))
    axes.invert_yaxis()
    axes.set_xlabel(f"longest lag mastered ({PROBLEMS[name].lag})", fontsize=9)
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _lag_axis(axes: Any, plan: Plan) -> None:
    axes.set_xticks(plan.lags, [str(lag) for lag in plan.lags])
    axes.set_xticks([], minor=True)
    axes.set_xlim(_begin(plan), plan.lags[-1] * 2.2)


def _begin(plan: Plan) -> float:
    """Where the axis of lags begins, so that the shortest has a bar."""
    return plan.lags[0] / 2

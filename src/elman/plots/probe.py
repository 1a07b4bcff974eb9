"""The figure of a probe: the scores of each cell by lag, and the longest lag it masters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from textwrap import fill
from typing import Any

from elman.data.memory import PROBLEMS
from elman.plots import style

COLORS = (
    *(style.BLUE, style.SKY, style.PURPLE, style.ORANGE, style.RED, style.GREEN, style.BLACK),
    "#999999",
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


@dataclass(frozen=True)
class CellScores:
    """The results of one cell on one problem: the scores of all seeds by lag, the longest lag
    mastered (0 for none), and a label for it, such as "≥ 200".
    """

    cell: str
    scores: Mapping[int, Sequence[float]]
    longest: int
    label: str


def draw_probe(
    path: Path, lags: Sequence[int], problems: Mapping[str, Sequence[CellScores]]
) -> None:
    """Draw a column for each problem: scores by lag above, longest lags below.

    `lags` are those planned, ascending; `problems` has the results of each cell by problem.
    """
    cells = max(map(len, problems.values()))
    heights = [3.3, 0.6 + 0.32 * cells]
    with style.new_figure(path, (max(5.2 * len(problems), 6.5), sum(heights) + 0.6)) as figure:
        grid = figure.subplots(2, len(problems), squeeze=False, height_ratios=heights)
        for column, (name, results) in enumerate(problems.items()):
            _scores(grid[0, column], name, lags, results)
            _longest(grid[1, column], name, lags, results, names=column == 0)


def _scores(axes: Any, name: str, lags: Sequence[int], results: Sequence[CellScores]) -> None:
    problem = PROBLEMS[name]
    for index, one in enumerate(results):
        color, marker = COLORS[index % len(COLORS)], MARKERS[index % len(MARKERS)]
        medians = [median(scores) for scores in one.scores.values()]
        axes.plot(list(one.scores), medians, color=color, marker=marker, markersize=5)
        for lag, scores in one.scores.items():
            axes.scatter([lag] * len(scores), scores, color=color, s=7, alpha=0.35, linewidths=0)
    # Labels are on the side of their line where the points are not.
    style.label_line(axes, problem.mastered, "mastered", below=problem.counts_up)
    style.label_line(axes, problem.guess, "guessing", below=not problem.counts_up)
    if not problem.counts_up:
        style.log_scale(axes, "y")
    _lag_axis(axes, lags)
    axes.set_title(fill(f"{name}: {problem.summary}", 52), fontsize=9)
    axes.set_ylabel(problem.metric)


def _longest(
    axes: Any, name: str, lags: Sequence[int], results: Sequence[CellScores], *, names: bool
) -> None:
    begin = lags[0] / 2  # so that the shortest lag has a bar
    for index, one in enumerate(results):
        length = max(one.longest, begin)
        axes.barh(index, length - begin, left=begin, color=COLORS[index % len(COLORS)], height=0.7)
        axes.annotate(
            one.label, (length, index), xytext=(4, 0), textcoords="offset points", va="center",
            fontsize=8, color=style.GREY,
        )  # fmt: skip
    _lag_axis(axes, lags)
    axes.set_yticks(range(len(results)), [one.cell if names else "" for one in results])
    axes.invert_yaxis()
    axes.set_xlabel(f"longest lag mastered ({PROBLEMS[name].lag})")
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x")


def _lag_axis(axes: Any, lags: Sequence[int]) -> None:
    style.log_scale(axes, "x")
    axes.set_xticks(lags, [str(lag) for lag in lags])
    axes.set_xticks([], minor=True)
    axes.set_xlim(lags[0] / 2, lags[-1] * 2.2)

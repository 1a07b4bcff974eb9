"""What a study of cells says: the longest lag that each masters, as numbers and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from elman.data.memory import PROBLEMS
from elman.plots.probe import CellScores
from elman.studies.probe.probe import Plan, is_mastered
from elman.studies.probe.trials import Result, Trial


@dataclass(frozen=True)
class Reach:
    """How far back one cell remembers in one problem.

    Attributes:
        longest: the longest lag mastered, all shorter ones mastered too; 0 for none.
        learning_rate: at which (of several, the first); None where none is mastered.
        at_least: whether it was the last lag of the plan, so that the true one may be longer.
        seconds: of all trainings of this cell and problem.
    """

    problem: str
    cell: str
    longest: int
    learning_rate: float | None
    at_least: bool
    seconds: float

    def __str__(self) -> str:
        if not self.longest:
            return "none"
        return f"≥ {self.longest}" if self.at_least else str(self.longest)


@dataclass(frozen=True)
class Point:
    """The scores of one cell at one lag, at the learning rate with the best median.

    Attributes:
        middle: the median over the seeds.
        scores: one for each seed; a training that diverged counts as guessing.
        mastered: whether most of the seeds master it at some learning rate.
    """

    lag: int
    middle: float
    scores: tuple[float, ...]
    mastered: bool


def relevant(plan: Plan, done: Mapping[Trial, Result]) -> list[Result]:
    """The results of the plan's own trials, in its order."""
    return [
        done[trial]
        for climb in plan.climbs()
        for lag in plan.lags
        for trial in plan.trials(*climb, lag)
        if trial in done
    ]


def reach(plan: Plan, done: Mapping[Trial, Result], problem: str, cell: str) -> Reach:
    """The longest lag that `cell` masters at any learning rate."""
    longest, best = 0, None
    for rate in plan.learning_rates:
        mastered = 0
        for lag in plan.lags:
            results = _complete(plan, done, (problem, cell, rate), lag)
            if not results or not is_mastered(results):
                break
            mastered = lag
        if mastered > longest:
            longest, best = mastered, rate
    seconds = sum(r.seconds for t, r in done.items() if (t.problem, t.cell) == (problem, cell))
    return Reach(problem, cell, longest, best, longest == plan.lags[-1], round(seconds, 1))


def points(plan: Plan, done: Mapping[Trial, Result], problem: str, cell: str) -> list[Point]:
    """The scores of a cell at each lag that all seeds were trained at."""
    kind = PROBLEMS[problem]
    found = []
    for lag in plan.lags:
        climbs = [(problem, cell, rate) for rate in plan.learning_rates]
        tried = [results for climb in climbs if (results := _complete(plan, done, climb, lag))]
        scores = [
            tuple(kind.guess if r.score is None else r.score for r in results) for results in tried
        ]
        if scores:
            best = (max if kind.counts_up else min)(scores, key=median)
            found.append(Point(lag, median(best), best, any(map(is_mastered, tried))))
    return found


def cell_scores(plan: Plan, done: Mapping[Trial, Result]) -> dict[str, list[CellScores]]:
    """The results by problem and cell, as `elman.plots.probe.draw_probe` takes them."""
    return {
        problem: [
            CellScores(
                cell,
                {point.lag: point.scores for point in points(plan, done, problem, cell)},
                (longest := reach(plan, done, problem, cell)).longest,
                str(longest),
            )
            for cell in plan.cells
        ]
        for problem in plan.problems
    }


_OF_PROBLEM = ("summary", "lag", "metric", "guess", "mastered")


def summary(plan: Plan, done: Mapping[Trial, Result]) -> dict[str, Any]:
    """What results.json says before its rows."""
    return {
        "problems": {
            name: {key: getattr(PROBLEMS[name], key) for key in _OF_PROBLEM}
            for name in plan.problems
        },
        "longest": [
            asdict(reach(plan, done, problem, cell))
            for problem in plan.problems
            for cell in plan.cells
        ],
    }


def table(plan: Plan, done: Mapping[Trial, Result]) -> list[str]:
    """Lines for a terminal: a block for each problem, a row a cell, a column a lag."""
    lines: list[str] = []
    width = max(len(cell) for cell in (*plan.cells, "cell"))
    for name in plan.problems:
        problem = PROBLEMS[name]
        bound = "at least" if problem.counts_up else "at most"
        mastered = f"{problem.mastered:.3g}; median {problem.metric}, seeds: {plan.seeds}"
        lines += [
            f"{name}: {problem.summary}",
            f"lag: {problem.lag}; guessing {problem.guess:.3g}, * mastered, {bound} {mastered}",
            f"{'cell':<{width}} {'longest':>8} " + "".join(f"{lag:>9}" for lag in plan.lags),
        ]
        for cell in plan.cells:
            scores = {point.lag: point for point in points(plan, done, name, cell)}
            row = "".join(
                f"{scores[lag].middle:>8.3f}{'*' if scores[lag].mastered else ' '}"
                if lag in scores
                else f"{'·':>8} "
                for lag in plan.lags
            )
            lines.append(f"{cell:<{width}} {reach(plan, done, name, cell)!s:>8} {row}".rstrip())
        lines.append("")
    return lines[:-1]


def _complete(
    plan: Plan, done: Mapping[Trial, Result], climb: tuple[str, str, float], lag: int
) -> Sequence[Result]:
    """The results of all seeds, or none while one is missing."""
    trials = plan.trials(*climb, lag)
    return [done[trial] for trial in trials] if all(trial in done for trial in trials) else []

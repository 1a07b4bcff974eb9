"""What a study says of made-up results: the longest lags, the table, the picture."""

from pathlib import Path

import pytest
from PIL import Image

from elman.plots.probe import draw_probe
from elman.studies.probe.probe import Plan
from elman.studies.probe.report import cell_scores, points, reach, relevant, summary, table
from elman.studies.probe.trials import Result, Trial

PLAN = Plan(("recall", "adding"), ("rnn", "lstm"), (0.01, 0.003), (10, 20, 50), 3)
# problem, cell, rate: the scores of three seeds at each lag that was tried
SCORES: dict[tuple[str, str, float], list[tuple[float | None, ...]]] = {
    ("recall", "rnn", 0.01): [(1.0, 0.99, 0.2), (0.3, 0.96, 0.2)],
    ("recall", "rnn", 0.003): [(0.2, 0.3, None)],
    ("recall", "lstm", 0.01): [(1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (0.96, 0.97, 0.1)],
    ("recall", "lstm", 0.003): [(1.0, 1.0, 1.0), (0.3, 0.3, 0.3)],
    ("adding", "rnn", 0.01): [(0.2, 0.1, 0.01)],
    ("adding", "rnn", 0.003): [(0.17, 0.16, 0.15)],
    ("adding", "lstm", 0.01): [(0.01, 0.01, 0.01), (0.2, 0.2, 0.2)],
    ("adding", "lstm", 0.003): [(0.001, 0.002, 0.003), (0.016, 0.015, 0.02)],
}


def mastered(problem: str, score: float | None) -> bool:
    if score is None:
        return False
    return score >= 0.95 if problem == "recall" else score <= 1 / 60


DONE = {
    trial: Result(trial, score, mastered(problem, score), 100, "max_steps", 1.5)
    for (problem, cell, rate), rows in SCORES.items()
    for lag, scores in zip(PLAN.lags, rows, strict=False)
    for seed, score in enumerate(scores)
    for trial in [Trial(problem, cell, rate, lag, seed)]
}


@pytest.mark.parametrize(
    ("problem", "cell", "longest", "rate", "said"),
    [
        ("recall", "rnn", 10, 0.01, "10"),
        ("recall", "lstm", 50, 0.01, "≥ 50"),
        ("adding", "rnn", 0, None, "none"),
        ("adding", "lstm", 20, 0.003, "20"),
    ],
)
def test_the_longest_lag_of_the_best_rate(
    problem: str, cell: str, longest: int, rate: float | None, said: str
) -> None:
    found = reach(PLAN, DONE, problem, cell)
    assert (found.longest, found.learning_rate, str(found)) == (longest, rate, said)
    rows = [row for key, row in SCORES.items() if key[:2] == (problem, cell)]
    assert found.seconds == 1.5 * 3 * sum(map(len, rows))


def test_a_lag_counts_once_all_its_seeds_are_done() -> None:
    fewer = {trial: one for trial, one in DONE.items() if (trial.lag, trial.seed) != (50, 2)}
    found = reach(PLAN, fewer, "recall", "lstm")
    assert (found.longest, found.at_least) == (20, False)
    assert [point.lag for point in points(PLAN, fewer, "recall", "lstm")] == [10, 20]


def test_the_scores_are_those_of_the_better_rate() -> None:
    first, second = points(PLAN, DONE, "recall", "rnn")
    assert (first.middle, first.scores, first.mastered) == (0.99, (1.0, 0.99, 0.2), True)
    assert (second.middle, second.mastered) == (0.3, False)
    assert [p.middle for p in points(PLAN, DONE, "adding", "lstm")] == [0.002, 0.016]


def test_a_training_that_diverged_counts_as_guessing() -> None:
    plan = Plan(("recall",), ("rnn",), (0.003,), (10,), 3)
    assert points(plan, DONE, "recall", "rnn")[0].scores == (0.2, 0.3, 1 / 8)


def test_the_table_says_it_all() -> None:
    after_recall = "guessing 0.125, * mastered, at least 0.95; median accuracy, seeds: 3"
    after_adding = "guessing 0.167, * mastered, at most 0.0167; median squared error, seeds: 3"
    assert table(PLAN, DONE) == [
        "recall: name the first symbol, one of 8, after as many distractors as the lag",
        f"lag: steps from the symbol to the answer; {after_recall}",
        "cell  longest        10       20       50",
        "rnn        10    0.990*   0.300        ·",
        "lstm     ≥ 50    1.000*   1.000*   0.960*",
        "",
        "adding: add two marked numbers of a sequence, one in each half",
        f"lag: length of the sequence; {after_adding}",
        "cell  longest        10       20       50",
        "rnn      none    0.100        ·        ·",
        "lstm       20    0.002*   0.016*       ·",
    ]


def test_the_summary_has_what_a_reader_needs() -> None:
    tree = summary(PLAN, DONE)
    assert tree["problems"]["adding"]["guess"] == 1 / 6
    assert [(row["cell"], row["longest"]) for row in tree["longest"]] == [
        *(("rnn", 10), ("lstm", 50)),
        *(("rnn", 0), ("lstm", 20)),
    ]
    other = Trial("recall", "gru", 0.01, 10, 0)
    more = {other: Result(other, 1.0, True, 1, "solved", 1.0), **DONE}
    assert relevant(PLAN, more) == list(DONE.values())


def test_the_figure_is_drawn_in_each_cells_color(tmp_path: Path) -> None:
    draw_probe(tmp_path / "probe.png", PLAN.lags, cell_scores(PLAN, DONE))
    with Image.open(tmp_path / "probe.png") as image:
        colors = {color for _, color in image.convert("RGB").getcolors(1 << 20)}
    assert {(0x00, 0x72, 0xB2), (0x56, 0xB4, 0xE9)} <= colors
    draw_probe(tmp_path / "none.png", PLAN.lags, cell_scores(PLAN, {}))  # nothing is done yet

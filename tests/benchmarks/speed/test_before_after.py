"""Two checkouts compared: what is run, and how a line of the table is judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.speed.before_after import AIM, COLUMNS, Side, Work, data, row, timed_work, trainings
from elman.errors import InputError, RunFailed
from elman.tasks.runs import task_class

CHECKOUT = Path(__file__).parents[3]


def test_a_line_is_judged_by_the_median_ratio() -> None:
    slow = row("x", "process", {"before": [1.0, 1.0, 9.0], "after": [1.1, 1.1, 1.0]})
    assert dict(zip(COLUMNS, slow, strict=True))["after / before"] == "1.100"
    assert slow[-1] == "missed"
    assert row("x", "inside", {"before": [1.0], "after": [AIM]})[-1] == "met"


def test_every_task_is_trained_and_timed(tmp_path: Path) -> None:
    files = data(tmp_path)
    assert 18_000 < files["text"].stat().st_size < 26_000
    made = {work.arguments[1] for work in trainings(files)}
    for task in made:
        task_class(task)
    used = {work.arguments[1].removeprefix("{run}/") for work in timed_work(files)}
    assert used == made == {"language-model", "classify", "translation", "forecast"}
    again = tmp_path / "again"
    again.mkdir()
    assert data(again)["series"].read_text() == files["series"].read_text()


def test_a_folder_that_is_no_checkout(tmp_path: Path) -> None:
    with pytest.raises((InputError, RunFailed)):
        Side("before", tmp_path, tmp_path, 1)


@pytest.mark.slow
def test_a_command_runs_in_both_ways(tmp_path: Path) -> None:
    wrong = Work("wrong", ("predict", "{run}/nothing"))
    with Side("after", CHECKOUT, tmp_path, 1) as side:
        for run in (side.inside, side.as_process):
            run(Work("info", ("info",)))
            with pytest.raises(RunFailed, match="after"):
                run(wrong)

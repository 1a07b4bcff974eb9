"""Which trials come next, what each leaves behind, and the same results on any way to them."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from elman.data.memory import PROBLEMS
from elman.errors import InputError
from elman.predictors.memory import MemoryPredictor
from elman.predictors.predictor import load
from elman.settings import Options
from elman.studies.probe import probe
from elman.studies.probe.probe import CELLS, Plan, configured, is_mastered, train_trial, upcoming
from elman.studies.probe.report import relevant
from elman.studies.probe.trials import Result, Study, Trial
from elman.tasks.memory.task import MemoryTask

PLAN = Plan(("recall",), ("rnn", "gru"), (0.01,), (5, 10, 20), 3)
TINY: dict[str, Any] = {
    "max_steps": 40,
    "eval_every": 20,
    "eval_sequences": 20,
    "hidden_size": 6,
    "batch_size": 4,
    "threads": 1,
}


def result(trial: Trial, mastered: bool) -> Result:
    return Result(trial, 0.96 if mastered else 0.2, mastered, 1, "max_steps", 0.0)


def done(plan: Plan, cell: str, lag: int, mastered: int) -> dict[Trial, Result]:
    """All seeds of a cell at a lag, the first of which master it."""
    trials = plan.trials("recall", cell, 0.01, lag)
    return {trial: result(trial, trial.seed < mastered) for trial in trials}


def places(trials: list[Trial]) -> list[tuple[str, int, int]]:
    return [(trial.cell, trial.lag, trial.seed) for trial in trials]


def test_every_climb_begins_at_the_first_lag() -> None:
    assert places(upcoming(PLAN, {})) == [
        (cell, 5, seed) for cell in ("rnn", "gru") for seed in range(3)
    ]


def test_most_seeds_take_a_cell_further_and_the_longest_lag_is_first() -> None:
    results = done(PLAN, "rnn", 5, 1) | done(PLAN, "gru", 5, 2)
    assert places(upcoming(PLAN, results)) == [("gru", 10, seed) for seed in range(3)]
    results = done(PLAN, "gru", 5, 3)
    assert [lag for _, lag, _ in places(upcoming(PLAN, results))] == [10, 10, 10, 5, 5, 5]


def test_a_lag_waits_for_all_seeds_of_the_one_before() -> None:
    results = done(PLAN, "rnn", 5, 0) | done(PLAN, "gru", 5, 3)
    del results[Trial("recall", "gru", 0.01, 5, 2)]
    assert places(upcoming(PLAN, results)) == [("gru", 5, 2)]


def test_nothing_comes_after_a_failure_or_the_last_lag() -> None:
    results = done(PLAN, "rnn", 5, 1)
    for lag in PLAN.lags:
        results |= done(PLAN, "gru", lag, 3)
    assert upcoming(PLAN, results) == []


def test_learning_rates_climb_by_themselves() -> None:
    plan = replace(PLAN, cells=("rnn",), learning_rates=(0.01, 0.003))
    results = done(plan, "rnn", 5, 0)
    assert {trial.learning_rate for trial in upcoming(plan, results)} == {0.003}


def test_most_is_more_than_half() -> None:
    for seeds, mastered, enough in ((3, 1, False), (3, 2, True), (2, 1, False), (1, 1, True)):
        trials = [Trial("recall", "rnn", 0.01, 5, seed) for seed in range(seeds)]
        assert is_mastered([result(trial, trial.seed < mastered) for trial in trials]) == enough


@pytest.mark.parametrize("cell", CELLS)
def test_each_name_is_a_cell_with_its_start(cell: str, tmp_path: Path) -> None:
    config = configured(Trial("adding", cell, 0.01, 40, 3), TINY)
    assert (config.problem, config.lag, config.seed, config.max_steps) == ("adding", 40, 3, 40)
    assert config.chrono == (40 if cell.endswith("chrono") else None)
    assert config.cell == {"rnn-relu-identity": "rnn-relu"}.get(cell, cell.partition("-")[0])
    Study.open(tmp_path, TINY)
    short = TINY | {"max_steps": 2}
    assert train_trial(tmp_path, short, Trial("recall", cell, 0.01, 3, 0)).updates == 2


def test_a_trial_leaves_a_predictor(tmp_path: Path) -> None:
    study = Study.open(tmp_path, TINY)
    trial = Trial("recall", "gru-chrono", 0.02, 2, 1)
    found = train_trial(tmp_path, TINY, trial)
    assert study.results() == {trial: found}
    predictor = load(tmp_path / trial.folder)
    assert isinstance(predictor, MemoryPredictor)
    task = MemoryTask(configured(trial, TINY), PROBLEMS["recall"])
    assert task.evaluate(predictor, None, Options()).scores[0].value == found.score
    assert found.mastered == (found.score is not None and found.score >= 0.95)
    assert found.updates in (20, 40)
    left = {path.name for path in (tmp_path / trial.folder).iterdir()}
    assert left == {"predictor.json", "model.safetensors", "result.json"}


def test_a_training_that_diverges_is_a_failure_of_the_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = torch.tensor(float("nan"), requires_grad=True)
    monkeypatch.setattr("elman.tasks.memory.objective.answer_loss", lambda *_: loss * 1)
    Study.open(tmp_path, TINY)
    found = train_trial(tmp_path, TINY, Trial("recall", "rnn", 0.01, 5, 0))
    assert (found.score, found.mastered, found.updates, found.ended) == (None, False, 1, "diverged")


def bare(results: Mapping[Trial, Result]) -> dict[Trial, Result]:
    return {trial: replace(one, seconds=0.0) for trial, one in results.items()}


def begun_and_killed(path: Path, plan: Plan) -> None:
    """A study in a process of its own, killed as soon as its first training is done."""
    script = path.with_suffix(".py")
    script.write_text(
        "from pathlib import Path\n"
        "from elman.studies.probe.probe import Plan, run\n"
        "from elman.studies.probe.trials import Study\n"
        "if __name__ == '__main__':\n"
        f"    list(run(Study.open(Path({str(path)!r}), {TINY!r}), {plan!r}, 2))\n"
    )
    process = subprocess.Popen([sys.executable, str(script)])
    try:
        while process.poll() is None and not any(path.rglob("seed-*/result.json")):
            time.sleep(0.002)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_the_same_results_with_any_number_of_processes_and_after_a_kill(tmp_path: Path) -> None:
    plan = Plan(("recall",), ("rnn", "gru"), (0.02,), (1, 4), 4)
    one = Study.open(tmp_path / "one", TINY)
    while trials := upcoming(plan, one.results()):
        train_trial(one.path, TINY, trials[-1])
    begun_and_killed(tmp_path / "two", plan)
    two = Study.open(tmp_path / "two", TINY)
    (two.path / "recall/rnn/rate-0.02/lag-1/.seed-0.1.partial").mkdir(parents=True, exist_ok=True)
    began = {trial: (two.path / trial.folder).stat().st_mtime_ns for trial in two.results()}
    assert 1 <= len(began) < len(one.results())
    after = [found.trial for found in probe.run(two, plan, 2)]
    assert not began.keys() & set(after)
    assert bare(two.results()) == bare(one.results())
    for trial, when in began.items():
        assert (two.path / trial.folder).stat().st_mtime_ns == when
    for trial in one.results():
        weights = [load(study.path / trial.folder).network.state_dict() for study in (one, two)]
        assert all(torch.equal(weight, weights[1][name]) for name, weight in weights[0].items())
    for study in (one, two):
        results = [replace(found, seconds=0.0) for found in relevant(plan, study.results())]
        study.write_tables(results, {})
    assert (one.path / "results.json").read_bytes() == (two.path / "results.json").read_bytes()
    assert not list(two.path.rglob(".*.partial"))
    assert list(probe.run(two, plan, 2)) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"problems": ("tower",)}, "^tower: no such memory problem; choose from recall"),
        ({"cells": ("rnn", "rmn")}, r"^--cells rmn: no such cell; choose from rnn, .*Class$"),
        ({"cells": ("no_such:Cell",)}, "can't import 'no_such'"),
        ({"cells": ("rnn", "rnn")}, "^--cells: expected one or more, none of them twice$"),
        ({"lags": ()}, "^--lags: expected one or more"),
        ({"lags": (0, 5)}, "^lag 0: recall needs a lag of at least 1$"),
        ({"lags": (-1,)}, "^lag -1: recall needs"),
        ({"lags": (9, 5)}, "^--lags 9,5: expected rising numbers$"),
        ({"problems": ("counting",)}, "^lag 5: counting needs a lag of at least 9$"),
        ({"learning_rates": (0.0,)}, "^--learning-rate 0.0: "),
        ({"seeds": 0}, "^--seeds 0: must be at least 1$"),
    ],
)
def test_a_plan_that_cannot_be_run_is_refused_first(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    study = Study.open(tmp_path, TINY)
    with pytest.raises(InputError, match=message):
        list(probe.run(study, replace(PLAN, **changes), 1))
    assert [path.name for path in tmp_path.iterdir()] == ["study.json"]


def test_settings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match=r"^--hidden-size 0: "):
        PLAN.check(TINY | {"hidden_size": 0})


def test_results_of_a_study_are_json(tmp_path: Path) -> None:
    trial = Trial("adding", "rnn", 0.01, 2, 0)
    Study.open(tmp_path, TINY)
    train_trial(tmp_path, TINY, trial)
    row = json.loads((tmp_path / trial.folder / "result.json").read_text())
    assert list(row)[:5] == ["problem", "cell", "learning_rate", "lag", "seed"]
    assert row["metric"] == "squared error"
    assert row["seconds"] > 0

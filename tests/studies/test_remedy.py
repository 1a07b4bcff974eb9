"""`--try`: what the verdicts suggest, trained beside the original."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from elman.errors import InputError
from elman.predictors.predictor import load
from elman.studies.remedy import ORIGINAL, remedies, table, try_remedies, variant
from elman.tasks.runs import Run, make, train
from tests import tiny


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A tanh RNN that has been asked for a symbol 100 steps ago, for a little while."""
    folder = tmp_path_factory.mktemp("recall")
    settings: dict[str, Any] = {"problem": "recall", "lag": 100, "cell": "rnn", "seed": 1}
    return train(
        "memory", None, folder / "run", **settings, max_steps=20, eval_every=20, eval_sequences=50
    )


def test_what_is_tried_comes_from_the_verdicts(forgetful: Run) -> None:
    found = forgetful.diagnose()
    assert "vanishing" in {verdict.name for verdict in found.verdicts}
    assert remedies(forgetful.task, found) == [{"cell": "lstm", "chrono": 100.0}]


def test_a_remedy_solves_what_a_vanishing_rnn_cannot(forgetful: Run, tmp_path: Path) -> None:
    found = forgetful.diagnose()
    original, changed = try_remedies(forgetful, found, tmp_path / "tried", max_steps=800)
    assert original.name == ORIGINAL
    assert not original.solved
    assert original.updates == 800
    assert changed.solved
    assert changed.scores["accuracy"] > 0.95
    assert changed.verdicts == ("healthy",)
    assert changed.reach is not None
    assert changed.reach.steps == 100
    head, rows = table([original, changed])
    assert [row[head.index("solved")] for row in rows] == ["no", "yes"]


def test_the_original_is_trained_anew_with_the_same_budget(forgetful: Run, tmp_path: Path) -> None:
    heard: list[str] = []
    attempts = try_remedies(
        forgetful,
        forgetful.diagnose(),
        tmp_path / "tried",
        max_steps=3,
        report=lambda attempt: heard.append(attempt.name),
    )
    assert heard == [ORIGINAL, "cell=lstm, chrono=100.0"]
    assert {attempt.updates for attempt in attempts} == {3}
    assert load(tmp_path / "tried" / "1").parts().settings["cell"] == "lstm"
    assert not (tmp_path / "tried" / "1" / "config.toml").exists()
    # Again, over what the first time left.
    try_remedies(forgetful, forgetful.diagnose(), tmp_path / "tried", max_steps=1)


def test_a_language_model_needs_no_data_again(tmp_path: Path) -> None:
    run = tiny.run(tmp_path, cell="rnn", max_steps=2)
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    fresh = variant(run.task, {"cell": "gru", "max_steps": 1})
    assert type(make(fresh).network.layers[0]).__name__ == "GRU"  # type: ignore[index, union-attr]
    torch.testing.assert_close(next(fresh.source()).inputs, next(run.task.source()).inputs)
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before


def test_a_setting_goes_back_to_its_default(forgetful: Run) -> None:
    assert variant(forgetful.task, {"seed": None}).config.seed == 0
    with pytest.raises(InputError, match="no such setting"):
        variant(forgetful.task, {"sed": 3})


def test_a_healthy_run_has_nothing_to_try(forgetful: Run, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"problem": "recall", "lag": 20, "cell": "lstm", "chrono": 50}
    run = train("memory", None, tmp_path / "run", **settings, max_steps=1, eval_sequences=10)
    found = run.diagnose(needs=10)
    if all(verdict.name == "healthy" for verdict in found.verdicts):
        with pytest.raises(InputError, match="nothing to try"):
            remedies(run.task, found)
    else:
        pytest.fail(str(found.verdicts))


def test_what_somebody_else_put_there_stays(forgetful: Run, tmp_path: Path) -> None:
    mine = tmp_path / "tried" / "thesis.txt"
    mine.parent.mkdir()
    mine.write_text("years of work", encoding="utf-8")
    with pytest.raises(InputError, match=r"thesis\.txt: --try did not leave this there"):
        try_remedies(forgetful, forgetful.diagnose(), tmp_path / "tried", max_steps=1)
    assert mine.read_text(encoding="utf-8") == "years of work"

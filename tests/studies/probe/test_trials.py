import csv
import io
import json
from pathlib import Path

import pytest

from elman.errors import InputError
from elman.studies.probe.trials import Result, Study, Trial, csv_text

TRIAL = Trial("recall", "package.module:Own", 0.003, 20, 1)
RESULT = Result(TRIAL, 0.97, True, 300, "solved", 1.5)
SETTINGS = {"max_steps": 300, "hidden_size": 8}


def finish(study: Study, trial: Trial, **changes: object) -> Path:
    """What `train_trial` does once a network is trained."""
    scratch = study.scratch_path(trial)
    scratch.mkdir(parents=True)
    row = Result(trial, 0.97, True, 300, "solved", 1.5).as_dict() | changes
    (scratch / "result.json").write_text(json.dumps(row))
    study.keep(trial, scratch)
    return study.path / trial.folder


def test_a_study_is_found_again_with_its_results(tmp_path: Path) -> None:
    study = Study.open(tmp_path / "deep" / "study", SETTINGS)
    finish(study, TRIAL)
    again = Study.open(study.path, dict(SETTINGS))
    assert again == study
    assert again.results() == {TRIAL: RESULT}


def test_a_result_is_a_row_and_back() -> None:
    for result in (RESULT, Result(TRIAL, None, False, 7, "diverged", 0.1)):
        row = json.loads(json.dumps(result.as_dict()))
        assert Result.from_dict(row) == result
        assert row["metric"] == "accuracy"
    (row,) = csv.DictReader(io.StringIO(csv_text([RESULT.as_dict()])))
    assert (row["cell"], row["lag"], row["score"], row["updates"]) == (
        "package.module:Own",
        "20",
        "0.97",
        "300",
    )


def test_what_is_not_finished_does_not_count_and_is_taken_away(tmp_path: Path) -> None:
    study = Study.open(tmp_path, SETTINGS)
    kept = finish(study, TRIAL)
    scratch = study.scratch_path(Trial("recall", "rnn", 0.003, 20, 1))
    scratch.mkdir(parents=True)
    (scratch / "result.json").write_text(json.dumps(RESULT.as_dict()))
    assert list(study.results()) == [TRIAL]
    study.clear_leftovers()
    assert not scratch.exists()
    assert (kept / "result.json").exists()


def test_the_first_of_two_equal_trainings_is_kept(tmp_path: Path) -> None:
    study = Study.open(tmp_path, SETTINGS)
    finish(study, TRIAL)
    finish(study, TRIAL, seconds=9.0)
    assert study.results() == {TRIAL: RESULT}
    assert [path.name for path in (tmp_path / TRIAL.folder).parent.iterdir()] == ["seed-1"]


def test_other_settings_are_refused(tmp_path: Path) -> None:
    Study.open(tmp_path, SETTINGS)
    with pytest.raises(InputError, match=r"have max_steps = 300, not 400; set it so, or give "):
        Study.open(tmp_path, SETTINGS | {"max_steps": 400})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("book.txt", "It was", "not a study"),
        ("study.json", "{", "damaged"),
        ("study.json", '{"format": 2}', "damaged"),
        ("study.json", '{"format": 0, "settings": {}}', "of format 0, expected 2"),
    ],
)
def test_folders_that_are_no_study(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        Study.open(tmp_path, SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_damaged_result_says_which(tmp_path: Path) -> None:
    study = Study.open(tmp_path, SETTINGS)
    folder = finish(study, TRIAL)
    (folder / "result.json").write_text("{}")
    with pytest.raises(InputError, match=r"seed-1.result\.json: damaged; remove its folder"):
        study.results()


def test_the_tables_have_every_row(tmp_path: Path) -> None:
    study = Study.open(tmp_path, SETTINGS)
    study.write_tables([RESULT, RESULT], {"longest": [1]})
    tree = json.loads((tmp_path / "results.json").read_text())
    assert tree["settings"] == SETTINGS
    assert tree["longest"] == [1]
    assert tree["results"] == [RESULT.as_dict()] * 2
    assert (tmp_path / "results.csv").read_text().count("\n") == 3

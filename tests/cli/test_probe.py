import csv
import io
import json
import sys
from pathlib import Path

import pytest

from elman.cli import probe
from elman.data.digits import images
from tests.cli.conftest import Elman, Ended

TINY = (
    *("recall", "--cells", "gru,rnn", "--lags", "1,3", "--seeds", 1, "--max-steps", 100),
    *("--hidden-size", 8, "--batch-size", 4, "--learning-rates", 0.02, "--processes", 1),
)


def refused(ended: Ended, *messages: str) -> None:
    assert ended.code == 2, ended.err
    assert ended.err.startswith("elman: ")
    assert ended.err.count("\n") == 1
    for message in messages:
        assert message in ended.err


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused is refused before a process is started."""

    def never(*_: object) -> None:
        raise AssertionError("a training was begun")

    monkeypatch.setattr("elman.studies.probe.probe.spread", never)


def test_a_study_and_its_results_in_every_form(elman: Elman, tmp_path: Path) -> None:
    study = tmp_path / "study"
    ended = elman("probe", *TINY, "--out", study)
    assert ended.code == 0, ended.err
    head, _, columns, gru, rnn = ended.out.splitlines()
    assert head.startswith("recall: name the first symbol")
    assert columns.split() == ["cell", "longest", "1", "3"]
    assert [gru.split()[0], rnn.split()[0]] == ["gru", "rnn"]
    *trainings, _, last = ended.err.splitlines()
    assert len(trainings) in (2, 3, 4)
    assert all("recall, " in line and " updates, " in line for line in trainings)
    assert f"{len(trainings)} of {len(trainings)} trainings now" in last
    assert {"study.json", "results.json", "results.csv", "probe.png", "recall"} == {
        path.name for path in study.iterdir()
    }
    before = (study / "results.json").read_text()

    again = elman("probe", *TINY, "--out", study, "--format", "json")
    assert again.err.startswith(f"\n0 of {len(trainings)} trainings now")
    assert again.out == before
    tree = json.loads(before)
    assert [row["cell"] for row in tree["longest"]] == ["gru", "rnn"]
    assert len(tree["results"]) == len(trainings)

    rows = list(
        csv.DictReader(io.StringIO(elman("probe", *TINY, "--out", study, "--format", "csv").out))
    )
    assert [float(row["score"]) for row in rows] == [row["score"] for row in tree["results"]]

    changed = [value if value != 4 else 5 for value in TINY]
    refused(elman("probe", *changed, "--out", study), "its trainings have batch_size = 4, not 5")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("tower",), "tower: no such memory problem; choose from recall"),
        (("--cells", "rnm"), "--cells rnm: no such cell; choose from rnn"),
        (("--cells", "no_such:Cell"), "can't import 'no_such'"),
        (("--cells", ""), "--cells: expected one or more"),
        (("--lags", "0,10"), "lag 0: recall needs a lag of at least 1"),
        (("--lags", "-5"), "lag -5: recall needs"),
        (("--lags", "10,many"), "--lags 10,many: expected numbers with commas between"),
        (("--lags", "20,10"), "expected rising numbers"),
        (("--learning-rates", "fast"), "--learning-rates fast: expected numbers"),
        (("--seeds", "0"), "--seeds 0: must be at least 1"),
        (("--max-steps", "0"), "--max-steps 0"),
        (("--hidden-size", "0"), "--hidden-size 0"),
        (("--processes", "-1"), "--processes -1: must be at least 1"),
    ],
)
@pytest.mark.usefixtures("no_training")
def test_what_cannot_be_run_is_one_line(
    elman: Elman, tmp_path: Path, flags: tuple[str, ...], message: str
) -> None:
    refused(elman("probe", *flags, "--out", tmp_path / "study"), message)


@pytest.mark.usefixtures("no_training")
def test_a_place_that_cannot_be_written(elman: Elman, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    ended = elman("probe", "--out", tmp_path / "file" / "study")
    refused(ended, "file", "give a path that exists and that you may use")
    refused(elman("probe", "--out", tmp_path), "a folder that is not a study")


@pytest.mark.usefixtures("no_training")
def test_digits_without_scikit_learn(
    elman: Elman, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images.cache_clear()
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    ended = elman("probe", "digits", "--out", tmp_path / "study")
    refused(ended, 'pip install "elman[probe]"')
    assert not (tmp_path / "study").exists()


def test_without_matplotlib_only_the_picture_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    study = probe.Study.open(tmp_path, {})
    plan = probe.Plan(("recall",), ("rnn",), (0.1,), (1,), 1)
    assert 'pip install "elman[plot]"' in probe._picture(study, plan, {})
    assert not (tmp_path / "probe.png").exists()

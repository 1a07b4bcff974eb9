"""A run is what training left, or `verify` says which file and which figure is not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import elman
from elman.checksums import LIST, sealed
from elman.cli.main import main
from elman.errors import InputError
from elman.tasks.kept import EVALUATION
from elman.tasks.runs import Run
from elman.tasks.verify import verify
from tests import tiny


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with an evaluation."""
    run = tiny.run(tmp_path_factory.mktemp("evaluated"), watch=5)
    run.report()
    return run.path


@pytest.fixture
def run(evaluated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(evaluated, tmp_path / "run"))


def test_a_run_as_training_left_it(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = elman.verify(run)
    assert found.passed
    assert found.problems == found.unlisted == found.notes == ()
    present = {p.relative_to(run).as_posix() for p in run.rglob("*") if p.is_file()}
    assert set(found.intact) == present
    names = [each.name for each in found.comparisons]
    assert {"validation loss", "valid loss", "test bits"} <= set(names)
    assert all(each.stored == each.computed for each in found.comparisons)
    assert main(["verify", str(run)]) == 0
    out = capsys.readouterr().out
    assert f"{len(present)} files intact" in out
    assert "text.txt: size 5,678, sha256 " in out
    assert "torch 2." in out


@pytest.mark.remedy
def test_a_figure_that_is_not_what_was_stored(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, listed = run / EVALUATION, json.loads((run / LIST).read_bytes())
    kept = json.loads(path.read_bytes())
    kept["scores"][0]["value"] *= 1.01
    path.write_text(json.dumps(kept))
    assert main(["verify", str(run)]) == 2
    assert "evaluation.json: is damaged" in capsys.readouterr().err
    from elman.checksums import hash_file

    listed["files"][EVALUATION] = [hash_file(path)]
    (run / LIST).write_bytes(sealed(json.dumps(listed).encode()))
    assert main(["verify", str(run)]) == 1
    assert "valid loss differ from what was stored" in capsys.readouterr().err
    assert main(["verify", str(run), "--no-metrics"]) == 0
    Run(run).report()
    assert verify(run).passed


@pytest.mark.remedy
def test_scores_of_earlier_weights_are_not_compared(run: Path) -> None:
    kept = json.loads((run / EVALUATION).read_bytes())
    kept["fingerprint"] = "0" * 64
    from elman.checksums import replace_listed

    replace_listed(run, {EVALUATION: json.dumps(kept).encode()})
    found = verify(run)
    assert found.passed
    assert found.notes == (
        f"the stored scores are of earlier weights; `elman evaluate {run}` renews them",
    )
    assert main(["evaluate", str(run)]) == 0
    assert verify(run).notes == ()


def test_files_of_others_are_named_and_do_no_harm(run: Path) -> None:
    (run / "notes.txt").write_text("mine")
    found = verify(run, metrics=False)
    assert found.passed
    assert found.unlisted == ("notes.txt",)


@pytest.mark.parametrize("how", ["removed", "emptied", "cut", "changed"])
def test_every_file_is_looked_at(run: Path, how: str) -> None:
    for path in sorted(p for p in run.rglob("*") if p.is_file()):
        content = path.read_bytes()
        middle = len(content) // 2
        changed = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        if how == "removed":
            path.unlink()
        else:
            path.write_bytes({"emptied": b"", "cut": content[:-1], "changed": changed}[how])
        if path.name == "config.toml" and how == "removed":
            with pytest.raises(InputError, match="not a run directory"):
                verify(run)
        else:
            (problem,) = verify(run, metrics=False).problems
            assert problem.startswith(f"{path}: ")
            assert "\n" not in problem
        path.write_bytes(content)
    assert verify(run, metrics=False).passed


@pytest.mark.remedy
def test_a_missing_split_is_no_smaller_run(run: Path) -> None:
    for name in ("valid.npy", "test.npy", "test.json"):
        content = (run / "data" / name).read_bytes()
        (run / "data" / name).unlink()
        with pytest.raises(InputError, match=rf"{name}: is missing; restore it from a copy"):
            Run(run)
        (run / "data" / name).write_bytes(content)
    assert Run(run).evaluate()


def test_what_the_run_was_made_of_and_with(run: Path) -> None:
    record = verify(run, metrics=False).record
    assert set(record["versions"]) >= {"elman", "python", "torch", "numpy"}
    assert record["hardware"]["cores"] >= 1
    assert record["training"] == {"threads": 1, "seed": 0, "device": "cpu"}
    (entry,) = record["data"]
    assert entry["size"] == len(tiny.text())


def test_a_run_that_cannot_be_written(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(run))

    monkeypatch.setattr("elman.checksums.write_bytes", refused)
    assert main(["evaluate", str(run)]) == 0
    ended = capsys.readouterr()
    assert "nats per token" in ended.out
    assert ended.err.count("the report is not kept in it (Permission denied)") == 1
    assert main(["diagnose", str(run), "--max-lag", "20"]) == 0
    assert "the report is not kept in it (Permission denied)" in capsys.readouterr().err
    assert verify(run).passed
    now = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    assert now == before


@pytest.mark.remedy
@pytest.mark.parametrize("content", [None, b"nothing"])
def test_best_weights_that_are_damaged_are_found_before_training(
    run: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = run / "predictor" / "model.safetensors"
    before = weights.read_bytes()
    weights.unlink() if content is None else weights.write_bytes(content)
    assert main(["resume", str(run)]) == 2
    ended = capsys.readouterr().err
    assert f"{weights}: is " in ended
    assert f"or delete the folder {run / 'checkpoints'}, and `elman resume" in ended
    shutil.rmtree(run / "checkpoints")
    assert main(["resume", str(run)]) == 0
    assert weights.read_bytes() == before
    assert verify(run).passed

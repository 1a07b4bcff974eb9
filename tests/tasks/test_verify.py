"""A run is what training left, or `verify` says which file and which figure is not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import elman
from elman.checksums import LIST, is_file_intact, sealed
from elman.cli.main import main
from elman.data.given import given
from elman.errors import InputError
from elman.settings import configure
from elman.tasks.kept import EVALUATION
from elman.tasks.language_model.config import LanguageModelConfig
from elman.tasks.runs import Run, begin, fit
from elman.tasks.verify import verify
from elman.training.contracts import Observation, StepEvent
from elman.training.run_directory import RunDirectory
from elman.training.signals import Interrupted
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


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run that was killed after 25 of its 30 steps, and one that was told to stop there."""
    found = []
    for error in (RuntimeError("killed"), Interrupted(2, None)):
        folder = tmp_path_factory.mktemp("stopped")
        config = configure(LanguageModelConfig, tiny.SETTINGS | {"log_every": 1, "watch": 0})
        begun = begin("language-model", given(tiny.write(folder)), folder / "run", config)
        with pytest.raises(type(error)):
            fit(begun, observers=[_Stop(error)])
        found.append(begun.path)
    return found[0], found[1]


class _Stop:
    """Stands for a kill or a Ctrl-C in step 26."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def after_backward(self, event: StepEvent) -> Observation | None:
        if event.step == 26:
            raise self._error
        return None


def _lines_cut(run: Path, step: int) -> None:
    """The lines of metrics.jsonl after `step` are lost."""
    path = run / "metrics.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if json.loads(line)["step"] <= step))


@pytest.mark.remedy
def test_what_can_be_said_before_training_has_ended(
    stopped: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, metrics = tmp_path / "run", tmp_path / "run" / "metrics.jsonl"
    newest = run / "checkpoints" / "step-00000020.safetensors"

    def fresh() -> Path:
        shutil.rmtree(run, ignore_errors=True)
        return Path(shutil.copytree(stopped[0], run))

    found = verify(fresh())
    assert found.passed
    note, _ = found.notes
    assert "training has not ended: lines of metrics.jsonl after the newest checkpoint" in note
    _lines_cut(fresh(), 20)  # the newest checkpoint counts on no more
    assert verify(run).passed
    _lines_cut(fresh(), 19)
    (problem,) = verify(run).problems
    assert problem.startswith(f"{metrics}: the end is damaged")
    fresh()
    metrics.unlink()
    (problem,) = verify(run).problems
    assert problem == (
        f"{metrics}: is missing; restore it from a copy, or `elman resume {run}` goes on without it"
    )
    assert main(["resume", str(run)]) == 0
    assert "is missing; going on without the record up to step 20" in capsys.readouterr().err
    assert verify(run).passed
    fresh()
    newest.unlink()
    lost = verify(run)
    assert lost.passed
    assert lost.notes[1] == (
        f"{newest}: is not there, though training went on after it; `elman resume {run}` goes on"
        " from step-00000010.safetensors"
    )
    assert main(["resume", str(run)]) == 0
    assert "going on from step-00000010.safetensors" in capsys.readouterr().out
    assert verify(run).notes == ()  # the scores of the end are stored


def test_a_run_that_was_told_to_stop_is_listed(stopped: tuple[Path, Path], tmp_path: Path) -> None:
    run = Path(shutil.copytree(stopped[1], tmp_path / "run"))
    assert verify(run, metrics=False).notes == ()
    _lines_cut(run, 24)
    assert len(verify(run).problems) == 1
    run = Path(shutil.copytree(stopped[1], tmp_path / "other"))
    (run / "checkpoints" / "step-00000020.safetensors").unlink()
    (problem,) = verify(run).problems
    assert "step-00000020.safetensors: is missing" in problem


def test_a_run_in_training_is_verified(
    stopped: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training replaces checkpoints and reports while they are looked at."""
    run = Path(shutil.copytree(stopped[0], tmp_path / "run"))
    oldest = run / "checkpoints" / "step-00000010.safetensors"
    look = is_file_intact

    def replaced(path: Path) -> bool:
        oldest.unlink(missing_ok=True)
        return look(path)

    monkeypatch.setattr("elman.tasks.verify.is_file_intact", replaced)
    assert verify(run).passed


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


def test_of_many_files_of_data_the_first_are_named(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [{"name": f"{n}.wav", "size": 1} for n in range(1205)]
    monkeypatch.setattr(RunDirectory, "read_record", lambda _: {"data": files})
    assert main(["verify", str(run), "--no-metrics"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("data")]
    assert lines[-2:] == ["data 4.wav: size 1", "data: 1,200 more files; config.toml lists them"]
    assert len(lines) == 6

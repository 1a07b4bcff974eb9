"""Run directories: made, opened, refused."""

import os
from pathlib import Path

import pytest

from elman.checksums import SEAL, sealed
from elman.errors import InputError
from elman.training.run_directory import FORMAT, RunDirectory
from tests.training.toy import make_config, make_run

DEAD = 1 << 22  # above the highest number of a process


def test_config_comes_back(tmp_path: Path) -> None:
    config = make_config(window=16, betas=(0.5, 0.25))
    made = make_run(tmp_path / "a" / "run", config)
    task, settings = RunDirectory(made.path).read_config()
    assert task == "toy"
    assert type(config).model_validate(settings) == config
    assert "max_minutes" not in settings


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (None, "holds no run yet; begin it with `elman train TASK DATA --out"),
        ("[elman", "config.toml: is damaged"),
        ("x = 1\n", "expected the tables"),
        ('[elman]\nversion = "9"\nformat = 1\ntask = "t"\n[settings]\n', "of format 1, expected 3"),
        (f"[elman]\nformat = {FORMAT}\n[settings]\n", "config.toml: is damaged"),
        (f'[elman]\nsha256 = "{SEAL}"\nformat = {FORMAT}\n[settings]\n', "names no task"),
    ],
)
def test_reading_refuses_what_is_no_run(tmp_path: Path, text: str | None, match: str) -> None:
    if text is not None:
        content = text.encode()
        (tmp_path / "config.toml").write_bytes(sealed(content) if SEAL in text else content)
    with pytest.raises(InputError, match=match) as caught:
        RunDirectory(tmp_path).read_config()
    assert "\n" not in str(caught.value)


def test_reading_refuses_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is damaged"):
        RunDirectory(tmp_path).read_config()
    with pytest.raises(InputError, match="there is no such folder"):
        RunDirectory(tmp_path / "missing").read_config()


def test_checkpoints_are_ordered_by_step_and_pruned(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", make_config())
    assert not run.all_checkpoints()
    steps = [5, 40, 300, 123456789]
    for step in reversed(steps):
        run.checkpoint_path(step).touch()
    (run.checkpoints / "notes.txt").touch()
    assert run.all_checkpoints() == [run.checkpoint_path(step) for step in steps]
    assert run.all_checkpoints()[-1] == run.checkpoint_path(123456789)
    run.keep_latest_checkpoints(2)
    left = sorted(path.name for path in run.checkpoints.iterdir())
    assert left == ["notes.txt", "step-00000300.safetensors", "step-123456789.safetensors"]


def test_going_back_deletes_the_checkpoints_after_the_one_that_is_used(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", make_config())
    for step in (1, 2, 3):
        run.checkpoint_path(step).touch()
    run.go_back_to(run.checkpoint_path(2))
    assert run.all_checkpoints() == [run.checkpoint_path(1), run.checkpoint_path(2)]
    run.go_back_to(None)
    assert run.all_checkpoints() == []


def test_leftovers_of_a_kill_are_cleared(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", make_config())
    live = run.path / f".loss.png.{os.getppid()}.partial"  # somebody evaluates the run
    kept = [run.checkpoint_path(7), run.model_path, run.path / ".notes", run.config_path]
    kept += [run.header_path, live]
    for path in kept:
        path.touch()
    for folder in (run.path, run.checkpoints):
        for pid in (DEAD, os.getpid()):
            (folder / f".step-00000007.safetensors.{pid}.partial").touch()
        (folder / ".tmpaolA6c").touch()
    run.clear_leftovers()
    left = [path for path in run.path.rglob("*") if path.is_file()]
    assert sorted(left) == sorted(kept)

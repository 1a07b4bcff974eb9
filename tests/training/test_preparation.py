"""A run directory appears whole, and at any moment either `train` or `resume` works."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from elman.errors import InputError
from elman.files import write_json
from elman.training.preparation import own, preparing
from elman.training.run_directory import RunDirectory
from elman.training.run_lock import RunLock


def fill(place: RunDirectory) -> None:
    write_json(place.data / "rows.json", [1, 2])
    write_json(place.header_path, {})
    place.write_config("toy", {"size": 3})


def make(path: Path) -> None:
    with preparing(path) as preparation:
        fill(preparation.place)
        preparation.publish().release()


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


WHOLE = {"config.toml", "data/rows.json", "predictor/predictor.json"}


def absent(tmp_path: Path) -> Path:
    return tmp_path / "new" / "run"


def empty(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    path.mkdir()
    return path


def linked(tmp_path: Path) -> Path:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "run"


def link_to_nothing(tmp_path: Path) -> Path:
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "run"


def mount(tmp_path: Path) -> Path:
    path = empty(tmp_path)
    (path / "lost+found").mkdir()
    return path


def here(tmp_path: Path) -> Path:
    os.chdir(empty(tmp_path))
    return Path()


@pytest.fixture(params=[absent, empty, linked, link_to_nothing, mount, here])
def out(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    place: Callable[[Path], Path] = request.param
    return place(tmp_path)


def test_it_appears_whole(out: Path, tmp_path: Path) -> None:
    with preparing(out) as preparation:
        with pytest.raises(InputError, match=f"process {os.getpid()} on .* is preparing"):
            make(out)
        with pytest.raises(InputError, match=f"process {os.getpid()} on .* is still preparing"):
            own(RunDirectory(out))
        fill(preparation.place)
        assert not (out / "config.toml").exists()
        assert not (out / "data").exists()
        lock = preparation.publish()
    assert lock.held
    with pytest.raises(InputError, match="is training this run"):
        own(RunDirectory(out))
    with pytest.raises(InputError, match=r"is training this run.*choose another --out"):
        make(out)
    lock.release()
    assert files(out) == WHOLE
    assert not list(tmp_path.rglob(".*"))
    assert RunDirectory(out).read_config() == ("toy", {"size": 3})


def fail(out: Path, error: type[BaseException]) -> None:
    with preparing(out) as preparation:
        fill(preparation.place)
        raise error


def test_a_preparation_that_fails_leaves_nothing(out: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    for error in (ValueError, KeyboardInterrupt, SystemExit):
        with pytest.raises(error):
            fail(out, error)
        left = [path for path in sorted(tmp_path.rglob("*")) if path not in before]
        assert [path for path in left if path != tmp_path / "new"] == []
    make(out)
    assert files(out) == WHOLE


def test_what_a_kill_left_is_cleared_by_the_next_train(out: Path, tmp_path: Path) -> None:
    target = out.resolve()
    stage = target / ".preparing" if out.is_dir() else target.with_name(f".{target.name}.preparing")
    (stage / "data").mkdir(parents=True)
    (stage / "data" / "half").touch()
    (stage / ".lock").write_text("1 elsewhere")
    if out.is_dir():
        (target / ".lock").write_text("1 elsewhere")
    with pytest.raises(InputError, match="`elman train TASK DATA --out"):
        own(RunDirectory(out))
    make(out)
    assert files(out) == WHOLE
    assert not list(tmp_path.rglob(".*"))


def test_what_a_task_goes_on_from_outlives_a_kill_but_not_the_preparation(out: Path) -> None:
    target = out.resolve()
    stage = target / ".preparing" if out.is_dir() else target.with_name(f".{target.name}.preparing")
    for name in ("data/decoded/train", "data/old/half", "predictor/old"):
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        (stage / name).touch()
    with preparing(out) as preparation:
        held = [path for path in preparation.place.path.rglob("*") if path.is_file()]
        assert {path.name for path in held} - {".lock"} == {"train"}
        fill(preparation.place)
        preparation.publish().release()
    assert files(out) == WHOLE


@pytest.mark.parametrize("moves", [0, 1, 2, 3])
def test_a_kill_between_the_moves_leaves_a_run_that_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    out, left, rename = empty(tmp_path), [moves], Path.rename

    def killed(self: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return rename(self, target)

    def begin() -> None:
        with preparing(out) as preparation:
            fill(preparation.place)
            monkeypatch.setattr(Path, "rename", killed)
            preparation.publish()

    with pytest.raises(KeyboardInterrupt):
        begin()
    monkeypatch.undo()
    with pytest.raises(InputError, match="go on with `elman resume"):
        make(out)
    with pytest.raises(InputError, match="killed in its first moment; go on with `elman resume"):
        RunDirectory(out).read_config()
    own(RunDirectory(out)).release()
    assert files(out) == WHOLE
    assert not list(tmp_path.rglob(".*"))


def test_a_run_that_is_there_is_not_begun_again(tmp_path: Path) -> None:
    make(tmp_path / "run")
    with pytest.raises(InputError, match=r"holds a run already; go on with `elman resume .*run`"):
        make(tmp_path / "run")
    own(RunDirectory(tmp_path / "run")).release()


def test_what_is_no_run_is_neither_begun_nor_resumed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path, train, resume in [
        (tmp_path / "file", "is a file", "is a file, expected a run directory"),
        (tmp_path, "is not empty; choose another --out, or delete it", "not a run directory"),
    ]:
        with pytest.raises(InputError, match=train):
            make(path)
        with pytest.raises(InputError, match=resume):
            own(RunDirectory(path))
    assert files(tmp_path) == {"file"}


def test_one_that_an_older_version_left_half_made(tmp_path: Path) -> None:
    place = RunDirectory(tmp_path / "run")
    place.data.mkdir(parents=True)
    place.write_config("toy", {})
    for use in (lambda: make(place.path), lambda: own(place)):
        with pytest.raises(InputError, match=r"cut off, .* delete it and train again"):
            use()
    assert files(place.path) == {"config.toml"}


def test_a_place_that_is_taken_meanwhile(tmp_path: Path) -> None:
    def begin() -> None:
        with preparing(tmp_path / "a") as preparation:
            fill(preparation.place)
            (tmp_path / "a").mkdir()
            (tmp_path / "a" / "mine").touch()
            preparation.publish()

    with pytest.raises(InputError, match="has appeared while"):
        begin()
    assert files(tmp_path) == {"a/mine"}
    assert not list(tmp_path.rglob(".*"))


def test_it_belongs_to_the_one_who_trains_it_on(tmp_path: Path) -> None:
    make(tmp_path / "run")
    place = RunDirectory(tmp_path / "run")
    (place.path / f".x.{1 << 22}.partial").touch()
    place.checkpoints.rmdir()  # as a copy leaves out what is empty
    with own(place) as lock:
        assert isinstance(lock, RunLock)
        with pytest.raises(InputError, match="wait until it ends, or stop it"):
            own(place)
        assert place.checkpoints.is_dir()
    assert files(place.path) == WHOLE

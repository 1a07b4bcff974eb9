"""Files appear whole or not at all, and a full disk leaves what was there."""

import errno
import json
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from elman.files import DiskFull, atomic_path, safetensors_path, write_json, write_text


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_file_takes_its_place_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with atomic_path(path) as partial:
        assert partial.parent == tmp_path
        partial.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with atomic_path(path) as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_disk_that_fills_up_is_an_os_error_and_leaves_nothing(tmp_path: Path) -> None:
    with small_disk(4096), pytest.raises(OSError) as caught:
        write_text(tmp_path / "a.txt", "x" * 10_000)
    assert caught.value.errno == errno.EFBIG
    assert names(tmp_path) == []


def test_a_disk_found_full_when_the_bytes_are_forced_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError) as caught:
        write_text(tmp_path / "a.txt", "text")
    assert caught.value.errno == errno.ENOSPC
    assert names(tmp_path) == []


def test_bytes_reach_the_disk_before_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: seen.append(names(tmp_path)))
    write_text(tmp_path / "a.txt", "text")
    assert [listed == ["a.txt"] for listed in seen] == [False, True]  # the file, then its folder


def test_newlines_and_letters_are_written_as_they_are(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "é\r\nb\n")
    assert (tmp_path / "a.txt").read_bytes() == "é\r\nb\n".encode()


def test_json_is_strict(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"loss": [1.5, None], "text": "é"})
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {
        "loss": [1.5, None],
        "text": "é",
    }
    with pytest.raises(ValueError):
        write_json(tmp_path / "b.json", float("nan"))
    assert names(tmp_path) == ["a.json"]


def test_a_file_of_tensors_is_as_open_as_any_other(tmp_path: Path) -> None:
    write_text(tmp_path / "text", "")
    with safetensors_path(tmp_path / "tensors") as partial:
        save_file({"x": np.zeros(1)}, partial)
    assert (tmp_path / "tensors").stat().st_mode == (tmp_path / "text").stat().st_mode


def test_a_full_disk_is_an_error_of_the_system_to_tensors_too(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match=r"disk is full.*tensors"), small_disk(1000):  # noqa: SIM117
        with safetensors_path(tmp_path / "tensors") as partial:
            save_file({"x": np.zeros(1000)}, partial)
    assert names(tmp_path) == []


def test_a_short_write_of_numpy_is_a_full_disk(tmp_path: Path) -> None:
    def write() -> None:
        with atomic_path(tmp_path / "a.npy", 80_128) as partial, partial.open("wb") as file:
            np.save(file, np.zeros(10_000))

    message = r"disk is full \(.*a.npy needs 80.1 kB, .* free\)"
    with small_disk(4096), pytest.raises(DiskFull, match=message):
        write()
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_synced_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write_text(tmp_path / "a.txt", "text")
    assert (tmp_path / "a.txt").read_text() == "text"

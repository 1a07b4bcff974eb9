"""The lock of a run: held once, gone with its process, of no harm to forks."""

import errno
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from elman.errors import ElmanWarning
from elman.training import run_lock
from elman.training.run_lock import LOCK, Busy, Owner, RunLock, owner_of

HOLDS = """
import sys, time
from pathlib import Path
from elman.training.run_lock import RunLock
lock = RunLock.take(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""
FORKS = """
import os, sys, time
from pathlib import Path
from elman.training.run_lock import RunLock
lock = RunLock.take(Path(sys.argv[1]))
if os.fork() == 0:  # it outlives its parent
    os.close(0)
    time.sleep(60)
    os._exit(0)
print("forked", flush=True)
os._exit(0)
"""
DEAD = 1 << 22  # above the highest number of a process


def test_it_is_held_once_and_says_by_whom(tmp_path: Path) -> None:
    assert owner_of(tmp_path) is None
    with RunLock.take(tmp_path) as lock:
        assert lock.held
        with pytest.raises(Busy) as caught:
            RunLock.take(tmp_path)
        assert caught.value.owner == owner_of(tmp_path) == Owner(os.getpid(), socket.gethostname())
        assert str(caught.value.owner) == f"process {os.getpid()} on {socket.gethostname()}"
    assert not lock.held
    assert list(tmp_path.iterdir()) == []
    RunLock.take(tmp_path).release()


def test_it_dies_with_its_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(Busy, match=f"process {process.pid} on"):
            RunLock.take(tmp_path)
        process.send_signal(signal.SIGKILL)
    assert (tmp_path / LOCK).exists()
    assert owner_of(tmp_path) is None
    RunLock.take(tmp_path).release()
    assert not (tmp_path / LOCK).exists()


def test_a_forked_child_does_not_hold_it(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKS, str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "forked\n"
        process.wait()
        try:
            RunLock.take(tmp_path).release()
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_it_goes_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    lock = RunLock.take(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    lock.moved(tmp_path / "b")
    with pytest.raises(Busy):
        RunLock.take(tmp_path / "b")
    (tmp_path / "a").mkdir()
    RunLock.take(tmp_path / "a").release()  # a new folder of the old name is another one
    lock.release()
    assert list((tmp_path / "b").iterdir()) == []


def test_one_that_is_dropped_is_given_back(tmp_path: Path) -> None:
    lock = RunLock.take(tmp_path)
    del lock
    RunLock.take(tmp_path).release()


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: Any) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(run_lock.fcntl, "flock", unsupported)
    for there in ("", "nonsense", f"{DEAD} {socket.gethostname()}", f"{os.getppid()} elsewhere"):
        (tmp_path / LOCK).write_text(there)
        with pytest.warns(ElmanWarning, match="its file system has no locks"):
            RunLock.take(tmp_path).release()
    (tmp_path / LOCK).write_text(f"{os.getppid()} {socket.gethostname()}")  # a live process
    with pytest.raises(Busy):
        RunLock.take(tmp_path)
    assert owner_of(tmp_path) == Owner(os.getppid(), socket.gethostname())


def test_a_full_disk_does_not_hinder_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("elman.training.run_lock.os.pwrite", full)
    with RunLock.take(tmp_path), pytest.raises(Busy, match="another process"):
        RunLock.take(tmp_path)

"""A tiny match from end to end: two processes, checked, timed, told."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.speed.cells import Cell
from benchmarks.speed.environments import REQUIREMENTS, Environments, why
from benchmarks.speed.match import FP32, FULL, Effort, Entry, entries, play
from benchmarks.speed.peers import PEERS
from benchmarks.speed.pool import Worker, WorkerFailed, Workers

TINY = Cell("GRU", "train", 3, 2, 4, 5)


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    with Workers(Environments(tmp_path / "envs"), tmp_path / "logs") as workers:
        yield workers


def test_ours_and_torch_take_turns(workers: Workers) -> None:
    taking = entries(TINY, "fp32", ["torch"])
    assert [entry.label for entry in taking] == ["elman", "torch"]
    timings, versions = play(taking, 1, workers, Effort(rounds=2, seconds=10))
    for timing in timings.values():
        assert not timing.reason
        assert len(timing.seconds) == 2
        assert all(0 < seconds < 1 for seconds in timing.seconds)
    assert "native" in timings["elman"].note
    assert versions["torch"].startswith("2.")
    # The same processes serve the next cell; a peer that cannot do it says why.
    before = {key: worker.process.pid for key, worker in workers.workers.items()}
    ragged = Cell("LSTM", "infer", 3, 2, 4, 5, ragged=True)
    taking = [Entry(name, name, ragged, "fp32") for name in ("elman", "torch")]
    timings, _ = play(taking, 1, workers, Effort(rounds=1, seconds=10))
    assert timings["elman"].seconds
    assert timings["torch"].reason == "not measured on ragged batches"
    assert before == {key: worker.process.pid for key, worker in workers.workers.items()}


def test_wrong_results_are_not_timed(
    workers: Workers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.speed.match.difference", lambda *_: "y is off by 2.0")
    timings, _ = play([Entry("numpy", "numpy", TINY, "fp32")], 1, workers, Effort(1, 1.0))
    assert timings["numpy"].seconds == ()
    assert timings["numpy"].reason.startswith("wrong, so not timed: y is off by 2.0")
    assert "WRONG: numpy" in capsys.readouterr().err


def test_who_takes_part() -> None:
    step = Cell("LSTM", "step", 1, 1, 8, 8)
    names = ["jax", "torch", "flax", "torch-cell"]
    full = ["elman", "torch", "torch-cell", "jax"]
    assert [e.label for e in entries(step, "fp32", names)] == full
    assert [e.label for e in entries(step, "bf16", names)] == ["elman", "torch", FP32]
    ragged = entries(Cell("GRU", "train", 9, 4, 3, 3, ragged=True), "fp32", names)
    assert [(e.label, e.cell.ragged) for e in ragged] == [("elman", True), (FULL, False)]


def test_a_process_that_dies_says_why(tmp_path: Path) -> None:
    worker = Worker("numpy", Path(sys.executable), 1, tmp_path / "log")
    worker.process.kill()
    worker.process.wait()
    with pytest.raises(WorkerFailed, match=r"the process ended with -9: it said nothing"):
        worker.ask(10, do="build")
    worker.stop()


def test_the_reason_of_a_failed_installation_names_no_address() -> None:
    output = "Looking in indexes: https://a.example/simple\nERROR: no x==9 at https://a.example/x\n"
    assert why(output) == "ERROR: no x==9 at …"
    assert why("") == "no message"


def test_an_installation_that_failed_is_told_and_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def fail(command: list[str], **_: Any) -> None:
        commands.append(command)
        raise subprocess.CalledProcessError(1, command, stderr="ERROR: no such wheel\n")

    monkeypatch.setattr(subprocess, "run", fail)
    environments = Environments(tmp_path)
    for _ in range(2):
        assert environments.python("jax") == "could not be installed: ERROR: no such wheel"
    assert len(commands) == 1
    assert environments.python("") == Path(sys.executable)


def test_every_peer_of_its_own_pins_what_it_needs() -> None:
    for name in {peer.own for peer in PEERS.values() if peer.own}:
        lines = (REQUIREMENTS / f"{name}.txt").read_text().split()
        assert lines
        assert all(re.fullmatch(r"[\w-]+==[\d.]+", line) for line in lines)

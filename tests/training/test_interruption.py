"""A run that is killed or stopped ends, when resumed, with the bits of one never stopped."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from elman.errors import InputError
from elman.tensors import load_tree
from elman.training.log import QuietLog
from elman.training.loop import Outcome, train
from elman.training.run_directory import RunDirectory
from elman.training.signals import Interrupted
from tests.training import toy
from tests.training.toy import lines, same_bits, weights

ROOT = Path(__file__).parents[2]


class Crash(Exception):
    """Stands for a kill: the loop knows nothing of it and writes nothing."""


def crash() -> None:
    raise Crash


def assert_same_run(run: RunDirectory, outcome: Outcome, objective: Any, reference: Any) -> None:
    _, expected_run, expected_outcome, expected_objective = reference
    assert same_bits(weights(objective), weights(expected_objective))
    assert lines(run) == lines(expected_run)
    assert same_bits(load_tree(run.model_path), load_tree(expected_run.model_path))
    assert outcome.best_loss == expected_outcome.best_loss
    assert outcome.best_step == expected_outcome.best_step


@pytest.mark.parametrize("case", toy.CASES)
def test_crash_at_every_step(case: str, references: dict[str, Any], tmp_path: Path) -> None:
    config = references[case][0]
    for step in range(1, config.max_steps + 1):
        run = toy.make_run(tmp_path / str(step), config)
        with pytest.raises(Crash):
            toy.go(run, config, [toy.At(step, crash)])
        torch.rand(step)  # a new process starts with other random states
        outcome, objective = toy.go(run, config)
        assert_same_run(run, outcome, objective, references[case])


@pytest.mark.parametrize(
    ("case", "step"),
    [
        ("adamw, cosine, window, accumulation", 8),
        ("sgd, averaging, random truncation, plateau", 11),
    ],
)
def test_killed_process(case: str, step: int, references: dict[str, Any], tmp_path: Path) -> None:
    config = references[case][0]
    killed = _process(case, tmp_path / "run", step, signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    run = RunDirectory(tmp_path / "run")
    latest = run.usable_checkpoint()
    assert latest == run.checkpoint_path((step - 1) // 3 * 3)
    outcome, objective = toy.go(run, config)
    assert_same_run(run, outcome, objective, references[case])


def _process(
    case: str, path: Path, step: int, number: signal.Signals
) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "tests.training.toy",
        case,
        str(path),
        str(step),
        str(int(number)),
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", [4, 6, 7])  # before an evaluation, before a checkpoint, neither
def test_signal_writes_a_checkpoint(
    number: signal.Signals, step: int, references: dict[str, Any], tmp_path: Path
) -> None:
    case = "sgd, averaging, random truncation, plateau"
    config = references[case][0]
    run = toy.make_run(tmp_path / "run", config)
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as caught:
        toy.go(run, config, [toy.At(step, lambda: os.kill(os.getpid(), number))])
    assert caught.value.signal == number
    assert caught.value.checkpoint == run.checkpoint_path(step) == run.usable_checkpoint()
    assert signal.getsignal(number) is before
    outcome, objective = toy.go(run, config)
    assert_same_run(run, outcome, objective, references[case])


def test_signal_during_the_last_evaluation(tmp_path: Path) -> None:
    config = toy.make_config(max_steps=4)
    run = toy.make_run(tmp_path / "run", config)
    objective, source = toy.make_parts(config)

    class Impatient(toy.Objective):
        def evaluate(self) -> dict[str, float]:
            os.kill(os.getpid(), signal.SIGTERM)
            return super().evaluate()

    with pytest.raises(Interrupted) as caught:
        train(Impatient(objective.model), source, config, run, QuietLog())
    assert caught.value.checkpoint == run.all_checkpoints()[-1] == run.checkpoint_path(4)
    assert "validation_loss" in lines(run)[-1]
    assert toy.go(run, config)[0].step == 4


def test_second_interrupt_leaves_at_once(tmp_path: Path) -> None:
    config = toy.make_config()

    def twice() -> None:
        # Sent from outside, two that come together may be delivered as one.
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.01)

    # A shell that was told to run the tests behind itself has them ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            toy.go(toy.make_run(tmp_path / "run", config), config, [toy.At(2, twice)])
    finally:
        signal.signal(signal.SIGINT, before)


def test_averaging_began(references: dict[str, Any]) -> None:
    """The reference of the case would prove nothing if its trigger never fired."""
    _, run, _, _ = references["sgd, averaging, random truncation, plateau"]
    average = load_tree(run.all_checkpoints()[-1])["average"]
    assert average is not None
    assert 0 < average["count"] < 14


def test_resume_from_a_checkpoint_of_other_data_or_model(
    references: dict[str, Any], tmp_path: Path
) -> None:
    config, run, _, _ = references["sgd, step, bfloat16"]
    objective, source = toy.make_parts(config)
    objective.model.readout = torch.nn.Linear(6, 9)
    with pytest.raises(InputError, match="another model"):
        train(objective, source, config, run, QuietLog(), (), run.all_checkpoints()[-1])
    damaged = tmp_path / "step-00000001.safetensors"
    damaged.write_bytes(run.checkpoint_path(14).read_bytes()[:-100])
    objective, source = toy.make_parts(config)
    with pytest.raises(InputError, match="is damaged"):
        train(objective, source, config, run, QuietLog(), (), damaged)

"""Training by command: what it leaves and says, and that a killed run goes on to the bit."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests import tiny
from tests.cli.conftest import Elman


def test_a_run_is_left_and_told_of(elman: Elman, text_file: Path) -> None:
    out = text_file.parent / "run"
    ended = elman("train", "language-model", text_file, "--out", out, *tiny.flags())
    assert ended.code == 0, ended.err
    names = {path.name for path in out.iterdir()}
    assert names == {
        *("config.toml", "data", "predictor", "metrics.jsonl", "checkpoints"),
        *("hashes.json", "evaluation.json"),
    }
    for told in ("train", "characters", "vocabulary 18 (char)", "parameters", "steps an epoch"):
        assert told in ended.out
    for unit in ("nats per token", "per token", "bits per character"):
        assert f"{unit}\n" in ended.out
    assert f"elman generate {out} --prompt" in ended.out
    assert ended.err.count("validation loss") == 3
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [10, 20, 30]
    assert {"validation_loss", "validation_perplexity", "validation_bits_per_character"} <= set(
        records[-1]
    )


def test_the_original_text_is_not_needed_again(elman: Elman, text_file: Path) -> None:
    out = text_file.parent / "run"
    flags = tiny.flags(max_minutes=1e-9)
    assert elman("train", "language-model", text_file, "--out", out, *flags).code == 0
    text_file.unlink()
    ended = elman("resume", out, "--max-minutes", "5")
    assert ended.code == 0, ended.err
    assert "going on from step-00000001.safetensors" in ended.out
    assert "stopped by max_steps after 30 steps" in ended.out


def test_a_run_is_not_overwritten(elman: Elman, text_file: Path) -> None:
    out = text_file.parent
    ended = elman("train", "language-model", text_file, "--out", out, *tiny.flags())
    assert ended.code == 2
    assert "is not empty" in ended.err
    assert [path.name for path in out.iterdir()] == ["text.txt"]


LONG = {"max_steps": 200, "eval_every": 100, "checkpoint_every": 20}
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}
COMMAND = [sys.executable, "-m", "elman.cli.main"]


@pytest.fixture(scope="module")
def never_stopped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """The weights of a run that nobody disturbed."""
    run = tiny.run(tmp_path_factory.mktemp("whole"), **LONG)
    return load_file(run.directory.model_path)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGKILL, -9),
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow),
    ],
)
def test_a_run_stopped_by_a_signal_goes_on_to_the_bit(
    elman: Elman,
    text_file: Path,
    never_stopped: dict[str, torch.Tensor],
    number: signal.Signals,
    code: int,
) -> None:
    out = text_file.parent / "run"
    flags = [*tiny.flags(**LONG), "--out", str(out)]
    train = [*COMMAND, "train", "language-model", str(text_file), *flags]
    with subprocess.Popen(
        train, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None and not list(out.glob("checkpoints/step-*")):
            time.sleep(0.01)
        process.send_signal(number)
        _, err = process.communicate()
    assert process.returncode == code
    assert "Traceback" not in err
    if number != signal.SIGKILL:
        assert f"go on with: elman resume {out}" in err
    assert elman("resume", out).code == 0
    resumed = load_file(out / "predictor" / "model.safetensors")
    assert all(torch.equal(resumed[name], tensor) for name, tensor in never_stopped.items())

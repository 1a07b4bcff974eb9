"""The table of commands and what each ending means."""

import errno
import importlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from elman.cli import main as cli
from elman.errors import InputError, RunFailed
from elman.training.signals import Interrupted
from tests.cli.conftest import Elman


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_each_command_is_there_and_helps(elman: Elman, name: str) -> None:
    module, _, attribute = cli.COMMANDS[name][0].partition(":")
    assert hasattr(importlib.import_module(module), attribute)
    ended = elman(name, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert f"elman {name}" in ended.out


def test_help_names_every_command_and_is_the_answer_to_nothing(elman: Elman) -> None:
    ended = elman("--help")
    shown = " ".join(ended.out.replace("│", " ").split())
    assert all(f"{name} {text}" in shown for name, (_, text) in cli.COMMANDS.items())
    assert elman().out == ended.out


def test_help_does_not_wait_for_torch() -> None:
    code = (
        "import sys; from elman.cli.main import main; main(['--help']);"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_version(elman: Elman) -> None:
    assert elman("--version").out.strip()[0].isdigit()


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["trian"], 'Unknown command "trian". Did you mean "train"?'),
        (["info", "--fast"], "Unknown option"),
        (["evaluate"], "RUN is required: a run directory"),
        (["train", "language"], "language-model"),
    ],
)
def test_wrong_usage_is_one_line_and_2(elman: Elman, tokens: list[str], message: str) -> None:
    ended = elman(*tokens)
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("elman: ")
    assert message in ended.err
    assert ended.out == ""


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InputError("a\n  b"), 2, "a b"),
        (RunFailed("the loss is nan"), 1, "the loss is nan"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(errno.ENOSPC, "No space left on device", "x"), 1, "the disk is full (x)"),
        (OSError("I/O error: No space left on device (os error 28)"), 1, "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), 2, "Permission denied (x)"),
        (OSError(errno.EIO, "Input/output error", "x"), 1, "Input/output error (x)"),
        (BrokenPipeError(), 0, ""),
        (
            Interrupted(signal.SIGTERM, Path("runs/a/checkpoints/step-1")),
            143,
            "go on with: elman resume runs/a",
        ),
        (Interrupted(signal.SIGINT, Path("runs/a/checkpoints/step-1")), 130, "SIGINT"),
    ],
    ids=repr,
)
def test_each_ending_has_its_code_and_one_line(
    elman: Elman, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, line: str
) -> None:
    def end() -> None:
        raise error

    monkeypatch.setattr("elman.cli.info.info", end)
    monkeypatch.setattr(cli.os, "dup2", lambda *_: None)  # leave the stdout of the tests alone
    ended = elman("info")
    assert ended.code == code
    assert line in ended.err
    assert ended.err.count("\n") == (1 if line else 0)


def test_a_mistake_of_ours_is_not_hidden(elman: Elman, monkeypatch: pytest.MonkeyPatch) -> None:
    def end() -> None:
        raise AssertionError("ours")

    monkeypatch.setattr("elman.cli.info.info", end)
    with pytest.raises(AssertionError, match="ours"):
        elman("info")


def test_sigterm_ends_with_143_after_cleaning_up(
    elman: Elman, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned = []

    def end() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            cleaned.append(True)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("elman.cli.info.info", end)
    assert elman("info").code == 143
    assert cleaned
    assert signal.getsignal(signal.SIGTERM) is before

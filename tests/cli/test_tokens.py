from pathlib import Path
from typing import Any

import pytest
import torch

from elman.cli.main import build_app
from elman.cli.tokens import LISTS, prepared, run_to_explain
from elman.predictors.predictor import KINDS, kind_class
from elman.tasks.runs import TASKS, Run, task_class
from tests.cli.conftest import Elman
from tools import keywords


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("predict RUN --levels 50 90", "predict RUN --levels 50,90"),
        ("predict RUN --levels 50 90 in.csv --out o", "predict RUN --levels 50,90 in.csv --out o"),
        ("predict RUN --levels 50,90 9.csv", "predict RUN --levels 50,90 9.csv"),
        ("train speech d --snr -5 30 --speeds .9, 1", "train speech d --snr -5,30 --speeds .9,1"),
        ("predict RUN --levels", "predict RUN --levels"),
        ("train x d --betas 0.9 0.99", "train x d --betas 0.9 0.99"),
        ("train classify d --help-all", "train classify --help-all"),
    ],
)
def test_what_is_typed_is_prepared(typed: str, read: str) -> None:
    assert prepared(typed.split()) == read.split()


def test_every_flag_of_several_numbers_is_known() -> None:
    kinds: list[Any] = [
        kind for task in map(task_class, TASKS) for kind in (task.Config, task.Evaluation)
    ]
    for name in KINDS:
        kinds += [kind_class(name).Prediction, kind_class(name).Streaming]
    found = {
        "--" + name.replace("_", "-")
        for kind in kinds
        for name, field in kind.model_fields.items()
        if any(f"Sequence[{number}]" in keywords.annotation(field) for number in ("int", "float"))
    }
    assert found == set(LISTS)


def test_help_is_of_a_run_only_where_one_is_named() -> None:
    commands = ("predict",)
    assert run_to_explain(["predict", "RUN", "--help"], commands) == ("predict", "RUN")
    assert run_to_explain(["predict", "-h", "RUN"], commands) == ("predict", "RUN")
    assert run_to_explain(["predict", "--help"], commands) is None
    assert run_to_explain(["train", "classify", "--help"], commands) is None
    assert run_to_explain(["predict", "RUN"], commands) is None


@pytest.mark.parametrize("command", ["evaluate", "predict", "stream"])
def test_the_help_of_a_run_has_the_flags_of_its_task_only(
    elman: Elman, trained: Run, command: str
) -> None:
    own, all_flags = elman(command, trained.path, "--help"), elman(command, "--help")
    assert own.code == all_flags.code == 0
    assert "For language-model" in own.out
    assert "forecast" not in own.out.split("is of the kind")[0].partition("Parameters")[2]
    assert "For forecast" in all_flags.out
    assert elman(command, "no-such-run", "--help").out == all_flags.out


def test_what_is_required_is_called_so(elman: Elman, tmp_path: Path) -> None:
    ended = elman("train", "classify", tmp_path)
    assert ended.code == 2
    assert "--out is required: the run directory to make" in ended.err
    assert "`elman train classify --help`" in ended.err
    assert "RUN is required" in elman("predict").err
    assert "requires an argument" in elman("train", "classify", tmp_path, "--out").err


def test_threads_of_a_command(elman: Elman, trained: Run) -> None:
    assert elman("evaluate", trained.path, "--threads", 2).code == 0
    assert torch.get_num_threads() == 2
    assert elman("evaluate", trained.path, "--threads", 0).code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete(shell: Any) -> None:
    script = build_app().generate_completion(shell=shell)
    assert "evaluate" in script
    assert "--install-completion" in build_app()

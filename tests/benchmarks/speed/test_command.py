"""The report names the command that made it, whatever its flags were."""

from __future__ import annotations

import shlex

import pytest

from benchmarks.speed.__main__ import parser, spelled


@pytest.mark.parametrize(
    "command",
    [
        "python -m benchmarks.speed",
        "python -m benchmarks.speed --threads 2 --modes train,infer --rounds 5 --seconds 12",
        "python -m benchmarks.speed --cells 'LSTM train,B1' --peers torch,jax --dtypes fp32,bf16",
        "python -m benchmarks.speed memory --threads 2",
    ],
)
def test_a_command_is_spelled_as_it_was_given(command: str) -> None:
    assert spelled(parser().parse_args(shlex.split(command)[3:])) == command


def test_folders_stay_out() -> None:
    given = parser().parse_args(["--out", "somewhere", "--envs", "elsewhere", "--threads", "1"])
    assert spelled(given) == "python -m benchmarks.speed --threads 1"

"""Every instruction set that this machine has, not only the best one that serves by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = ("tests/layers/test_against_torch.py", "tests/kernels/test_native.py")
ASK = "from elman.kernels import native; print(native.instruction_set())"


@pytest.mark.parametrize(
    "name",
    ["baseline", *(pytest.param(name, marks=pytest.mark.slow) for name in ("avx2", "avx512"))],
)
def test_values_and_gradients_on_each_set(name: str) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            env={**os.environ, "ELMAN_ISA": name},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )

    if run("-c", ASK).stdout.strip() != name:
        pytest.skip(f"this machine has no {name}")
    told = run(
        *("-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider"),
        *("-m", "not slow", "-k", "not reference", *TESTS),
    )
    assert told.returncode == 0, told.stdout[-3000:]


def test_a_set_that_is_none_is_named() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "from elman.cli.main import main; raise SystemExit(main(['info']))"],
        env={**os.environ, "ELMAN_ISA": "sse"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 2
    assert "ELMAN_ISA=sse" in told.stderr
    assert "Traceback" not in told.stderr

"""Every instruction set that this machine has, not only the best one, which is the default."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = ("tests/layers/test_against_torch.py", "tests/kernels/test_native.py")
ASK = "from elman.kernels import native; print(native.instruction_set())"
FLAGS: dict[str, set[str]] = {
    "baseline": set(),
    "avx2": {"avx2", "fma"},
    "avx512": {"avx512f", "avx512dq", "avx512vl"},
}
"""What /proc/cpuinfo calls the instructions that each set needs."""


def missing(name: str) -> set[str]:
    """The instructions of the set `name` that the processor lacks."""
    return FLAGS[name] - set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())


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

    if lacking := missing(name):
        pytest.skip(f"the processor lacks {', '.join(sorted(lacking))}")
    assert run("-c", ASK).stdout.strip() == name
    told = run(
        *("-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider"),
        *("-m", "not slow", "-k", "not reference", *TESTS),
    )
    assert told.returncode == 0, told.stdout[-3000:]


def test_the_default_is_the_best_that_the_processor_has() -> None:
    best = next(name for name in ("avx512", "avx2", "baseline") if not missing(name))
    environment = {key: value for key, value in os.environ.items() if key != "ELMAN_ISA"}
    told = subprocess.run(
        [sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=False
    )
    assert told.stdout.strip() == best


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

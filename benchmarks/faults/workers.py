"""A tree of the project of one's own, in which a mutant is tested by a forked process."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Literal, TypeAlias

from benchmarks.faults.mutation import Mutant
from elman.kernels import native

Outcome: TypeAlias = Literal["killed", "timeout", "survived"]

LIBRARIES = "torch pandas pyarrow scipy.stats sklearn.linear_model hypothesis pytest pydantic"
COPIED = ("src", "tests", "benchmarks", "tools", "docs", "pyproject.toml", "README.md")
_PATIENCE = 120.0


def preload() -> None:
    """Import the libraries once, which every mutant's process then has from the start."""
    for name in LIBRARIES.split():
        importlib.import_module(name)


class Worker:
    """Tests mutants, one after the other, in a copy of the project."""

    def __init__(self, root: Path, tree: Path) -> None:
        self._tree = tree.resolve()
        shutil.rmtree(self._tree, ignore_errors=True)
        for name in COPIED:
            source, target = root / name, self._tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, target)

    def run(self, mutant: Mutant, tests: list[str]) -> Outcome:
        """How the tests ended; a mutant that no test executes survives."""
        if not tests:
            return "survived"
        file = self._tree / mutant.path
        original = file.read_text(encoding="utf-8")
        file.write_text(mutant.source, encoding="utf-8")
        try:
            child = os.fork()
            if child == 0:
                _test(self._tree, tests)
            return _wait(child)
        finally:
            file.write_text(original, encoding="utf-8")


def _wait(child: int) -> Outcome:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "survived" if os.waitstatus_to_exitcode(status) == 0 else "killed"
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "timeout"


def _test(tree: Path, tests: list[str]) -> None:
    """In the child: run the tests of the tree and end with pytest's exit code."""
    code = 70
    try:
        os.setsid()
        os.chdir(tree)
        os.environ["ELMAN_KERNELS"] = str(native.library())
        os.environ["PYTHONPATH"] = os.pathsep.join([str(tree / "src"), str(tree)])
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        sys.dont_write_bytecode = True
        # An editable install finds its modules before the path does.
        sys.meta_path = [f for f in sys.meta_path if "Redirecting" not in type(f).__name__]
        for name in [name for name in sys.modules if name.split(".")[0] in ("elman", "benchmarks")]:
            del sys.modules[name]
        sys.path[:0] = [str(tree / "src"), str(tree), str(tree / "tools")]
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        import pytest

        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]))
        code = 0 if code == 0 else 1
    finally:
        os._exit(code)

"""A copy of the project in which mutants are tested, one after the other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal, TypeAlias, cast

from benchmarks.faults.mutation import Mutant
from elman.kernels import native

Outcome: TypeAlias = Literal["killed", "timeout", "survived"]

LEFT_OUT = (".git", ".venv", "build", "dist", "runs", "site", "__pycache__", ".*_cache")


class Worker:
    """Writes a mutant into its tree, and asks a process there to run the tests."""

    def __init__(self, root: Path, tree: Path) -> None:
        self._tree = tree.resolve()
        shutil.rmtree(self._tree, ignore_errors=True)
        shutil.copytree(root, self._tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
        found = {
            "ELMAN_KERNELS": str(native.library()),
            "PYTHONPATH": os.pathsep.join([str(self._tree / "src"), str(self._tree)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "benchmarks/faults/zygote.py"],
            cwd=self._tree,
            env=os.environ | found,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, mutant: Mutant, tests: list[str]) -> Outcome:
        """How the tests ended; a mutant that no test executes survives."""
        if not tests:
            return "survived"
        file = self._tree / mutant.path
        original = file.read_text(encoding="utf-8")
        file.write_text(mutant.source, encoding="utf-8")
        try:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(tests) + "\n")
            self._process.stdin.flush()
            return cast(Outcome, self._process.stdout.readline().strip())
        finally:
            file.write_text(original, encoding="utf-8")

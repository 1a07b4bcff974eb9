"""No speed is told while a test is red: the tests of kernels and layers run first.

That they passed is remembered by a hash of all that they depend on, the built kernels included,
so that a measurement in several sittings does not run them each time.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from elman.errors import RunFailed
from elman.kernels import native

ROOT = Path(__file__).parents[2]
TESTED = ("tests/kernels", "tests/layers")
HASHED = ("src", "csrc", "tests/kernels", "tests/layers", "tests/cases.py", "tests/conftest.py")
SOURCES = {".py", ".cpp", ".h", ".inc"}


def tests_pass(folder: Path) -> str:
    """The hash of the tree, once its tests have passed; `folder` remembers that they did.

    Raises:
        RunFailed: a test is red, or the kernels are older than their sources.
    """
    library = _library()
    if library is not None:
        _built_since(library)
    tree = digest(library)
    stamp = folder / f"tests-passed-{tree}"
    if stamp.exists():
        sys.stderr.write("the tests passed on this very tree before\n")
        return tree
    sys.stderr.write(f"running the tests first: {' '.join(TESTED)}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "auto", "-m", "not slow", *TESTED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunFailed(f"no speed is told while a test is red:\n{done.stdout[-2000:]}")
    folder.mkdir(parents=True, exist_ok=True)
    stamp.touch()
    return tree


def _library() -> Path | None:
    import importlib.util

    spec = importlib.util.find_spec("elman.kernels._native") if native.BUILT else None
    return Path(spec.origin) if spec is not None and spec.origin else None


def _built_since(library: Path) -> None:
    built = library.stat().st_mtime
    for path in _files(ROOT / "csrc"):
        if path.stat().st_mtime > built:
            raise RunFailed(
                f"{path.relative_to(ROOT)} is newer than the kernels; build them first, with `make`"
            )


def digest(library: Path | None) -> str:
    """A hash of the sources, the tests that count, and the kernels as built."""
    whole = hashlib.sha256()
    for name in HASHED:
        for path in _files(ROOT / name):
            whole.update(f"{path.relative_to(ROOT)}\n".encode())
            whole.update(path.read_bytes())
    if library is not None:
        whole.update(library.read_bytes())
    return whole.hexdigest()[:16]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.suffix in SOURCES)

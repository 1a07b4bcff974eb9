"""`python -m benchmarks.faults kernels`: build the kernels with a fault; the tests have to fail."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from benchmarks.results import circumstances, write_section

ROOT = Path(__file__).parents[2]
FAULTS = Path(__file__).parent / "kernel_faults.toml"
TESTS = ("tests/kernels", "tests/layers")


def main(arguments: list[str]) -> int:
    """Each fault in turn; the exit code is 1 where one was not noticed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults kernels", description=__doc__
    )
    parser.add_argument("--build", type=Path, default=Path("build/kernel-faults"))
    parser.add_argument("--workers", default="2")
    given = parser.parse_args(arguments)
    began = time.monotonic()
    rows, missed = [], 0
    if failed := _first_failure(_built(given.build, None), given.workers):
        raise SystemExit(f"without a fault {failed} fails; nothing can be counted")
    for fault in tomllib.loads(FAULTS.read_text(encoding="utf-8"))["fault"]:
        library = _built(given.build, fault)
        failed = _first_failure(library, given.workers)
        missed += not failed
        rows.append(f"| {fault['what']} | `{fault['file']}` | {failed or '**none**'} |")
        print(rows[-1], flush=True)
    minutes = (time.monotonic() - began) / 60
    table = "\n".join(["| fault | file | first test that failed |", "| --- | --- | --- |", *rows])
    command = circumstances("python -m benchmarks.faults kernels")
    write_section("Faults in the kernels", f"{table}\n\nIn {minutes:.0f} minutes.\n\n{command}")
    return int(missed > 0)


def _built(folder: Path, fault: dict[str, str] | None) -> Path:
    """The library with a fault in its source, or without one."""
    source = folder / "source"
    shutil.rmtree(source, ignore_errors=True)
    # With times of their own: ninja would keep what an earlier fault was built into.
    shutil.copytree(ROOT / "csrc", source / "csrc", copy_function=shutil.copy)
    shutil.copy2(ROOT / "CMakeLists.txt", source)
    if fault is not None:
        file = source / fault["file"]
        text = file.read_text(encoding="utf-8")
        if text.count(fault["find"]) != 1:
            raise SystemExit(
                f"{fault['file']}: {text.count(fault['find'])} times {fault['find']!r}"
            )
        file.write_text(text.replace(fault["find"], fault["replace"]), encoding="utf-8")
    build = folder / "build"
    tools = Path(sys.executable).parent
    settings = ["-G", "Ninja", f"-DPython_EXECUTABLE={sys.executable}"]
    environment = os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    for command in (
        ["cmake", *settings, "-S", str(source), "-B", str(build)],
        ["cmake", "--build", str(build)],
    ):
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return build / "_native.so"


def _first_failure(library: Path, workers: str) -> str:
    """The id of a test that fails with this library, or ""."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-n", workers, "-m", "not slow", *TESTS],
        cwd=ROOT,
        env=os.environ | {"ELMAN_KERNELS": str(library.resolve())},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0].split()[1] if done.returncode and failed else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

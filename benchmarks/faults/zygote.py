"""A process that has imported the libraries, but nothing of elman, and forks to run tests.

Each line of standard input is a JSON list of the ids of tests; the answer is a line, one of
"survived", "killed" and "timeout". Run in the tree whose tests they are. It must import nothing of
elman itself, since a forked process imports the changed source anew.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import time

LIBRARIES = "torch pandas pyarrow scipy.stats sklearn.linear_model pytest pydantic"
PATIENCE = 120.0


def main() -> None:
    """Answer until standard input ends."""
    for name in LIBRARIES.split():
        importlib.import_module(name)
    # An editable install finds its modules before the path does.
    sys.meta_path = [f for f in sys.meta_path if "Redirecting" not in type(f).__name__]
    sys.path[:0] = ["src", ".", "tools"]
    sys.dont_write_bytecode = True
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _test(json.loads(line))
        print(_wait(child), flush=True)


def _wait(child: int) -> str:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "survived" if os.waitstatus_to_exitcode(status) == 0 else "killed"
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "timeout"


def _test(tests: list[str]) -> None:
    """In the child: run the tests and end with 0 where all pass."""
    code = 1
    try:
        os.setpgrp()
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1) if os.environ.get("ZYGOTE_TELLS") else (0, 1, 2):
            os.dup2(null, stream)
        if os.environ.get("ZYGOTE_TELLS"):
            os.dup2(2, 1)
        import pytest

        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]))
    finally:
        os._exit(1 if code else 0)


if __name__ == "__main__":
    main()
